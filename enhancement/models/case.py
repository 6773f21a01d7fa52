"""A restoration case."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse

from instruments.models import Instrument
from metrology.models import Flag


class CaseState(models.TextChoices):
    """Where a case stands, as a checklist: data, training, comparison, verdict."""

    OPEN = "open", "data to be chosen"
    TRAINING = "training", "in training"
    COMPARED = "compared", "compared, awaiting a verdict"
    RELEASED = "released", "model released"
    REJECTED = "rejected", "model rejected"
    CLOSED = "closed", "closed"


class Case(models.Model):
    """Why and for what a model is trained: opened by a flag or by staff."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="cases")
    flag = models.ForeignKey(Flag, on_delete=models.SET_NULL, null=True, blank=True, related_name="cases")
    title = models.CharField(max_length=160)
    state = models.CharField(max_length=10, choices=CaseState, default=CaseState.OPEN)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the case's page."""
        return reverse("enhancement:case", args=[self.pk])
