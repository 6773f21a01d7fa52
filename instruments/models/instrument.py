"""An instrument."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from instruments.models.facility import Facility


class Technique(models.TextChoices):
    """How the instrument makes its image; decides which theory its resolution is compared with."""

    WIDEFIELD = "widefield", "widefield"
    CONFOCAL = "confocal", "laser scanning confocal"
    SPINNING_DISC = "spinning_disc", "spinning disc confocal"
    TWO_PHOTON = "two_photon", "two-photon"


class InstrumentState(models.TextChoices):
    """Whether the instrument is in use."""

    ACTIVE = "active", "in use"
    OUT_OF_ORDER = "out_of_order", "out of order"
    RETIRED = "retired", "retired"


class Instrument(models.Model):
    """A microscope as it stands in a room."""

    facility = models.ForeignKey(Facility, on_delete=models.CASCADE, related_name="instruments")
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60)
    manufacturer = models.CharField(max_length=80, blank=True)
    model = models.CharField(max_length=80, blank=True)
    serial_number = models.CharField(max_length=80, blank=True)
    technique = models.CharField(max_length=20, choices=Technique, default=Technique.CONFOCAL)
    room = models.CharField(max_length=60, blank=True)
    installed_on = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=14, choices=InstrumentState, default=InstrumentState.ACTIVE)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["facility", "slug"], name="one_instrument_slug_per_facility"),
            models.UniqueConstraint(fields=["facility", "name"], name="one_instrument_name_per_facility"),
            models.UniqueConstraint(
                fields=["facility", "serial_number"],
                condition=~models.Q(serial_number=""),
                name="one_serial_number_per_facility",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the instrument's page."""
        return reverse("metrology:instrument", args=[self.slug])
