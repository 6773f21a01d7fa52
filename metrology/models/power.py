"""Readings of a power meter: typed or from a table, kept as they came, corrected only by a record that takes their place."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse

from instruments.models import LightSource
from metrology.models.acquisition import Acquisition


class LightSetting(models.Model):
    """A light source at one setting: what its power, steadiness and linearity are charted for."""

    light_source = models.ForeignKey(LightSource, on_delete=models.PROTECT, related_name="light_settings")
    setting_percent = models.FloatField(
        validators=[MinValueValidator(0.0), MaxValueValidator(100.0)], help_text="[%], to a thousandth."
    )

    class Meta:
        ordering = ["light_source", "setting_percent"]
        constraints = [
            models.UniqueConstraint(fields=["light_source", "setting_percent"], name="one_row_per_light_setting")
        ]

    def __str__(self) -> str:
        return f"{self.light_source} at {self.setting_percent:g} %"


class PowerRecord(models.Model):
    """Readings of one light source in one session: an acquisition without an image, by which its figures are charted."""

    acquisition = models.OneToOneField(Acquisition, on_delete=models.CASCADE, related_name="power_record")
    replaces = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        related_name="replaced_by",
        null=True,
        blank=True,
        help_text="The record that this one corrects; it is kept and not charted any more.",
    )
    reason = models.CharField(max_length=200, blank=True, help_text="Why it takes the place of an earlier one.")

    class Meta:
        ordering = ["-acquisition__acquired_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.acquisition}, {self.acquisition.acquired_at:%Y-%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        """Return the record's page."""
        return reverse("metrology:power-record", args=[self.pk])


class PowerReading(models.Model):
    """One reading."""

    record = models.ForeignKey(PowerRecord, on_delete=models.CASCADE, related_name="readings")
    position = models.PositiveIntegerField(help_text="Place in the record, from 0.")
    setting_percent = models.FloatField(help_text="Setting of the light source [%].")
    power_mw = models.FloatField(help_text="What the meter showed [mW].")
    read_at = models.DateTimeField(null=True, blank=True, help_text="When, where each reading has its own time.")

    class Meta:
        ordering = ["record", "position"]
        constraints = [models.UniqueConstraint(fields=["record", "position"], name="one_reading_per_position")]

    def __str__(self) -> str:
        return f"{self.power_mw:g} mW at {self.setting_percent:g} %"
