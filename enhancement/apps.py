"""The restoring app."""

from __future__ import annotations

from django.apps import AppConfig


class EnhancementApp(AppConfig):
    """What can be restored, and how far to trust it."""

    name = "enhancement"

    def ready(self) -> None:
        """End the use of models that learned from an instrument as it was before its service."""
        from enhancement.services.releases import models_expire_after
        from instruments.services.service_events import service_recorded

        service_recorded.connect(models_expire_after, dispatch_uid="enhancement.models_expire_after")
