"""Reads of instruments, their parts and their history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.errors import NotFoundError
from instruments.models import Instrument, ServiceEvent

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from instruments.models import Facility


def instrument_list(facility: Facility) -> QuerySet[Instrument]:
    """Return the facility's instruments by name."""
    return Instrument.objects.filter(facility=facility)


def instrument_get(facility: Facility, slug: str) -> Instrument:
    """Return one instrument of the facility.

    Raises
    ------
    NotFoundError
        If the facility has none of that name.
    """
    try:
        return Instrument.objects.get(facility=facility, slug=slug)
    except Instrument.DoesNotExist:
        raise NotFoundError(
            f"There is no instrument '{slug}' in {facility}.", hint="Choose one from the fleet page.", slug=slug
        ) from None


def service_event_list(instrument: Instrument) -> QuerySet[ServiceEvent]:
    """Return what was done to the instrument, latest first."""
    return instrument.service_events.select_related("recorded_by")
