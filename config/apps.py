"""The composition root as a Django app: its commands and its tasks are found this way."""

from __future__ import annotations

from django.apps import AppConfig


class ConfigApp(AppConfig):
    """Makes the Celery application known wherever Django runs."""

    name = "config"
    verbose_name = "Strehl"

    def ready(self) -> None:
        """Load the Celery application, so that `common.dispatch` finds its broker."""
        from config import celery

        celery.app.set_current()
