"""The demonstration facility: three laser-scanning microscopes and what happens to them in 60 weeks.

LSM 510
    Two-photon, two detectors at once. Healthy until week 32; then its internal detector loses efficiency and gain
    and grows noisier, and the objective's spherical aberration grows. Nobody repairs it.
LSM 780
    Confocal. In control throughout; a routine visit in week 40 changes nothing.
LSM 880
    Confocal. In week 24 it is knocked out of alignment (light lost at the pinhole, astigmatism, return lines
    shifted); repaired in week 30, then as before.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.errors import UnknownInstrumentError
from instruments.optics.resolution import Technique
from instruments.simulator.acquisition import Exposure, MicroscopeState
from instruments.simulator.ageing import AgeingLaw, LawKind, Service
from instruments.simulator.detector import GAASP_QUANTUM_EFFICIENCY, MULTIALKALI_QUANTUM_EFFICIENCY, Detector
from instruments.simulator.illumination import Illumination
from instruments.simulator.microscope import Microscope
from instruments.simulator.pupil import Aberrations
from instruments.simulator.specimens import Standard

FACILITY_NAME = "Demonstration imaging facility"
WEEKS = 60
AGEING_STARTS_WEEK = 32.0
ACCIDENT_WEEK = 24.0
REPAIR_WEEK = 30.0
ROUTINE_WEEK = 40.0

INTERNAL = "ChS1"
NON_DESCANNED = "NDD1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectivePlan:
    """An objective as its engraving says.

    Parameters
    ----------
    model, immersion : str
        Manufacturer's name; OME's name of the immersion (Air, Water, Oil).
    magnification, numerical_aperture, refractive_index : float
        Of the objective and its immersion [1].
    """

    model: str
    immersion: str
    magnification: float
    numerical_aperture: float
    refractive_index: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LaserPlan:
    """A laser.

    Parameters
    ----------
    model : str
        Manufacturer's name.
    wavelength_nm, power_mw : float
        Line used [nm] and nominal power [mW].
    """

    model: str
    wavelength_nm: float
    power_mw: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The facility's settings for one standard on one instrument.

    Parameters
    ----------
    standard : Standard
        Kind of specimen.
    pixel_size_um : float
        [µm]
    shape : tuple of int
        Rows and columns [px].
    exposure : Exposure
        Light, planes, gain.
    """

    standard: Standard
    pixel_size_um: float
    shape: tuple[int, int]
    exposure: Exposure


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentPlan:
    """An instrument of the demonstration facility.

    Parameters
    ----------
    name, manufacturer, model, serial_number, room : str
        As in the catalogue.
    objective : ObjectivePlan
        The one used for all standards.
    laser : LaserPlan
        The line used.
    microscope : Microscope
        What is simulated; its `initial.detectors` are the catalogue's detectors, its `services` the service history.
    recipes : tuple of Recipe
        Settings for each standard.
    """

    name: str
    manufacturer: str
    model: str
    serial_number: str
    room: str
    objective: ObjectivePlan
    laser: LaserPlan
    microscope: Microscope
    recipes: tuple[Recipe, ...]

    @property
    def technique(self) -> Technique:
        """How this instrument makes its images."""
        return self.microscope.technique

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """Detectors as new."""
        return self.microscope.initial.detectors

    @property
    def services(self) -> tuple[Service, ...]:
        """Visits of the engineer."""
        return self.microscope.services

    def recipe(self, standard: Standard) -> Recipe:
        """Return the settings for a standard.

        Parameters
        ----------
        standard : Standard
            Kind of specimen.

        Returns
        -------
        Recipe

        Raises
        ------
        UnknownInstrumentError
            If this instrument does not image that standard.
        """
        for recipe in self.recipes:
            if recipe.standard is standard:
                return recipe
        raise UnknownInstrumentError(
            f"{self.name} has no settings for {standard.value}.",
            hint="Choose a standard that is part of this instrument's programme.",
            instrument=self.name,
            standard=standard.value,
        )


