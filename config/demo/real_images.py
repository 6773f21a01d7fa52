"""Real images as two further instruments. The images are not part of Strehl: a folder is named on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils.text import slugify

from common.errors import InputError
from instruments.models import Instrument, LightSource, Objective, OpticalPath, PathChannel
from metrology.models import FieldRole, Standard, StandardKind
from metrology.services.ingest import Ingested, acquisition_ingest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from instruments.models import Facility

WIDEFIELD: Final = "Widefield (W2S)"
CONFOCAL: Final = "Confocal (FMD)"

FIRST_DAY: Final = datetime(2025, 1, 6, 9, tzinfo=UTC)
"""The images do not say when they were taken. They are dated a day apart from here, and their source says so."""


@dataclass(frozen=True, slots=True)
class RealImage:
    """A file and what its description says about it."""

    path: Path
    instrument: str
    standard: str
    field_of_view: str
    field_role: str = FieldRole.SCAN


def real_images(folder: Path) -> list[RealImage]:
    """Return the images that the loop uses, in the order of their dates.

    Raises
    ------
    InputError
        If the folder holds none of them.
    """
    found = [*_pairs(folder, "w2s", WIDEFIELD), *_pairs(folder, "fmd_confocal", CONFOCAL), *_samples(folder)]
    if not found:
        raise InputError(
            f"There are no known images in {folder}.",
            hint="Name the folder that has paired/, beads/, field/ and specimens/ in it.",
            folder=str(folder),
        )
    return found


def _pairs(folder: Path, name: str, instrument: str) -> Iterator[RealImage]:
    """Yield both images of each field; they are scanned differently and so charted apart, each as a standard of its own."""
    for role, part, standard in (
        (FieldRole.LOW, "noisy", "cells, one frame"),
        (FieldRole.HIGH, "clean", "cells, averaged"),
    ):
        for path in sorted((folder / "paired" / name / part).glob("*.tif")):
            yield RealImage(path, instrument, standard, f"{name} {path.stem}", role)


def _samples(folder: Path) -> Iterator[RealImage]:
    samples = (
        ("beads/pyotf_psf_520nm.tif", WIDEFIELD, "beads"),
        ("specimens/pollen_stack.tif", WIDEFIELD, "pollen"),
        ("beads/mpi_four_beads.tif", CONFOCAL, "beads"),
        ("field/lsm_homogeneous_488.tif", CONFOCAL, "slide"),
        ("field/rainbow_beads_two_detectors.tif", CONFOCAL, "rainbow beads"),
        ("specimens/convallaria_488_noisy.tif", CONFOCAL, "convallaria"),
        ("specimens/confocal_vertical_lines.tif", CONFOCAL, "lines"),
    )
    for name, instrument, standard in samples:
        if (folder / name).is_file():
            yield RealImage(folder / name, instrument, standard, "")


@transaction.atomic
def real_instruments_make(facility: Facility) -> dict[str, Instrument]:
    """Make the two instruments and the samples that the images show, or find them."""
    kinds = (
        ("cells, one frame", StandardKind.OTHER),
        ("cells, averaged", StandardKind.OTHER),
        ("pollen", StandardKind.OTHER),
        ("lines", StandardKind.OTHER),
        ("beads", StandardKind.BEADS),
        ("slide", StandardKind.SLIDE),
        ("rainbow beads", StandardKind.MULTICOLOUR_BEADS),
        ("convallaria", StandardKind.CONVALLARIA),
    )
    for name, kind in kinds:
        Standard.objects.get_or_create(facility=facility, name=f"{name} (public image)", defaults={"kind": kind})
    return {
        WIDEFIELD: _instrument(facility, WIDEFIELD, technique="widefield", numerical_aperture=0.85),
        CONFOCAL: _instrument(facility, CONFOCAL, technique="confocal", numerical_aperture=1.3),
    }


def _instrument(facility: Facility, name: str, *, technique: str, numerical_aperture: float) -> Instrument:
    instrument, made = Instrument.objects.get_or_create(
        facility=facility, slug=slugify(name), defaults={"name": name, "technique": technique, "room": "public images"}
    )
    if made:
        objective = Objective.objects.create(
            instrument=instrument, name="as described", numerical_aperture=numerical_aperture, magnification=60
        )
        source = LightSource.objects.create(instrument=instrument, name="488 nm", wavelength_nm=488)
        path = OpticalPath.objects.create(
            instrument=instrument, name="as described", objective=objective, light_source=source
        )
        PathChannel.objects.create(optical_path=path, index=0, name="Ch0", excitation_nm=488, emission_nm=520)
    return instrument


def ingest_real_images(facility: Facility, folder: Path) -> Iterator[Ingested]:
    """Ingest the images with the normal service."""
    instruments = real_instruments_make(facility)
    standards = {one.name: one for one in Standard.objects.filter(facility=facility)}
    for number, image in enumerate(real_images(folder)):
        yield acquisition_ingest(
            facility=facility,
            source=image.path,
            original_name=image.path.name,
            instrument=instruments[image.instrument],
            optical_path=instruments[image.instrument].optical_paths.get(),
            standard=standards[f"{image.standard} (public image)"],
            label=f"{image.standard} {image.field_of_view} {image.field_role}".replace("  ", " ").strip(),
            acquired_at=FIRST_DAY + timedelta(days=number),
            field_of_view=image.field_of_view,
            field_role=image.field_role,
        )
