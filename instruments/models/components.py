"""The parts of an instrument, each with the dates between which it was mounted, and the paths light takes through them."""

from __future__ import annotations

from django.db import models

from instruments.models.instrument import Instrument


class Immersion(models.TextChoices):
    """What fills the gap between lens and specimen."""

    AIR = "air", "air"
    WATER = "water", "water"
    GLYCEROL = "glycerol", "glycerol"
    OIL = "oil", "oil"


class DetectorKind(models.TextChoices):
    """How photons become counts."""

    PMT = "pmt", "photomultiplier"
    GAASP = "gaasp", "GaAsP photomultiplier"
    HYBRID = "hybrid", "hybrid detector"
    APD = "apd", "avalanche photodiode"
    SCMOS = "scmos", "sCMOS camera"
    EMCCD = "emccd", "EMCCD camera"
    CCD = "ccd", "CCD camera"


class LightKind(models.TextChoices):
    """What makes the light."""

    LASER = "laser", "laser"
    LED = "led", "LED"
    LAMP = "lamp", "arc or halogen lamp"


class Component(models.Model):
    """Common to all parts: where and when they were mounted."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="%(class)ss")
    name = models.CharField(max_length=120)
    serial_number = models.CharField(max_length=80, blank=True)
    installed_on = models.DateField(null=True, blank=True)
    removed_on = models.DateField(null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ["instrument", "name"]

    def __str__(self) -> str:
        return self.name


class Objective(Component):
    """A lens."""

    numerical_aperture = models.FloatField()
    magnification = models.FloatField()
    immersion = models.CharField(max_length=10, choices=Immersion, default=Immersion.AIR)
    refractive_index = models.FloatField(default=1.0, help_text="Of the immersion medium.")


class LightSource(Component):
    """A laser, LED or lamp."""

    kind = models.CharField(max_length=10, choices=LightKind, default=LightKind.LASER)
    wavelength_nm = models.FloatField(null=True, blank=True, help_text="Main line [nm]; empty for a lamp.")


class Detector(Component):
    """A photomultiplier or camera."""

    kind = models.CharField(max_length=10, choices=DetectorKind, default=DetectorKind.PMT)
    quantum_efficiency = models.FloatField(null=True, blank=True, help_text="At the emission used, 0 to 1.")
    cooled = models.BooleanField(default=False)
    bit_depth = models.PositiveSmallIntegerField(null=True, blank=True)


class OpticalPath(models.Model):
    """One way of imaging: an objective, a light source, and one detector per channel."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="optical_paths")
    name = models.CharField(max_length=120)
    objective = models.ForeignKey(Objective, on_delete=models.PROTECT, related_name="optical_paths")
    light_source = models.ForeignKey(
        LightSource, on_delete=models.PROTECT, related_name="optical_paths", null=True, blank=True
    )
    pinhole_au = models.FloatField(null=True, blank=True, help_text="Pinhole [Airy units]; empty without one.")

    class Meta:
        ordering = ["instrument", "name"]
        constraints = [models.UniqueConstraint(fields=["instrument", "name"], name="one_path_name_per_instrument")]

    def __str__(self) -> str:
        return self.name


class PathChannel(models.Model):
    """A channel of the files that an optical path writes, and the detector behind it."""

    optical_path = models.ForeignKey(OpticalPath, on_delete=models.CASCADE, related_name="channels")
    index = models.PositiveSmallIntegerField(help_text="Position in the file, from 0.")
    name = models.CharField(max_length=80)
    detector = models.ForeignKey(Detector, on_delete=models.PROTECT, related_name="channels", null=True, blank=True)
    excitation_nm = models.FloatField(null=True, blank=True)
    emission_nm = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["optical_path", "index"]
        constraints = [models.UniqueConstraint(fields=["optical_path", "index"], name="one_channel_per_index")]

    def __str__(self) -> str:
        return f"{self.optical_path} · {self.name}"