def _recipes(pixel_size_um: float, z_step_um: float, bead_pixel_um: float) -> tuple[Recipe, ...]:
    """Return the same programme at an instrument's own sampling."""
    small, bead = (256, 256), (128, 128)
    tissue = Exposure(photons=160.0, gain_factor=14.0)
    return (
        Recipe(standard=Standard.MARBLES, pixel_size_um=pixel_size_um, shape=small, exposure=Exposure(photons=2400.0)),
        Recipe(
            standard=Standard.BEADS,
            pixel_size_um=bead_pixel_um,
            shape=bead,
            exposure=Exposure(photons=2000.0, planes=31, z_step_um=z_step_um),
        ),
        Recipe(standard=Standard.SLIDE, pixel_size_um=pixel_size_um, shape=small, exposure=Exposure(photons=2400.0)),
        Recipe(standard=Standard.CONVALLARIA, pixel_size_um=0.4, shape=small, exposure=tissue),
        Recipe(standard=Standard.KIDNEY, pixel_size_um=0.4, shape=small, exposure=tissue),
    )


def _multialkali(name: str, *, light_fraction: float, gain_counts: float) -> Detector:
    return Detector(
        name=name,
        kind="MultiAlkali",
        model="R6357 multialkali PMT",
        quantum_efficiency=MULTIALKALI_QUANTUM_EFFICIENCY,
        light_fraction=light_fraction,
        gain_counts=gain_counts,
        excess_noise_factor=1.3,
        read_noise_counts=6.0,
        offset_counts=40.0,
        dark_electrons=0.02,
        voltage_v=580.0,
    )


def _gaasp(name: str, *, light_fraction: float, gain_counts: float) -> Detector:
    return Detector(
        name=name,
        kind="GaAsP",
        model="BiG.2 GaAsP PMT",
        quantum_efficiency=GAASP_QUANTUM_EFFICIENCY,
        light_fraction=light_fraction,
        gain_counts=gain_counts,
        excess_noise_factor=1.15,
        read_noise_counts=4.0,
        offset_counts=40.0,
        dark_electrons=0.05,
        voltage_v=640.0,
    )


def _lsm_510() -> InstrumentPlan:
    ageing = (
        ("detectors.ChS1.quantum_efficiency", LawKind.EXPONENTIAL, -0.012),
        ("detectors.ChS1.gain_counts", LawKind.EXPONENTIAL, -0.014),
        ("detectors.ChS1.read_noise_counts", LawKind.EXPONENTIAL, 0.045),
        ("detectors.ChS1.excess_noise_factor", LawKind.LINEAR, 0.012),
        ("aberrations.spherical_nm", LawKind.LINEAR, 3.2),
    )
    microscope = Microscope(
        technique=Technique.TWO_PHOTON,
        numerical_aperture=1.0,
        refractive_index=1.33,
        excitation_nm=800.0,
        emission_nm=525.0,
        initial=MicroscopeState(
            detectors=(
                _multialkali(INTERNAL, light_fraction=0.3, gain_counts=10.5),
                _gaasp(NON_DESCANNED, light_fraction=0.7, gain_counts=2.9),
            ),
            aberrations=Aberrations(spherical_nm=12.0, astigmatism_nm=8.0),
            illumination=Illumination(width_fields=2.6, centre_x_fields=0.04),
            repeatability=0.025,
            focus_repeatability_um=0.05,
        ),
        laws=tuple(
            AgeingLaw(parameter=parameter, kind=kind, start_week=AGEING_STARTS_WEEK, amount=amount)
            for parameter, kind, amount in ageing
        ),
    )
    return InstrumentPlan(
        name="LSM 510",
        manufacturer="Zeiss",
        model="LSM 510 NLO",
        serial_number="2104000510",
        room="B.012",
        objective=ObjectivePlan(
            model="W Plan-Apochromat 20x/1.0 DIC",
            immersion="Water",
            magnification=20.0,
            numerical_aperture=1.0,
            refractive_index=1.33,
        ),
        laser=LaserPlan(model="Chameleon Ultra II", wavelength_nm=800.0, power_mw=3500.0),
        microscope=microscope,
        recipes=_recipes(0.2, 0.3, 0.1),
    )


