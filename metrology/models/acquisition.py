"""Files as they came in, and what each of them is an acquisition of."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse

from common.models import Job
from instruments.models import Facility, Instrument, OpticalPath
from metrology.models.standard import Protocol, Standard

if TYPE_CHECKING:
    from pathlib import Path


class StoredFile(models.Model):
    """An original, kept under the SHA-256 of its content and never altered."""

    sha256 = models.CharField(max_length=64, unique=True)
    size_bytes = models.BigIntegerField()
    stored_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sha256[:12]

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return settings.MEDIA_ROOT / "originals" / self.sha256[:2] / self.sha256[2:4] / self.sha256


class Validity(models.TextChoices):
    """Whether the acquisition may be charted."""

    PENDING = "pending", "not measured yet"
    VALID = "valid", "valid"
    INVALID = "invalid", "not charted"


class FieldRole(models.TextChoices):
    """What part an acquisition plays among those of one field of view."""

    SCAN = "scan", "scan"
    LOW = "low", "low quality of a pair"
    HIGH = "high", "high quality of a pair"


class Acquisition(Job):
    """One image file of one instrument, or one record of a power meter: as a row of work, it is measured by a worker."""

    task: ClassVar[str] = "metrology.measure"
    queue: ClassVar[str] = "measure"
    worked_with: ClassVar[tuple[str, ...]] = ("facility", "stored_file", "standard")

    facility = models.ForeignKey(Facility, on_delete=models.CASCADE, related_name="acquisitions")
    stored_file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="acquisitions")
    original_name = models.CharField(max_length=255)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    uploaded_at = models.DateTimeField(auto_now_add=True)

    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="acquisitions", null=True, blank=True
    )
    optical_path = models.ForeignKey(
        OpticalPath, on_delete=models.PROTECT, related_name="acquisitions", null=True, blank=True
    )
    light_setting = models.ForeignKey(
        "metrology.LightSetting",
        on_delete=models.PROTECT,
        related_name="acquisitions",
        null=True,
        blank=True,
        help_text="Of readings of a power meter, which have no image and no optical path.",
    )
    standard = models.ForeignKey(Standard, on_delete=models.PROTECT, related_name="acquisitions", null=True, blank=True)
    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, related_name="acquisitions", null=True, blank=True)
    label = models.CharField(max_length=200, blank=True)
    acquired_at = models.DateTimeField(null=True, blank=True)
    field_of_view = models.CharField(max_length=80, blank=True, help_text="Name of the field; pairs share it.")
    field_role = models.CharField(max_length=5, choices=FieldRole, default=FieldRole.SCAN)
    sources = models.JSONField(
        default=dict,
        blank=True,
        help_text="Where instrument, path, standard, label and date came from: file tag or user.",
    )
    metadata = models.JSONField(default=dict, blank=True, help_text="{field: {value, source}} as read from the file.")

    file_format = models.CharField(max_length=20, blank=True)
    size_t = models.PositiveIntegerField(null=True, blank=True)
    size_c = models.PositiveIntegerField(null=True, blank=True)
    size_z = models.PositiveIntegerField(null=True, blank=True)
    size_y = models.PositiveIntegerField(null=True, blank=True)
    size_x = models.PositiveIntegerField(null=True, blank=True)
    bit_depth = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Effective [bit].")
    pixel_size_um = models.FloatField(null=True, blank=True)
    z_step_um = models.FloatField(null=True, blank=True)
    slice_z = models.PositiveIntegerField(null=True, blank=True, help_text="Slice measured, the brightest.")
    tile_grid = models.JSONField(null=True, blank=True, help_text="{rows, columns, tile_y_px, tile_x_px} of a mosaic.")
    preview_window = models.JSONField(
        default=list, blank=True, help_text="[[low, high] counts] of each preview channel."
    )

    readings = models.JSONField(
        default=list,
        blank=True,
        help_text="Figures that belong to no series (no standard): shown, not charted. Written as measurements are.",
    )
    corrections = models.JSONField(
        default=list,
        blank=True,
        help_text="[{at, by, changed: {field: [from, to]}, withdrawn: [figures]}]: what was known wrongly before.",
    )

    validity = models.CharField(max_length=8, choices=Validity, default=Validity.PENDING)
    validity_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-acquired_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["facility", "stored_file"], name="one_acquisition_per_file"),
        ]
        indexes = [models.Index(fields=["instrument", "acquired_at"])]

    def __str__(self) -> str:
        return self.label or self.original_name

    def get_absolute_url(self) -> str:
        """Return the acquisition's page."""
        return reverse("metrology:acquisition", args=[self.pk])

    def preview_path(self, channel: int) -> Path:
        """Where the preview of a channel lies once a worker has made it."""
        return settings.MEDIA_ROOT / "previews" / f"{self.pk}" / f"{channel}.jpg"
