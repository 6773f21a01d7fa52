"""The frozen data of a case, and the trainings on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse

from common.models import Job
from enhancement.models.case import Case

if TYPE_CHECKING:
    from pathlib import Path


class PairSource(models.TextChoices):
    """Where pairs of a poor and a good image come from, in order of preference."""

    CHANNELS = "channels", "two detectors at once"
    FIELDS = "fields", "one field scanned twice"


class TrainingSet(models.Model):
    """Which pairs, split how: frozen when made. The manifest names files by their SHA-256."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="training_sets")
    source = models.CharField(max_length=10, choices=PairSource)
    manifest = models.JSONField(
        help_text="{pairs: [{field, part, raw: {acquisition, sha256, channel, z}, target: {…}}], seed, …}"
    )
    sha256 = models.CharField(max_length=64, help_text="Of the manifest's canonical JSON.")
    pair_count = models.PositiveIntegerField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-made_at"]

    def __str__(self) -> str:
        return f"{self.pair_count} pairs of {self.case}"


class TrainingRun(Job):
    """One training, as a row of work: live figures, the comparison with tuned filters, and the gate's verdict."""

    task: ClassVar[str] = "enhancement.train"
    queue: ClassVar[str] = "train"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="runs")
    training_set = models.ForeignKey(TrainingSet, on_delete=models.PROTECT, related_name="runs")
    architecture = models.CharField(max_length=40)
    config = models.JSONField(default=dict)
    seed = models.PositiveIntegerField(default=0)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    epoch = models.PositiveIntegerField(default=0)
    epochs_planned = models.PositiveIntegerField(default=0)
    best_epoch = models.PositiveIntegerField(null=True, blank=True)
    eta_seconds = models.FloatField(null=True, blank=True)
    history = models.JSONField(default=list, blank=True, help_text="One row an epoch: losses, PSNR, SSIM, seconds.")
    stopped_by = models.CharField(max_length=40, blank=True)
    comparison = models.JSONField(
        default=dict, blank=True, help_text="Scores of raw, each tuned filter and the network on held-out fields."
    )
    gate = models.JSONField(default=dict, blank=True, help_text="The gate's checks and what it recommends.")

    class Meta:
        ordering = ["-queued_at"]

    def __str__(self) -> str:
        return f"{self.architecture} for {self.case}"

    def get_absolute_url(self) -> str:
        """Return the page of the case, where the run is shown."""
        return reverse("enhancement:case", args=[self.case_id])

    @property
    def folder(self) -> Path:
        """Where the checkpoint, the weights and the validation images lie."""
        return settings.MEDIA_ROOT / "training" / str(self.pk)
