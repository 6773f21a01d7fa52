"""Reads of acquisitions: lists, one with its figures, and what is known of it with where it is known from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.errors import NotFoundError
from metrology.attributes.quantity import Quantity
from metrology.attributes.registry import ATTRIBUTES
from metrology.models import Acquisition, Assessment
from metrology.selectors.certainty import limit_words
from metrology.selectors.limits import limits_of_the_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.db.models import QuerySet

    from instruments.models import Facility
    from metrology.models import Limits, Measurement, MeasurementFailure

_UNITS = {"_um": "µm", "_nm": "nm", "_au": "AU"}
_IDENTITY = (
    ("instrument", "Instrument"),
    ("optical_path", "Optical path"),
    ("standard", "Standard"),
    ("label", "Label"),
    ("acquired_at", "Acquired"),
)


_ORDER = {attribute_id: place for place, attribute_id in enumerate(ATTRIBUTES)}


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure of an acquisition, as a page shows it."""

    name: str
    attribute_id: str
    unit: str
    channel: int
    value: float
    uncertainty: float | None
    n: int
    z: float | None = None
    status: str = ""
    series_id: int | None = None
    limit_words: str = ""
    algorithm_version: int = 1
    protocol: str = ""

    @property
    def counts_objects(self) -> bool:
        """Whether `n` counts objects that people care to know of, such as beads, and not pixels."""
        known = ATTRIBUTES.get(self.attribute_id)
        return known is not None and known.needs == "beads"


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A figure that could not be had, as a page shows it."""

    name: str
    channel: int
    message: str


@dataclass(frozen=True, slots=True)
class FiguresTold:
    """What an acquisition tells, by channel.

    Parameters
    ----------
    figures : list of FigureRow
        The newest of each quantity, those of its series with their z against the baseline.
    earlier : list of FigureRow
        Those by an earlier version of the quantity, by another protocol, or from before it had a standard: kept as they
        were measured.
    failures : list of FailureRow
        What the newest version could not tell and why; one row for all figures that failed for the same reason.
    """

    figures: list[FigureRow]
    earlier: list[FigureRow]
    failures: list[FailureRow]


@dataclass(frozen=True, slots=True)
class FactRow:
    """Something known of an acquisition; `source` is file, user, default or none, `detail` the tag or the person."""

    name: str
    value: Any
    source: str
    detail: str
    unit: str = ""


def acquisition_list(facility: Facility) -> QuerySet[Acquisition]:
    """Return the facility's acquisitions, the latest first, with what a row of a list shows."""
    return (
        Acquisition.objects.filter(facility=facility)
        .select_related("instrument", "optical_path", "standard")
        .defer("metadata", "readings", "corrections")
        .order_by("-uploaded_at", "-pk")
    )


def acquisition_get(facility: Facility, pk: int) -> Acquisition:
    """Return one acquisition of the facility.

    Raises
    ------
    NotFoundError
        The facility has none of that number.
    """
    found = (
        Acquisition.objects.filter(facility=facility, pk=pk)
        .select_related("instrument", "optical_path", "standard", "protocol", "stored_file", "uploaded_by")
        .first()
    )
    if found is None:
        raise NotFoundError(
            f"There is no acquisition {pk} in {facility}.", hint="Choose one from the list of acquisitions.", id=pk
        )
    return found


def figures_told(acquisition: Acquisition) -> FiguresTold:
    """Return the figures of an acquisition: the newest, those before, and those that could not be had."""
    rows = list(acquisition.measurements.select_related("series__protocol"))
    loose = [_uncharted(reading) for reading in acquisition.readings]
    charted = [row for row in rows if row.series.protocol_id == acquisition.protocol_id]
    points = _points_of(acquisition, charted)
    limits = _limits_of_the_day(acquisition)
    now = [_charted(row, points, limits) for row in charted] or loose
    before = [_charted(row, {}, limits) for row in rows if row not in charted] + (loose if charted else [])
    failures = list(acquisition.failures.all())

    newest: dict[tuple[str, int], int] = {}
    told: list[FigureRow | MeasurementFailure] = [*now, *failures]
    for one in told:
        key = (one.attribute_id, one.channel)
        newest[key] = max(one.algorithm_version, newest.get(key, 0))
    figures = [row for row in now if row.algorithm_version == newest[row.attribute_id, row.channel]]
    had = {(row.attribute_id, row.channel) for row in figures}
    return FiguresTold(
        figures=sorted(figures, key=_place),
        earlier=sorted((row for row in (*now, *before) if row not in figures), key=_place),
        failures=_failure_rows(
            failure
            for failure in failures
            if (key := (failure.attribute_id, failure.channel)) not in had and failure.algorithm_version == newest[key]
        ),
    )


