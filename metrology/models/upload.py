"""Files on their way in, of which a part is here."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils import timezone

from instruments.models import Facility
from metrology.models.acquisition import Acquisition

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

KEPT_UNFINISHED = timedelta(days=1)
"""An upload to which nothing was added for so long is given up."""


class UploadState(models.TextChoices):
    """How far an upload is."""

    OPEN = "open", "arriving"
    DONE = "done", "in"
    GONE = "gone", "removed"


class Upload(models.Model):
    """A resumable upload of one file; how much of it is here is the size of its part on disk, nothing else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    facility = models.ForeignKey(Facility, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    original_name = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField(help_text="Of the whole file [bytes].")
    said = models.JSONField(default=dict, blank=True, help_text="What its sender says about the file, with row ids.")
    tus_metadata = models.TextField(blank=True, help_text="Upload-Metadata as it was sent.")
    promised_sha256 = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the whole file, once it is here.")
    state = models.CharField(max_length=4, choices=UploadState, default=UploadState.OPEN)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it was removed.")
    started_at = models.DateTimeField(auto_now_add=True)
    active_at = models.DateTimeField(default=timezone.now, help_text="When something was last added.")
    acquisition = models.ForeignKey(Acquisition, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    duplicate = models.BooleanField(default=False)
    message = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["user", "state"]), models.Index(fields=["state", "active_at"])]

    def __str__(self) -> str:
        return self.original_name

    @property
    def path(self) -> Path:
        """Where its part lies."""
        return settings.MEDIA_ROOT / "incoming" / f"{self.pk}.upload"

    @property
    def offset(self) -> int:
        """How much of the file is here [bytes]."""
        if self.state == UploadState.DONE:
            return self.size_bytes
        try:
            return self.path.stat().st_size
        except FileNotFoundError:  # whole and moved to its place, but its row is not written yet: see upload_finish
            return self.size_bytes if self.sha256 else 0

    @property
    def offset_percent(self) -> int:
        """How much of the file is here [%]."""
        return int(100 * self.offset / self.size_bytes)

    @property
    def expires_at(self) -> datetime:
        """When it is removed unless something is added."""
        return self.active_at + KEPT_UNFINISHED
