"""A model that may be used, and what it made."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse

from common.models import Job
from enhancement.models.case import Case
from enhancement.models.training import TrainingRun
from instruments.models import Instrument, OpticalPath
from metrology.models import Acquisition

if TYPE_CHECKING:
    from pathlib import Path


class ModelState(models.TextChoices):
    """Whether the model may be used."""

    CANDIDATE = "candidate", "awaiting a verdict"
    RELEASED = "released", "released"
    REJECTED = "rejected", "rejected"
    EXPIRED = "expired", "expired"


class RestorationModel(models.Model):
    """A trained network or a tuned filter, with its card, its verdict and where it applies."""

    class Kind(models.TextChoices):
        """What restores."""

        NETWORK = "network", "network"
        FILTER = "filter", "tuned filter"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="models")
    run = models.ForeignKey(TrainingRun, on_delete=models.PROTECT, related_name="models")
    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="restoration_models")
    optical_path = models.ForeignKey(
        OpticalPath, on_delete=models.SET_NULL, null=True, blank=True, related_name="restoration_models"
    )
    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(max_length=120)
    input_channel = models.PositiveSmallIntegerField(default=0)
    weights_sha256 = models.CharField(max_length=64, blank=True)
    card = models.JSONField(default=dict, help_text="Architecture, data, scores, filter parameters: the model card.")
    envelope = models.JSONField(default=dict, help_text="{attribute: [low, high]} of the images it learned from.")
    gate_passed = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=ModelState, default=ModelState.CANDIDATE, db_index=True)
    made_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_text = models.TextField(blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    expired_because = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-made_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "input_channel"],
                condition=models.Q(state=ModelState.RELEASED),
                name="one_released_model_per_channel",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the model's page."""
        return reverse("enhancement:model", args=[self.pk])

    @property
    def weights_path(self) -> Path:
        """Where the weights lie, named by their content."""
        return settings.MEDIA_ROOT / "models" / f"{self.weights_sha256}.safetensors"


class RestoredImage(Job):
    """What a model made of an acquisition; never part of the raw control charts."""

    task: ClassVar[str] = "enhancement.restore"
    queue: ClassVar[str] = "train"

    acquisition = models.ForeignKey(Acquisition, on_delete=models.PROTECT, related_name="restored")
    model = models.ForeignKey(RestorationModel, on_delete=models.PROTECT, related_name="restored")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size_bytes = models.BigIntegerField(null=True, blank=True)
    slice_z = models.PositiveIntegerField(null=True, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    scores = models.JSONField(default=dict, blank=True, help_text="{attributes: {id: {raw, restored}}, caution …}.")
    preview_window = models.JSONField(
        default=list,
        blank=True,
        help_text="[low, high] restored counts, and the same brightness in raw counts.",
    )

    class Meta:
        ordering = ["-queued_at"]
        constraints = [
            models.UniqueConstraint(fields=["acquisition", "model"], name="one_restoration_per_acquisition_and_model")
        ]

    def __str__(self) -> str:
        return f"{self.acquisition} restored by {self.model}"

    def get_absolute_url(self) -> str:
        """Return the page with the slider."""
        return reverse("enhancement:restored", args=[self.pk])

    @property
    def folder(self) -> Path:
        """Where the OME-TIFF and its previews lie."""
        return settings.MEDIA_ROOT / "restored" / str(self.pk)
