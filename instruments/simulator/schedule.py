"""What the demonstration facility scans in 60 weeks, and each of those scans simulated on its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from instruments.optics.resolution import OpticalSettings, theoretical_resolution
from instruments.simulator.acquisition import Acquired, Defect
from instruments.simulator.fleet import FACILITY_NAME, INSTRUMENTS, WEEKS, InstrumentPlan, Recipe, instrument_named
from instruments.simulator.specimens import Specimen, Standard, beads, homogeneous_slide, marbles
from instruments.simulator.tissue import convallaria, kidney

if TYPE_CHECKING:
    from instruments.simulator.ageing import Service

BEAD_INTERVAL_WEEKS = 4
BEAD_DISTANCE_WIDTHS = 9.0
"""Least distance between two beads [theoretical lateral widths]."""

STAGE_REPEATABILITY_UM = 0.3
"""Standard deviation with which the stage finds the same marbles again, along y and along x [µm]."""

PAIRED_INSTRUMENT = "LSM 510"

BAD_ACQUISITIONS: dict[tuple[str, int], Defect] = {
    ("LSM 510", 11): Defect.SATURATED,
    ("LSM 510", 45): Defect.NO_SIGNAL,
    ("LSM 780", 17): Defect.OUT_OF_FOCUS,
    ("LSM 780", 52): Defect.SATURATED,
    ("LSM 880", 8): Defect.NO_SIGNAL,
    ("LSM 880", 38): Defect.OUT_OF_FOCUS,
}
"""Marble scans that went wrong, by instrument and week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPlan:
    """One scan of the programme.

    Parameters
    ----------
    instrument : str
        Its name.
    standard : Standard
        What is scanned.
    week : float
        When, since the start of the programme; the fraction is the day and hour [week].
    label, file_name : str
        What the operator calls it; what the file is called. The name decides everything random in the scan.
    shape : tuple of int
        Rows and columns [px].
    defect : Defect or None
        What goes wrong.
    """

    instrument: str
    standard: Standard
    week: float
    label: str
    file_name: str
    shape: tuple[int, int]
    defect: Defect | None = None

    @property
    def seed(self) -> int:
        """Number made from the file name, the same on every machine; also the field of view, but of marbles."""
        return _seed(self.file_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """A visit of the engineer to an instrument.

    Parameters
    ----------
    instrument : str
        Its name.
    service : Service
        When, what, with which effect.
    """

    instrument: str
    service: Service


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityPlan:
    """The demonstration facility.

    Parameters
    ----------
    name : str
        Of the facility.
    instruments : tuple of InstrumentPlan
        What stands in the room.
    services : tuple of ServicePlan
        In order of time.
    scans : tuple of ScanPlan
        In order of time.
    """

    name: str
    instruments: tuple[InstrumentPlan, ...]
    services: tuple[ServicePlan, ...]
    scans: tuple[ScanPlan, ...]


def demo_facility() -> FacilityPlan:
    """Return the demonstration facility with weekly marbles and monthly beads on each instrument.

    Returns
    -------
    FacilityPlan
        Weeks run from 0 to 59.
    """
    scans = [_marble_scan(instrument, week) for instrument in INSTRUMENTS for week in range(WEEKS)]
    scans += [
        _bead_scan(instrument, week) for instrument in INSTRUMENTS for week in range(0, WEEKS, BEAD_INTERVAL_WEEKS)
    ]
    services = [
        ServicePlan(instrument=instrument.name, service=service)
        for instrument in INSTRUMENTS
        for service in instrument.services
    ]
    return FacilityPlan(
        name=FACILITY_NAME,
        instruments=INSTRUMENTS,
        services=tuple(sorted(services, key=lambda plan: plan.service.week)),
        scans=tuple(sorted(scans, key=lambda scan: (scan.week, scan.file_name))),
    )


def paired_fields(
    *, n: int = 24, shape: tuple[int, int] = (256, 256), week: float = WEEKS + 0.1
) -> tuple[ScanPlan, ...]:
    """Return tissue fields that the aged LSM 510 scans with both detectors at once, to train a restoration on.

    Parameters
    ----------
    n : int
        Number of fields, alternately Convallaria-like and kidney-like; each is another field of view.
    shape : tuple of int
        Rows and columns [px].
    week : float
        Age of the instrument [week].

    Returns
    -------
    tuple of ScanPlan
        Channel 0 is the internal detector (input), channel 1 the non-descanned one (target).
    """
    tissues = (Standard.CONVALLARIA, Standard.KIDNEY)
    return tuple(
        ScanPlan(
            instrument=PAIRED_INSTRUMENT,
            standard=tissues[index % 2],
            week=week + index / (7 * 24 * 6),
            label=f"{PAIRED_INSTRUMENT} {tissues[index % 2].value} field {index + 1:02d}",
            file_name=f"{_slug(PAIRED_INSTRUMENT)}_{tissues[index % 2].value}_field{index + 1:02d}.ome.tif",
            shape=shape,
        )
        for index in range(n)
    )


def simulate(scan: ScanPlan) -> Acquired:
    """Take one scan of the programme; the result depends on nothing but the plan's entry.

    Parameters
    ----------
    scan : ScanPlan
        From `demo_facility` or `paired_fields`, or made by hand.

    Returns
    -------
    Acquired
        Counts, settings and truth.

    Raises
    ------
    UnknownInstrumentError
        If the facility has no such instrument.
    """
    instrument = instrument_named(scan.instrument)
    recipe = instrument.recipe(scan.standard)
    return instrument.microscope.acquire(
        specimen_of(scan, instrument, recipe),
        week=scan.week,
        seed=scan.seed,
        exposure=recipe.exposure,
        defect=scan.defect,
    )


def specimen_of(scan: ScanPlan, instrument: InstrumentPlan, recipe: Recipe) -> Specimen:
    """Return the field of view of a scan.

    Parameters
    ----------
    scan : ScanPlan
        Its file name chooses the field; marbles are always the same ones, found again as well as the stage can.
    instrument : InstrumentPlan
        Its resolution sets the distance of the beads.
    recipe : Recipe
        Pixel size.

    Returns
    -------
    Specimen
    """
    pixel_size_um = recipe.pixel_size_um
    match scan.standard:
        case Standard.MARBLES:
            field = _seed(f"{_slug(scan.instrument)} marbles")
            shift_um = np.clip(np.random.default_rng([scan.seed, 3]).normal(0.0, STAGE_REPEATABILITY_UM, 2), -1.0, 1.0)
            return marbles(
                seed=field,
                shape=scan.shape,
                pixel_size_um=pixel_size_um,
                shift_um=(float(shift_um[0]), float(shift_um[1])),
            )
        case Standard.BEADS:
            distance_um = BEAD_DISTANCE_WIDTHS * _lateral_width_um(instrument)
            return beads(seed=scan.seed, shape=scan.shape, pixel_size_um=pixel_size_um, distance_um=distance_um)
        case Standard.SLIDE:
            return homogeneous_slide(shape=scan.shape, pixel_size_um=pixel_size_um)
        case Standard.CONVALLARIA:
            return convallaria(seed=scan.seed, shape=scan.shape, pixel_size_um=pixel_size_um)
        case Standard.KIDNEY:
            return kidney(seed=scan.seed, shape=scan.shape, pixel_size_um=pixel_size_um)


def _lateral_width_um(instrument: InstrumentPlan) -> float:
    microscope = instrument.microscope
    settings = OpticalSettings(
        technique=microscope.technique,
        numerical_aperture=microscope.numerical_aperture,
        refractive_index=microscope.refractive_index,
        excitation_nm=microscope.excitation_nm,
        emission_nm=microscope.emission_nm,
    )
    return theoretical_resolution(settings).fwhm_lateral_um


def _marble_scan(instrument: InstrumentPlan, week: int) -> ScanPlan:
    return _scan(instrument, Standard.MARBLES, week, hour=9.0, defect=BAD_ACQUISITIONS.get((instrument.name, week)))


def _bead_scan(instrument: InstrumentPlan, week: int) -> ScanPlan:
    return _scan(instrument, Standard.BEADS, week, hour=9.5, defect=None)


def _scan(instrument: InstrumentPlan, standard: Standard, week: int, *, hour: float, defect: Defect | None) -> ScanPlan:
    return ScanPlan(
        instrument=instrument.name,
        standard=standard,
        week=week + hour / (7 * 24),
        label=f"{instrument.name} {standard.value} week {week:02d}",
        file_name=f"{_slug(instrument.name)}_{standard.value}_w{week:02d}.ome.tif",
        shape=instrument.recipe(standard).shape,
        defect=defect,
    )


def _seed(name: str) -> int:
    """Return a number that depends on nothing but the name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def _slug(name: str) -> str:
    return name.lower().replace(" ", "")
