"""Rows and files of restoration for tests: fields seen by two detectors, cases, trainings, models."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import tifffile
from scipy import ndimage

from enhancement.models import Case, RestorationModel, TrainingRun, TrainingSet
from metrology.models import Acquisition, Standard, StoredFile
from tests.factories import catalogue

_number = itertools.count(1)

TINY = {
    "generator": {"filters": 4, "levels": 1},
    "discriminator": {"filters": 4},
    "epochs": 2,
    "steps_per_epoch": 2,
    "batch": 2,
    "patch_px": 32,
    "max_seconds": None,
    "precision": "fp32",
}
"""Settings with which a training takes a second."""


def truth(seed, shape=(64, 64)):
    """Smooth structure between 100 and 1100 counts."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 2.5, mode="wrap")
    return 100 + 1000 * (smooth - smooth.min()) / np.ptp(smooth)


def two_detectors(seed, shape=(64, 64)):
    """(C, Y, X) counts: channel 0 has a quarter of the photons of channel 1."""
    random = np.random.default_rng(seed + 1000)
    clean = truth(seed, shape)
    return np.stack([random.poisson(clean / 16) * 8, random.poisson(clean)]).clip(0, 4095).astype(np.uint16)


def stored(pixels, folder, axes="CYX"):
    """Write the pixels where an original lies and return its row."""
    path = folder / f"made-{next(_number)}.ome.tif"
    folder.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, pixels, metadata={"axes": axes, "PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2}, ome=True)
    content = path.read_bytes()
    row = StoredFile(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
    row.path.parent.mkdir(parents=True, exist_ok=True)
    path.replace(row.path)
    row.save()
    return row


def acquisition(instrument, pixels, folder, *, axes="CYX", **fields):
    """A measured acquisition with its file."""
    size = dict(zip(axes, pixels.shape, strict=True))
    defaults = {
        "facility": instrument.facility,
        "instrument": instrument,
        "stored_file": stored(pixels, folder, axes),
        "original_name": f"field{next(_number):03d}.ome.tif",
        "state": "done",
        "validity": "valid",
        "acquired_at": catalogue.START,
        "size_t": 1,
        "size_c": size.get("C", 1),
        "size_z": size.get("Z", 1),
        "size_y": size["Y"],
        "size_x": size["X"],
        "bit_depth": 12,
        "pixel_size_um": 0.2,
    }
    return Acquisition.objects.create(**defaults | fields)


def tissue(instrument):
    """A tissue slide of the instrument's facility."""
    return Standard.objects.create(facility=instrument.facility, name=f"Slide {next(_number)}", kind="convallaria")


def two_detector_instrument(folder, *, fields=6, of=None, shape=(64, 64)):
    """An instrument with a poor and a good detector, and tissue scanned by both at once."""
    instrument = catalogue.instrument(of)
    path = catalogue.optical_path(instrument, channels=2)
    good = path.channels.get(index=1).detector
    good.quantum_efficiency = 0.4
    good.save()
    slide = tissue(instrument)
    for index in range(fields):
        acquisition(
            instrument,
            two_detectors(index, shape),
            folder,
            optical_path=path,
            standard=slide,
            field_of_view=f"field {index:02d}",
        )
    return instrument


def case(instrument=None, **fields):
    at = instrument or catalogue.instrument()
    return Case.objects.create(**{"instrument": at, "title": f"{at.name}, dim"} | fields)


def run(of=None, **fields):
    """A training as a row, without files."""
    at = of or case()
    frozen = TrainingSet.objects.create(
        case=at, source="channels", manifest={"pairs": []}, sha256=f"{next(_number):064d}", pair_count=6
    )
    defaults = {"case": at, "training_set": frozen, "architecture": "residual_unet_gan", "epochs_planned": 4}
    return TrainingRun.objects.create(**defaults | fields)


def model(of=None, **fields):
    """A candidate as a row, without weights."""
    at = of or run(state="done")
    defaults = {
        "case": at.case,
        "run": at,
        "instrument": at.case.instrument,
        "kind": "filter",
        "name": f"Gaussian {next(_number)}",
        "gate_passed": True,
        "card": {"filter": {"id": "gaussian", "parameters": {"sigma_px": 1.0}}},
    }
    return RestorationModel.objects.create(**defaults | fields)
