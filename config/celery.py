"""The Celery application: queues `measure` and `train`, tasks of every app."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from celery import Celery
from celery.signals import task_prerun

if TYPE_CHECKING:
    from celery import Task

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("strehl")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
def connection_checked(sender: Task[Any, Any], **_signal: Any) -> None:
    """Have the connection to the database looked at before each task, as Django does before each request."""
    from django.db import close_old_connections

    if not sender.request.is_eager:
        close_old_connections()
