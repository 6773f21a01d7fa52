"""Figures over time: what a figure belongs to, its values, its baselines and its limits. Rows are never overwritten."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse

from instruments.models import Facility, Instrument, OpticalPath, ServiceEvent
from metrology.models.acquisition import Acquisition
from metrology.models.standard import Protocol, Standard


class Series(models.Model):
    """One attribute of one channel, always measured in the same way."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="series")
    optical_path = models.ForeignKey(
        OpticalPath, on_delete=models.CASCADE, related_name="series", null=True, blank=True
    )
    light_setting = models.ForeignKey(
        "metrology.LightSetting",
        on_delete=models.PROTECT,
        related_name="series",
        null=True,
        blank=True,
        help_text="In the place of an optical path, for figures of a power meter.",
    )
    standard = models.ForeignKey(Standard, on_delete=models.CASCADE, related_name="series")
    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, related_name="series")
    attribute_id = models.CharField(max_length=60)
    channel = models.PositiveSmallIntegerField()
    algorithm_version = models.PositiveSmallIntegerField()
    retired_at = models.DateTimeField(
        null=True, blank=True, help_text="When a series of a later protocol or algorithm took its place."
    )

    class Meta:
        ordering = ["instrument", "optical_path", "standard", "channel", "attribute_id"]
        verbose_name_plural = "series"
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "instrument",
                    "optical_path",
                    "light_setting",
                    "standard",
                    "protocol",
                    "attribute_id",
                    "channel",
                    "algorithm_version",
                ],
                nulls_distinct=False,
                name="one_series_per_quantity",
            ),
            models.CheckConstraint(
                condition=models.Q(optical_path__isnull=True) ^ models.Q(light_setting__isnull=True),
                name="series_of_a_path_or_of_a_light_setting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attribute_id} · {self.place} · {self.standard} · {self.instrument}"

    def get_absolute_url(self) -> str:
        """Return the page of the series."""
        return reverse("metrology:series", args=[self.pk])

    @property
    def place(self) -> str:
        """Which channel of the files, or which light source at which setting, it is measured for."""
        return f"channel {self.channel}" if self.light_setting is None else str(self.light_setting)


class Measurement(models.Model):
    """A value."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="measurements")
    acquisition = models.ForeignKey(Acquisition, on_delete=models.CASCADE, related_name="measurements")
    value = models.FloatField()
    uncertainty = models.FloatField(null=True, blank=True, help_text="Standard uncertainty, in the unit of the value.")
    n = models.PositiveIntegerField(default=1, help_text="How many objects (beads, pixels' planes) it summarises.")
    reference = models.ForeignKey(
        Acquisition,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="What it was compared with, for figures that compare.",
    )
    measured_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["series", "acquisition__acquired_at"]
        constraints = [models.UniqueConstraint(fields=["series", "acquisition"], name="one_value_per_acquisition")]

    def __str__(self) -> str:
        return f"{self.value:g}"


class MeasurementFailure(models.Model):
    """A quantity that could not be had from an acquisition, and why."""

    acquisition = models.ForeignKey(Acquisition, on_delete=models.CASCADE, related_name="failures")
    attribute_id = models.CharField(max_length=60)
    channel = models.PositiveSmallIntegerField()
    algorithm_version = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=60)
    message = models.TextField()

    class Meta:
        ordering = ["acquisition", "channel", "attribute_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["acquisition", "attribute_id", "channel", "algorithm_version"], name="one_failure_per_quantity"
            )
        ]

    def __str__(self) -> str:
        return self.message


class Limits(models.Model):
    """Absolute limits of an attribute, dated; the latest row that applies counts, older ones explain the past.

    A row without an instrument holds for the whole facility.
    """

    facility = models.ForeignKey(Facility, on_delete=models.CASCADE, related_name="limits")
    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="limits", null=True, blank=True)
    attribute_id = models.CharField(max_length=60)
    tolerance_low = models.FloatField(null=True, blank=True)
    tolerance_high = models.FloatField(null=True, blank=True)
    action_low = models.FloatField(null=True, blank=True)
    action_high = models.FloatField(null=True, blank=True)
    valid_from = models.DateTimeField()
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["attribute_id", "-valid_from"]
        verbose_name_plural = "limits"

    def __str__(self) -> str:
        return f"limits of {self.attribute_id} from {self.valid_from:%Y-%m-%d}"


class Baseline(models.Model):
    """What a series is compared with in one epoch; a changed baseline is a new version, never a changed row."""

    class Stage(models.TextChoices):
        """How far the baseline can be trusted."""

        TENTATIVE = "tentative", "tentative"
        PROVISIONAL = "provisional", "provisional"
        FIRM = "firm", "firm"

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="baselines")
    epoch = models.PositiveIntegerField()
    version = models.PositiveIntegerField(default=1)
    opened_by = models.ForeignKey(ServiceEvent, on_delete=models.SET_NULL, null=True, blank=True)
    first_acquired_at = models.DateTimeField()
    last_acquired_at = models.DateTimeField()
    stage = models.CharField(max_length=12, choices=Stage)
    centre = models.FloatField(help_text="In the unit of the series.")
    scale = models.FloatField(help_text="Robust standard deviation on the chart's scale.")
    n = models.PositiveIntegerField()
    autocorrelation = models.FloatField(null=True, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["series", "epoch", "version"]
        constraints = [models.UniqueConstraint(fields=["series", "epoch", "version"], name="one_baseline_per_version")]

    def __str__(self) -> str:
        return f"{self.stage} baseline of {self.n} points"


class Assessment(models.Model):
    """The latest judgement of a series: everything its chart shows, computed by a worker.

    Derived from measurements, baselines, limits and events, and made again whenever one of them is added.
    """

    series = models.OneToOneField(Series, on_delete=models.CASCADE, related_name="assessment")
    assessed_at = models.DateTimeField(auto_now=True)
    status = models.CharField(max_length=12, db_index=True)
    latest_value = models.FloatField(null=True)
    latest_z = models.FloatField(null=True, help_text="Harm upwards, in baseline standard deviations.")
    urgency = models.FloatField(default=0.0, help_text="For sorting, worst first.")
    sparkline = models.TextField(blank=True, help_text="SVG.")
    result = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.status}: {self.series}"
