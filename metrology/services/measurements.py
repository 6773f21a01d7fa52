"""Figures enter the database: once, all together, and never overwritten."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from common.models import ACTIVE_STATES
from metrology.attributes.registry import ATTRIBUTES
from metrology.models import Acquisition, Health, Measurement, MeasurementFailure, Series, Validity
from metrology.services.health import assessments_ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


COMPARING = frozenset(one.id for one in ATTRIBUTES.values() if one.needs == "reference")
"""Quantities that compare an image with its reference."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure of one channel of an acquisition.

    Parameters
    ----------
    attribute_id : str
        Which quantity, as the registry names it.
    channel : int
        Channel of the file, from 0.
    algorithm_version : int
        Version of the quantity's definition.
    value : float
        In the unit of the quantity.
    uncertainty : float or None
        Standard uncertainty, in the same unit; None where it is not known.
    n : int
        How many objects it summarises.
    """

    attribute_id: str
    channel: int
    algorithm_version: int
    value: float
    uncertainty: float | None = None
    n: int = 1


@dataclass(frozen=True, slots=True)
class Failure:
    """A quantity that could not be had, and why."""

    attribute_id: str
    channel: int
    algorithm_version: int
    code: str
    message: str


@contextmanager
def facts_noted(acquisition: Acquisition) -> Iterator[Callable[..., None]]:
    """Collect what is found out about an acquisition, and write it together, also when a later step refuses.

    Yields
    ------
    callable
        Takes facts by the names of their columns, and puts them on the acquisition at once.
    """
    noted: set[str] = set()

    def note(**facts: Any) -> None:
        for name, value in facts.items():
            setattr(acquisition, name, value)
        noted.update(facts)

    try:
        yield note
    finally:
        acquisition.save(update_fields=noted)


def measurements_record(
    acquisition: Acquisition,
    readings: Sequence[Reading],
    failures: Sequence[Failure],
    *,
    validity: str,
    validity_reason: str = "",
    reference: Acquisition | None = None,
) -> None:
    """Write the figures of an acquisition, all or none of them, and note that its instrument has to be judged anew.

    Parameters
    ----------
    acquisition : Acquisition
        With its instrument, optical path, standard and protocol settled where they are known.
    readings, failures
        What was and what could not be measured.
    validity : str
        Whether the acquisition may be charted (`Validity`).
    validity_reason : str
        Why not, or why its figures are shown only.
    reference : Acquisition, optional
        What the figures that compare were compared with.

    Notes
    -----
    A figure that is already there (same series, same acquisition) stays as it is: measuring again with the same
    version changes nothing. Without a standard there is no series; the figures are kept on the acquisition, where those
    of another version are put beside them in the same way, and stay when it gets a standard.
    An instrument is judged when none of its scans is being measured, so `assessment_remind` asks once this one is done.
    """
    with transaction.atomic():
        instrument = acquisition.instrument if _has_series(acquisition) else None
        charted = instrument is not None
        first_time = acquisition.validity == Validity.PENDING
        with facts_noted(acquisition) as note:  # first, so that the row is locked
            note(
                readings=acquisition.readings if charted else _with_new(acquisition.readings, readings),
                validity=validity,
                validity_reason=validity_reason[:300],
            )
        if charted:
            _write_measurements(acquisition, readings, reference)
        _write_failures(acquisition, readings, failures, first_time=first_time)
        if instrument is not None:
            Health.objects.bulk_create(
                [Health(instrument=instrument, needs_assessment=True)],
                update_conflicts=True,
                unique_fields=["instrument"],
                update_fields=["needs_assessment"],
            )


def assessment_remind(acquisition_id: int) -> None:
    """Ask for the judgements that waited until this acquisition was no longer being measured, whatever became of it.

    The last scan in a row asks; those before it leave it to that one. A scan whose instrument is not known yet holds
    up every instrument of its facility, so all of them are asked about.
    """
    of_facility = Acquisition.objects.filter(facility__acquisitions=acquisition_id).order_by()
    if not of_facility.filter(instrument=None, state__in=ACTIVE_STATES).exists():
        assessments_ask(Health.objects.filter(instrument__facility__acquisitions=acquisition_id))


def measurements_withdraw(acquisition: Acquisition) -> list[dict[str, Any]]:
    """Take the figures of a wrongly attributed acquisition out of their series; return them for its corrections.

    Those that belong to no series are taken off the acquisition, which the caller saves.
    """
    rows = acquisition.measurements.select_related("series")
    withdrawn = [
        {
            "series": row.series_id,
            "attribute_id": row.series.attribute_id,
            "channel": row.series.channel,
            "algorithm_version": row.series.algorithm_version,
            "value": row.value,
            "uncertainty": row.uncertainty,
            "n": row.n,
            "measured_at": row.measured_at.isoformat(),
        }
        for row in rows
    ]
    withdrawn += [{"series": None, "measured_at": None, **reading} for reading in acquisition.readings]
    acquisition.readings = []
    acquisition.measurements.all().delete()
    acquisition.failures.all().delete()
    return withdrawn


def _with_new(kept: list[dict[str, Any]], readings: Iterable[Reading]) -> list[dict[str, Any]]:
    """Return the figures that are kept with those of quantities, channels and versions that are not among them yet."""
    known = {(one["attribute_id"], one["channel"], one["algorithm_version"]) for one in kept}
    fresh = [one for one in readings if (one.attribute_id, one.channel, one.algorithm_version) not in known]
    return kept + [asdict(one) for one in fresh]


def _has_series(acquisition: Acquisition) -> bool:
    """Say whether all is known that a series is made of."""
    way = acquisition.optical_path_id or acquisition.light_setting_id
    parts = (acquisition.instrument_id, way, acquisition.standard_id, acquisition.protocol_id)
    return None not in parts


def _write_measurements(acquisition: Acquisition, readings: Iterable[Reading], reference: Acquisition | None) -> None:
    wanted = {(one.attribute_id, one.channel, one.algorithm_version): one for one in readings}
    series = _series_of(acquisition, wanted)
    Measurement.objects.bulk_create(
        [
            Measurement(
                series_id=series[key],
                acquisition=acquisition,
                value=one.value,
                uncertainty=one.uncertainty,
                n=one.n,
                reference=reference if one.attribute_id in COMPARING else None,
            )
            for key, one in wanted.items()
        ],
        ignore_conflicts=True,
    )


def _series_of(acquisition: Acquisition, wanted: Iterable[tuple[str, int, int]]) -> dict[tuple[str, int, int], int]:
    """Return the key of the series of each quantity, making those that are missing; safe beside other workers."""
    place = {
        "instrument_id": acquisition.instrument_id,
        "optical_path_id": acquisition.optical_path_id,
        "light_setting_id": acquisition.light_setting_id,
        "standard_id": acquisition.standard_id,
        "protocol_id": acquisition.protocol_id,
    }
    quantities = set(wanted)

    def known() -> dict[tuple[str, int, int], int]:
        those = Series.objects.filter(**place).order_by()  # without order: theirs would join five tables, every scan
        rows = those.values_list("attribute_id", "channel", "algorithm_version", "pk")
        return {(attribute, channel, version): pk for attribute, channel, version, pk in rows}

    found = known()
    # in a fixed order: two workers that make the same rows then wait for each other instead of locking each other out
    missing = sorted(quantities - found.keys())
    if missing:
        Series.objects.bulk_create(
            [
                Series(**place, attribute_id=attribute, channel=channel, algorithm_version=version)
                for attribute, channel, version in missing
            ],
            ignore_conflicts=True,
        )
        _retire_earlier(place)
        found = known()
    return found


def _retire_earlier(place: dict[str, int | None]) -> None:
    """Note which series of a standard on a path are not continued: a later protocol or algorithm took their place."""
    rows = Series.objects.filter(
        instrument=place["instrument_id"],
        optical_path=place["optical_path_id"],
        light_setting=place["light_setting_id"],
        standard=place["standard_id"],
    ).select_related("protocol")
    latest: dict[tuple[str, int], Series] = {}
    for row in rows:
        key = (row.attribute_id, row.channel)
        latest[key] = max(row, latest.get(key, row), key=_place_in_time)
    over = [row for row in rows if latest[row.attribute_id, row.channel].pk != row.pk]
    Series.objects.filter(pk__in=[row.pk for row in over], retired_at=None).update(retired_at=timezone.now())


def _place_in_time(series: Series) -> tuple[tuple[bool, bool, int], int]:
    return series.protocol.precedence, series.algorithm_version


def _write_failures(
    acquisition: Acquisition, readings: Iterable[Reading], failures: Sequence[Failure], *, first_time: bool
) -> None:
    """Write what could not be measured; a quantity that was had meanwhile is no failure any more."""
    if not first_time:
        had = {(one.attribute_id, one.channel, one.algorithm_version) for one in readings}
        rows = acquisition.failures.all()
        gone = [row.pk for row in rows if (row.attribute_id, row.channel, row.algorithm_version) in had]
        acquisition.failures.filter(pk__in=gone).delete()
    MeasurementFailure.objects.bulk_create(
        [MeasurementFailure(acquisition=acquisition, **asdict(one)) for one in failures], ignore_conflicts=True
    )
