"""The verdict on an instrument."""

from __future__ import annotations

from django.db import models

from instruments.models import Instrument


class Verdict(models.TextChoices):
    """Four levels, the same everywhere."""

    IN_CONTROL = "in_control", "in control"
    WATCH = "watch", "watch"
    DEGRADED = "degraded", "degraded"
    NO_DATA = "no_data", "no data"


class Health(models.Model):
    """The verdict on an instrument, made again after each assessment."""

    instrument = models.OneToOneField(Instrument, on_delete=models.CASCADE, related_name="health")
    verdict = models.CharField(max_length=12, choices=Verdict, default=Verdict.NO_DATA)
    reasons = models.JSONField(default=list, blank=True)
    history = models.JSONField(default=list, blank=True, help_text="[{from, verdict}] for the timeline.")
    last_scan_at = models.DateTimeField(null=True, blank=True)
    next_due_at = models.DateTimeField(null=True, blank=True)
    urgency = models.FloatField(default=0.0)
    needs_assessment = models.BooleanField(default=False, help_text="Measured since it was last assessed.")
    assessed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "health"

    def __str__(self) -> str:
        return f"{self.instrument}: {self.get_verdict_display()}"
