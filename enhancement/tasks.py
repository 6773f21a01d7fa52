"""Doors through which workers take the work of this app."""

from __future__ import annotations

from celery import shared_task

from common import jobs
from enhancement.models import RestoredImage, TrainingRun


@shared_task(name="enhancement.train")
def train(run_id: int) -> None:
    """Train, compare and judge."""
    from enhancement.runtime.training import train_run

    jobs.run(TrainingRun, run_id, train_run)


@shared_task(name="enhancement.restore")
def restore(image_id: int) -> None:
    """Restore an acquisition."""
    from enhancement.runtime.restoring import restore_image

    jobs.run(RestoredImage, image_id, restore_image)
