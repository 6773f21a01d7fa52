"""Tasks of the whole installation."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="config.recover_lost_jobs")
def recover_lost_jobs() -> int:
    """Send again what waits without a message and what a dead worker left running; remove broken uploads."""
    from common import jobs
    from config.embedded.prepare import job_models
    from metrology.services.health import assess_forgotten
    from metrology.services.storage import sweep

    sweep()

    return sum(jobs.recover(model) for model in job_models()) + assess_forgotten()