def identity_rows(acquisition: Acquisition) -> list[FactRow]:
    """Return what the acquisition is of, each with where it is known from."""
    return [
        FactRow(title, getattr(acquisition, name) or None, *source_of(acquisition.sources.get(name, "")))
        for name, title in _IDENTITY
    ]


def metadata_rows(acquisition: Acquisition) -> list[FactRow]:
    """Return what the file says of the image and of its channels."""
    rows = _facts_of({name: found for name, found in acquisition.metadata.items() if name != "channels"})
    for number, channel in enumerate(acquisition.metadata.get("channels", [])):
        rows += _facts_of(channel, prefix=f"Channel {number}: ")
    return rows


def source_of(text: str) -> tuple[str, str]:
    """Split a stored source into what a page shows: file, user, default or none, and the tag or the person."""
    if not text:
        return "none", ""
    if text.startswith("user "):
        return "user", text.removeprefix("user ")
    if text == "command line":
        return "user", text
    if text.startswith("default: "):
        return "default", text.removeprefix("default: ")
    return "file", text


def _limits_of_the_day(acquisition: Acquisition) -> dict[str, Limits]:
    if acquisition.instrument is None or acquisition.acquired_at is None:
        return {}
    return limits_of_the_day(acquisition.instrument, acquisition.acquired_at)


def _points_of(acquisition: Acquisition, rows: Iterable[Measurement]) -> dict[int, dict[str, Any]]:
    """Return how this acquisition stands on the charts of its series, as far as they were judged."""
    charts = Assessment.objects.filter(series__in=[row.series_id for row in rows]).values_list("series", "result")
    return {
        series: next((one for one in result.get("points", []) if one["acquisition"] == acquisition.pk), {})
        for series, result in charts
    }


def _charted(row: Measurement, points: Mapping[int, dict[str, Any]], limits: Mapping[str, Limits]) -> FigureRow:
    series = row.series
    point = points.get(series.pk, {})
    held = limits.get(series.attribute_id)
    return FigureRow(
        name=_name(series.attribute_id),
        attribute_id=series.attribute_id,
        unit=_unit(series.attribute_id),
        channel=series.channel,
        value=row.value,
        uncertainty=row.uncertainty,
        n=row.n,
        z=point.get("z"),
        status=point.get("status", ""),
        series_id=series.pk,
        limit_words="" if held is None else limit_words(held, Quantity(row.value, row.uncertainty, row.n)),
        algorithm_version=series.algorithm_version,
        protocol=str(series.protocol),
    )


def _uncharted(reading: dict[str, Any]) -> FigureRow:
    attribute_id = reading["attribute_id"]
    return FigureRow(name=_name(attribute_id), unit=_unit(attribute_id), **reading)


def _failure_rows(failures: Iterable[MeasurementFailure]) -> list[FailureRow]:
    names: dict[tuple[int, str], list[str]] = {}
    for one in failures:
        names.setdefault((one.channel, one.message), []).append(_name(one.attribute_id))
    return [FailureRow(", ".join(some), channel, message) for (channel, message), some in names.items()]


def _place(row: FigureRow) -> tuple[int, int, int]:
    """Where a figure stands in a table: by channel, in the order of the registry, the newest version first."""
    return row.channel, _ORDER.get(row.attribute_id, len(_ORDER)), -row.algorithm_version


def _name(attribute_id: str) -> str:
    """Return a quantity's name; one that the registry has dropped since keeps its id."""
    known = ATTRIBUTES.get(attribute_id)
    return known.name if known else attribute_id.replace("_", " ")


def _unit(attribute_id: str) -> str:
    known = ATTRIBUTES.get(attribute_id)
    return "" if known is None or known.unit == "1" else known.unit


def _facts_of(fields: dict[str, Any], prefix: str = "") -> list[FactRow]:
    rows = []
    for name, found in fields.items():
        ending = next((ending for ending in _UNITS if name.endswith(ending)), "")
        title = prefix + name.removesuffix(ending).replace("_", " ")
        value = found["value"]
        plain = f"{value:.6g}" if isinstance(value, float) else value
        rows.append(FactRow(title[0].upper() + title[1:], plain, *source_of(found["source"]), _UNITS.get(ending, "")))
    return rows
