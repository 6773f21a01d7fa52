"""Reads of absolute limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import F, Q

from metrology.models import Limits

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from instruments.models import Instrument
    from metrology.models import Series


def limits_history(series: Series) -> QuerySet[Limits]:
    """Return every row of limits that concerns the series, latest first, the instrument's own before the facility's."""
    instrument = series.instrument
    return (
        Limits.objects.filter(
            Q(instrument=instrument) | Q(instrument=None),
            facility_id=instrument.facility_id,
            attribute_id=series.attribute_id,
        )
        .select_related("set_by")
        .order_by("-valid_from", "-pk")
    )


def limits_in_force(instrument: Instrument, attribute_id: str, at: datetime) -> Limits | None:
    """Return the limits that hold at a moment: the latest of the instrument's own, else the latest of the facility."""
    return (
        Limits.objects.filter(
            Q(instrument=instrument) | Q(instrument=None),
            facility_id=instrument.facility_id,
            attribute_id=attribute_id,
            valid_from__lte=at,
        )
        .order_by(F("instrument").desc(nulls_last=True), "-valid_from", "-pk")
        .first()
    )