def _lsm_780() -> InstrumentPlan:
    microscope = Microscope(
        technique=Technique.CONFOCAL,
        numerical_aperture=1.3,
        refractive_index=1.518,
        excitation_nm=488.0,
        emission_nm=525.0,
        initial=MicroscopeState(
            detectors=(_gaasp("ChS1", light_fraction=1.0, gain_counts=2.0),),
            pinhole_au=1.0,
            aberrations=Aberrations(spherical_nm=10.0, coma_nm=8.0),
            illumination=Illumination(width_fields=3.2, centre_y_fields=-0.03),
            repeatability=0.022,
            focus_repeatability_um=0.04,
        ),
        services=(Service(week=ROUTINE_WEEK, text="Yearly visit: cleaned, checked, nothing changed."),),
    )
    return InstrumentPlan(
        name="LSM 780",
        manufacturer="Zeiss",
        model="LSM 780",
        serial_number="2504000780",
        room="B.014",
        objective=ObjectivePlan(
            model="EC Plan-Neofluar 40x/1.30 Oil DIC",
            immersion="Oil",
            magnification=40.0,
            numerical_aperture=1.3,
            refractive_index=1.518,
        ),
        laser=LaserPlan(model="Argon Multiline", wavelength_nm=488.0, power_mw=25.0),
        microscope=microscope,
        recipes=_recipes(0.16, 0.15, 0.06),
    )


def _lsm_880() -> InstrumentPlan:
    accident = (("collection", -0.32), ("aberrations.astigmatism_nm", 55.0), ("scanner.bidirectional_shift_px", 1.4))
    microscope = Microscope(
        technique=Technique.CONFOCAL,
        numerical_aperture=0.8,
        refractive_index=1.0,
        excitation_nm=488.0,
        emission_nm=525.0,
        initial=MicroscopeState(
            detectors=(_gaasp("ChS1", light_fraction=1.0, gain_counts=2.0),),
            pinhole_au=1.0,
            aberrations=Aberrations(spherical_nm=8.0, astigmatism_nm=6.0),
            illumination=Illumination(width_fields=3.0, centre_x_fields=-0.05, tilt_y=0.04),
            repeatability=0.025,
            focus_repeatability_um=0.05,
        ),
        laws=tuple(
            AgeingLaw(parameter=parameter, kind=LawKind.STEP, start_week=ACCIDENT_WEEK, amount=amount)
            for parameter, amount in accident
        ),
        services=(
            Service(
                week=REPAIR_WEEK,
                restores=tuple(parameter for parameter, _ in accident),
                text="Pinhole realigned, objective reseated, bidirectional phase calibrated.",
            ),
        ),
    )
    return InstrumentPlan(
        name="LSM 880",
        manufacturer="Zeiss",
        model="LSM 880",
        serial_number="2804000880",
        room="B.016",
        objective=ObjectivePlan(
            model="Plan-Apochromat 20x/0.8 M27",
            immersion="Air",
            magnification=20.0,
            numerical_aperture=0.8,
            refractive_index=1.0,
        ),
        laser=LaserPlan(model="Argon Multiline", wavelength_nm=488.0, power_mw=25.0),
        microscope=microscope,
        recipes=_recipes(0.2, 0.3, 0.1),
    )


INSTRUMENTS: tuple[InstrumentPlan, ...] = (_lsm_510(), _lsm_780(), _lsm_880())


def instrument_named(name: str) -> InstrumentPlan:
    """Return an instrument of the demonstration facility.

    Parameters
    ----------
    name : str
        Such as `LSM 510`.

    Returns
    -------
    InstrumentPlan

    Raises
    ------
    UnknownInstrumentError
        If there is none of that name.
    """
    for instrument in INSTRUMENTS:
        if instrument.name == name:
            return instrument
    raise UnknownInstrumentError(
        f"The demonstration facility has no instrument {name}.",
        hint="Choose one of " + ", ".join(instrument.name for instrument in INSTRUMENTS) + ".",
        instrument=name,
    )
