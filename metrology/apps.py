"""The measuring app."""

from __future__ import annotations

from django.apps import AppConfig


class MetrologyApp(AppConfig):
    """What was measured, and whether it drifted."""

    name = "metrology"

    def ready(self) -> None:
        """Have an instrument judged anew once a service of it is recorded."""
        from instruments.services.service_events import service_recorded
        from metrology.services.health import assessment_after_service

        service_recorded.connect(assessment_after_service, dispatch_uid="metrology.assessment_after_service")
