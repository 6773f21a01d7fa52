"""A history that is measured again, and how each of its scans stood before."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from common.models import JobState
from instruments.models import Instrument
from metrology.models.acquisition import Acquisition


class Remeasuring(models.Model):
    """Somebody asked to measure the history of an instrument again."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="remeasurings")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField(help_text="A scan that was put in the queue at this moment waits because of it.")
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-asked_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.instrument}, asked {self.asked_at:%Y-%m-%d %H:%M}"


class RemeasuredScan(models.Model):
    """How the work on a scan stood before it was put in the queue again; the columns are those of a job."""

    remeasuring = models.ForeignKey(Remeasuring, on_delete=models.CASCADE, related_name="scans")
    acquisition = models.ForeignKey(Acquisition, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=12, choices=JobState)
    progress = models.FloatField()
    stage = models.CharField(max_length=120, blank=True)
    attempts = models.PositiveSmallIntegerField()
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField()
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    error_details = models.JSONField(default=dict)

    class Meta:
        ordering = ["remeasuring", "acquisition"]
        constraints = [
            models.UniqueConstraint(fields=["remeasuring", "acquisition"], name="one_row_per_scan_measured_again")
        ]

    def __str__(self) -> str:
        return f"{self.acquisition} was {self.state}"
