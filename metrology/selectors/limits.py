"""Reads of absolute limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F, Q
from django.utils import timezone

from metrology.models import Limits
from metrology.selectors.certainty import limits_rows
from metrology.selectors.series import series_row

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from instruments.models import Facility, Instrument
    from metrology.models import Series


@dataclass(frozen=True, slots=True)
class LimitsRecord:
    """The limits of a series.

    Parameters
    ----------
    series : Series
        Whose.
    current : Limits or None
        The row that holds now; None where none was ever set.
    history : tuple of Limits
        Every row that concerns the series, latest first.
    """

    series: Series
    current: Limits | None
    history: tuple[Limits, ...]


def limits_of(facility: Facility, series_id: int) -> LimitsRecord:
    """Return the limits that hold for a series of the facility now, and those that held.

    Raises
    ------
    NotFoundError
        If the facility has no such series.
    """
    series = series_row(facility, series_id)
    return LimitsRecord(
        series=series,
        current=limits_in_force(series.instrument, series.attribute_id, timezone.now()),
        history=tuple(limits_history(series)),
    )


def limits_history(series: Series) -> QuerySet[Limits]:
    """Return every row of limits that concerns the series, latest first."""
    return limits_rows(series.instrument, series.attribute_id).select_related("instrument", "set_by")


def limits_in_force(instrument: Instrument, attribute_id: str, at: datetime) -> Limits | None:
    """Return the limits that hold at a moment: the latest of the instrument's own, else the latest of the facility."""
    return (
        Limits.objects.filter(
            Q(instrument=instrument) | Q(instrument=None),
            facility_id=instrument.facility_id,
            attribute_id=attribute_id,
            valid_from__lte=at,
        )
        .select_related("instrument", "set_by")
        .order_by(F("instrument").desc(nulls_last=True), "-valid_from", "-pk")
        .first()
    )


def limits_of_the_day(instrument: Instrument, at: datetime) -> dict[str, Limits]:
    """Return the limits that held at a moment, of every attribute that had some."""
    rows = Limits.objects.filter(
        Q(instrument=instrument) | Q(instrument=None), facility_id=instrument.facility_id, valid_from__lte=at
    ).order_by(F("instrument").asc(nulls_first=True), "valid_from", "pk")
    return {row.attribute_id: row for row in rows}
