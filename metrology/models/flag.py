"""A flag: an instrument that seems to have changed, and what people did about it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse

from instruments.models import Instrument, ServiceEvent
from metrology.models.acquisition import Acquisition
from metrology.models.series import Series


class FlagState(models.TextChoices):
    """Where a flag stands."""

    OPEN = "open", "open"
    CONFIRMED = "confirmed", "confirmed by a repeat"
    ACKNOWLEDGED = "acknowledged", "acknowledged"
    RESOLVED = "resolved", "resolved by a service"
    DISMISSED = "dismissed", "dismissed"


UNRESOLVED = (FlagState.OPEN, FlagState.CONFIRMED, FlagState.ACKNOWLEDGED)


class Flag(models.Model):
    """One flag gathers every signal of one instrument until it is resolved or dismissed: one letter, not forty."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="flags")
    state = models.CharField(max_length=14, choices=FlagState, default=FlagState.OPEN, db_index=True)
    raised_at = models.DateTimeField(help_text="Date of the acquisition that raised it.")
    raised_by = models.ForeignKey(Acquisition, on_delete=models.PROTECT, related_name="flags_raised")
    since = models.DateTimeField(null=True, blank=True, help_text="Most likely date of the change.")
    since_low = models.DateTimeField(null=True, blank=True)
    since_high = models.DateTimeField(null=True, blank=True)
    nearest_event = models.ForeignKey(
        ServiceEvent, on_delete=models.SET_NULL, null=True, blank=True, related_name="flags_nearby"
    )
    hypotheses = models.JSONField(default=list, blank=True, help_text="Ranked causes: [{cause, because}].")
    closed_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        ServiceEvent, on_delete=models.SET_NULL, null=True, blank=True, related_name="flags_resolved"
    )
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-raised_at"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "raised_by"], name="one_flag_per_raising_acquisition"),
            models.UniqueConstraint(
                fields=["instrument"],
                condition=models.Q(state__in=["open", "confirmed", "acknowledged"]),
                name="one_unresolved_flag_per_instrument",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument}, {self.raised_at:%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        """Return the flag's page."""
        return reverse("metrology:flag", args=[self.pk])

    @property
    def is_unresolved(self) -> bool:
        """Still asking for somebody's hands."""
        return self.state in UNRESOLVED


class FlagSignal(models.Model):
    """One series that signalled, with the figures it signalled by."""

    flag = models.ForeignKey(Flag, on_delete=models.CASCADE, related_name="signals")
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="signals")
    acquisition = models.ForeignKey(Acquisition, on_delete=models.PROTECT, related_name="signals")
    kind = models.CharField(max_length=12, help_text="ewma, cusum, confirmed or action.")
    signalled_at = models.DateTimeField()
    since = models.DateTimeField()
    since_low = models.DateTimeField()
    since_high = models.DateTimeField()
    magnitude_sigma = models.FloatField(null=True)
    value = models.FloatField()
    limit = models.FloatField(null=True)
    centre = models.FloatField(null=True)

    class Meta:
        ordering = ["signalled_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["series", "acquisition", "kind"], name="one_signal_per_point_and_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.series}"


class FlagTransition(models.Model):
    """A step in a flag's life, or a comment (then both states are the same)."""

    flag = models.ForeignKey(Flag, on_delete=models.CASCADE, related_name="transitions")
    from_state = models.CharField(max_length=14, choices=FlagState)
    to_state = models.CharField(max_length=14, choices=FlagState)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    at = models.DateTimeField(auto_now_add=True)
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"
