"""Reads of acquisitions: lists, one with its figures, and what is known of it with where it is known from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.errors import NotFoundError
from metrology.attributes.quantity import Quantity
from metrology.attributes.registry import ATTRIBUTES
from metrology.models import Acquisition
from metrology.selectors.certainty import limit_words
from metrology.selectors.limits import limits_of_the_day

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def figure_rows(acquisition: Acquisition) -> list[FigureRow]:
    """Return the figures of an acquisition by channel, those of its series with their z against the baseline.

    Figures of an acquisition that belongs to no series come without one. Those that it had by an earlier protocol or
    algorithm stay in their series.
    """
    rows = acquisition.measurements.filter(series__protocol=acquisition.protocol).select_related("series__assessment")
    latest = {(row.series.attribute_id, row.series.channel): row for row in rows.order_by("series__algorithm_version")}
    limits = _limits_of_the_day(acquisition)
    figures = [_charted(row, limits.get(row.series.attribute_id)) for row in latest.values()] or [
        _uncharted(reading) for reading in acquisition.readings
    ]
    order = {attribute_id: place for place, attribute_id in enumerate(ATTRIBUTES)}
    return sorted(figures, key=lambda row: (row.channel, order.get(row.attribute_id, len(order))))


def failure_rows(acquisition: Acquisition) -> list[FailureRow]:
    """Return what could not be measured and why; one row for all figures that failed for the same reason."""
    names: dict[tuple[int, str], list[str]] = {}
    failure: MeasurementFailure
    for failure in acquisition.failures.all():
        names.setdefault((failure.channel, failure.message), []).append(_name(failure.attribute_id))
    return [FailureRow(", ".join(some), channel, message) for (channel, message), some in names.items()]


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


def _charted(row: Measurement, limits: Limits | None) -> FigureRow:
    series = row.series
    assessment = getattr(series, "assessment", None)
    points: Iterable[dict[str, Any]] = assessment.result.get("points", []) if assessment else []
    point = next((point for point in points if point["acquisition"] == row.acquisition_id), {})
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
        limit_words="" if limits is None else limit_words(limits, Quantity(row.value, row.uncertainty, row.n)),
    )


def _uncharted(reading: dict[str, Any]) -> FigureRow:
    return FigureRow(
        name=_name(reading["attribute_id"]),
        attribute_id=reading["attribute_id"],
        unit=_unit(reading["attribute_id"]),
        channel=reading["channel"],
        value=reading["value"],
        uncertainty=reading["uncertainty"],
        n=reading["n"],
    )


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
