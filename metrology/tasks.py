"""Doors through which the workers enter this app."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="metrology.assess")
def assess(instrument_id: int) -> bool:
    """Judge an instrument."""
    from metrology.runtime.assessing import assess_instrument

    return assess_instrument(instrument_id)
