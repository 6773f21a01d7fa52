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


@shared_task(name="enhancement.expire_models")
def expire_models(service_event_id: int) -> int:
    """End the use of models that a service made out of date."""
    from enhancement.services.releases import models_expire_after

    return models_expire_after(service_event_id)


@shared_task(name="enhancement.restore")
def restore(image_id: int) -> None:
    """Restore an acquisition."""
    from enhancement.runtime.restoring import restore_image

    jobs.run(RestoredImage, image_id, restore_image)
