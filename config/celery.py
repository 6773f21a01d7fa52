"""The Celery application: queues `measure` and `train`, tasks of every app."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("strehl")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
