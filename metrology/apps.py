"""The measuring app."""

from __future__ import annotations

from django.apps import AppConfig


class MetrologyApp(AppConfig):
    """What was measured, and whether it drifted."""

    name = "metrology"
