"""App of what all others stand on."""

from __future__ import annotations

from django.apps import AppConfig


class CommonApp(AppConfig):
    """Template tags and abstract models only; no tables of its own."""

    name = "common"
