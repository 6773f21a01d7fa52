"""What was done to an instrument, and which figures start anew because of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from instruments.models.instrument import Instrument


class ServiceKind(models.TextChoices):
    """What was done."""

    COMMISSIONING = "commissioning", "commissioning"
    FULL_SERVICE = "full_service", "full service by the manufacturer"
    REALIGNMENT = "realignment", "realignment of optics"
    LIGHT_SOURCE = "light_source", "light source replaced"
    DETECTOR = "detector", "detector replaced or recalibrated"
    OBJECTIVE = "objective", "objective replaced"
    CLEANING = "cleaning", "optics cleaned"
    INSPECTION = "inspection", "inspection without adjustment"
    SOFTWARE = "software", "software update"


ALL_GROUPS = frozenset(
    {"intensity", "noise", "sharpness", "texture", "reference", "beads", "field", "marbles", "scan", "power"}
)

RESETS: dict[str, frozenset[str]] = {
    ServiceKind.COMMISSIONING: ALL_GROUPS,
    ServiceKind.FULL_SERVICE: ALL_GROUPS,
    ServiceKind.REALIGNMENT: ALL_GROUPS,
    ServiceKind.LIGHT_SOURCE: ALL_GROUPS - {"beads", "scan"},
    ServiceKind.DETECTOR: ALL_GROUPS - {"beads", "scan", "power"},
    ServiceKind.OBJECTIVE: ALL_GROUPS,
    ServiceKind.CLEANING: ALL_GROUPS,
    ServiceKind.INSPECTION: frozenset(),
    ServiceKind.SOFTWARE: frozenset(),
}
"""Attribute groups whose baseline is opened anew by a service event of each kind."""


class ServiceEvent(models.Model):
    """Something done to an instrument."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="service_events")
    kind = models.CharField(max_length=20, choices=ServiceKind, default=ServiceKind.FULL_SERVICE)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(help_text="Back in use; new baselines begin here.")
    text = models.TextField(blank=True)
    components = models.CharField(max_length=200, blank=True, help_text="What was touched.")
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        ordering = ["-ended_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended_at__gte=models.F("started_at")), name="service_ends_after_start"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.ended_at:%Y-%m-%d}"

    @property
    def resets(self) -> frozenset[str]:
        """Attribute groups whose baselines begin anew after this event."""
        return RESETS[self.kind]
