"""The restoring app."""

from __future__ import annotations

from django.apps import AppConfig


class EnhancementApp(AppConfig):
    """What can be restored, and how far to trust it."""

    name = "enhancement"
