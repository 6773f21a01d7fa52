"""Standard samples, and how they are to be scanned."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse

from instruments.models import Facility, Instrument, OpticalPath
from metrology.imaging.comparability import Requirement, requirements_of


class StandardKind(models.TextChoices):
    """What lies on the stage; decides which attributes are measured. A power meter lies there too, without an image."""

    MARBLES = "marbles", "4 µm marbles"
    BEADS = "beads", "sub-resolution beads"
    SLIDE = "slide", "homogeneous slide"
    MULTICOLOUR_BEADS = "multicolour_beads", "multicolour beads"
    CONVALLARIA = "convallaria", "Convallaria"
    KIDNEY = "kidney", "kidney"
    DARK = "dark", "dark frames (no light)"
    POWER_METER = "power_meter", "power meter"
    OTHER = "other", "other specimen"


class Standard(models.Model):
    """A physical sample."""

    facility = models.ForeignKey(Facility, on_delete=models.CASCADE, related_name="standards")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, choices=StandardKind)
    lot = models.CharField(max_length=60, blank=True)
    bead_diameter_um = models.FloatField(null=True, blank=True, help_text="Nominal diameter [µm].")

    class Meta:
        ordering = ["facility", "kind", "name"]
        constraints = [models.UniqueConstraint(fields=["facility", "name"], name="one_standard_name_per_facility")]

    def __str__(self) -> str:
        return self.name


class Protocol(models.Model):
    """How a kind of standard is scanned so that points can be compared; a change is a new version, never a changed one.

    A protocol of one optical path goes before that of the facility: gains and powers differ from path to path. Where
    there is none, the first scan on a path makes one that asks for the kind of scan that it was.
    """

    facility = models.ForeignKey(Facility, on_delete=models.CASCADE, related_name="protocols")
    standard_kind = models.CharField(max_length=20, choices=StandardKind)
    optical_path = models.ForeignKey(
        OpticalPath, on_delete=models.CASCADE, related_name="protocols", null=True, blank=True
    )
    version = models.PositiveIntegerField(default=1)
    valid_from = models.DateTimeField(
        null=True, blank=True, help_text="Scans acquired from here on are made by it; empty: since ever."
    )
    interval_days = models.PositiveIntegerField(default=7, help_text="How often a scan is due [days].")
    required_settings = models.JSONField(
        default=list, blank=True, help_text="[{setting, channel, value, tolerance}] that a scan must have."
    )
    text = models.TextField(blank=True, help_text="How to scan, and why this version was opened.")
    of_first_scan = models.BooleanField(
        default=False,
        help_text="Made by the first scan on its path, whose kind it asks for; people open others over it.",
    )
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["facility", "standard_kind", "optical_path", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["facility", "standard_kind", "optical_path", "version"],
                nulls_distinct=False,
                name="one_protocol_per_version",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_standard_kind_display()}, version {self.version}"

    def get_absolute_url(self) -> str:
        """Return the page of the protocol."""
        return reverse("metrology:protocol", args=[self.pk])

    @property
    def precedence(self) -> tuple[bool, bool, int]:
        """What goes before, of several that are valid: one that people opened, one of a path, the later version."""
        return not self.of_first_scan, self.optical_path_id is not None, self.version

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """The settings that a scan must have."""
        return requirements_of(self.required_settings)


class ReferenceAcquisition(models.Model):
    """The acquisition with which later ones of the same instrument, path and standard are compared (SSIM, PSNR ...)."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="references")
    optical_path = models.ForeignKey(OpticalPath, on_delete=models.CASCADE, related_name="references")
    standard = models.ForeignKey(Standard, on_delete=models.CASCADE, related_name="references")
    acquisition = models.ForeignKey("metrology.Acquisition", on_delete=models.PROTECT, related_name="reference_of")
    valid_from = models.DateTimeField()
    chosen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it was withdrawn without a successor.")
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-valid_from", "-pk"]

    def __str__(self) -> str:
        return f"reference of {self.instrument} · {self.standard} from {self.valid_from:%Y-%m-%d}"
