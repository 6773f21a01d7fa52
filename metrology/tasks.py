"""Doors through which the workers enter this app."""

from __future__ import annotations

from celery import shared_task

from common import jobs
from metrology.models import Acquisition
from metrology.services.measurements import assessment_remind


@shared_task(name="metrology.assess")
def assess(instrument_id: int) -> bool:
    """Judge an instrument."""
    from metrology.runtime.assessing import assess_instrument

    return assess_instrument(instrument_id)


@shared_task(name="metrology.measure")
def measure(acquisition_id: int) -> bool:
    """Read and measure an acquisition, then ask for the judgement that waited for it."""
    from metrology.runtime.records import measure as work

    done = jobs.run(Acquisition, acquisition_id, work)
    assessment_remind(acquisition_id)
    return done


@shared_task(name="metrology.send_history")
def send_history(instrument_id: int) -> int:
    """Send the messages of an instrument's scans that are to be measured again."""
    return jobs.send_waiting(Acquisition.objects.filter(instrument=instrument_id))
