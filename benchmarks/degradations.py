"""Samples, real and simulated, and the known harm that is done to their images before the detector or after it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from benchmarks.inputs import REAL_DATA
from instruments.optics.resolution import OpticalSettings, Technique
from instruments.simulator.detector import Detector, detect
from instruments.simulator.formation import noiseless_image
from instruments.simulator.illumination import Illumination, illumination_profile
from instruments.simulator.psf import PsfModel
from instruments.simulator.pupil import IndexMismatch
from instruments.simulator.scanner import interpolate_skipped_lines, shift_return_lines
from instruments.simulator.specimens import Specimen, beads, homogeneous_slide, marbles
from instruments.simulator.tissue import convallaria
from metrology.imaging.mosaics import TileGrid
from metrology.imaging.readers import read
from metrology.imaging.stack import ImageStack, Metadata, Sourced

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE_PX = 256
PHOTONS = 200.0
"""Photons of a pixel of full brightness."""
DETECTOR = Detector(
    name="0", kind="PMT", model="simulated", quantum_efficiency=1.0, gain_counts=15.0, read_noise_counts=3.0,
    offset_counts=30.0, bit_depth=12,
)  # fmt: skip
OPTICS = OpticalSettings(
    technique=Technique.CONFOCAL, numerical_aperture=0.8, refractive_index=1.0, excitation_nm=488.0, emission_nm=520.0
)
MODEL = PsfModel(
    technique=Technique.CONFOCAL,
    numerical_aperture=0.8,
    refractive_index=1.0,
    excitation_nm=488.0,
    emission_nm=520.0,
    pinhole_au=1.0,
)
FLAT, BASE_WIDTH = 100.0, 3.0  # widths of the illumination [fields]: even within 1e-4, and that of a good instrument


@dataclass(frozen=True, slots=True)
class Sample:
    """What lies on the stage.

    Parameters
    ----------
    name, standard : str
        As the table calls it, and as the registry does.
    pixel_size_um, z_step_um : float
        Sizes of a voxel [µm].
    file : str
        Clean image under the folder of real data; empty for a simulated sample.
    specimen : Specimen, optional
        Simulated sample.
    planes : int
        Of its stack [1].
    """

    name: str
    standard: str
    pixel_size_um: float
    z_step_um: float = 0.3
    file: str = ""
    specimen: Callable[[], Specimen] | None = None
    planes: int = 1

    @property
    def is_at_hand(self) -> bool:
        """Whether it is simulated, or its file exists."""
        return not self.file or (REAL_DATA / self.file).is_file()


SAMPLES = (
    Sample("tissue (W2S, real)", "convallaria", 0.1267, file="paired/w2s/clean/fov_001.tif"),
    Sample("cells (FMD confocal, real)", "convallaria", 0.1, file="paired/fmd_confocal/clean/bpae_r.tif"),
    Sample("tissue (simulated)", "convallaria", 0.2,
           specimen=lambda: convallaria(seed=1, shape=(SIDE_PX, SIDE_PX), pixel_size_um=0.2)),
    Sample("beads (simulated)", "beads", 0.11, planes=25,
           specimen=lambda: beads(seed=1, shape=(160, 160), pixel_size_um=0.11, distance_um=4.5, count=6)),
    Sample("marbles (simulated)", "marbles", 0.2,
           specimen=lambda: marbles(seed=1, shape=(SIDE_PX, SIDE_PX), pixel_size_um=0.2, count=12)),
    Sample("slide (simulated)", "slide", 0.2,
           specimen=lambda: homogeneous_slide(shape=(SIDE_PX, SIDE_PX), pixel_size_um=0.2)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Degradation:
    """One kind of harm and how much of it is done.

    Parameters
    ----------
    name, unit : str
        As the table calls it.
    amounts : tuple of float
        The first does no harm.
    samples : tuple of str
        Standards that it is done to; empty for all.
    """

    name: str
    unit: str
    amounts: tuple[float, ...]
    samples: tuple[str, ...] = field(default=())

    def applies_to(self, sample: Sample) -> bool:
        """Whether it can be done to a sample."""
        if self.name == "wrong immersion":
            return sample.specimen is not None and sample.standard != "slide"
        return not self.samples or sample.standard in self.samples


_STRUCTURED = ("convallaria", "beads", "marbles")
DEGRADATIONS = (
    Degradation("blur", "px (σ)", (0, 0.25, 0.5, 1, 2), _STRUCTURED),
    Degradation("light lost", "%", (0, 2, 5, 10, 25, 50)),
    Degradation("photons lost, gain raised", "%", (0, 5, 10, 25, 50, 75)),
    Degradation("saturation", "% more gain", (0, 20, 50, 100, 200)),
    Degradation("tilt", "% side to side", (0, 2, 5, 10, 20, 40)),
    Degradation("shading", "% at edge", (0, 2, 5, 10, 20, 40)),
    Degradation("bidirectional shift", "px", (0, 0.1, 0.25, 0.5, 1), _STRUCTURED),
    Degradation("line step", "lines", (1, 2, 3, 4, 6), _STRUCTURED),
    Degradation("wrong immersion", "µm of oil", (0, 2, 5, 10, 20)),
)


@lru_cache(maxsize=32)
def light(sample: Sample, oil_um: float = 0.0) -> np.ndarray:
    """Return the mean light of an image of a sample, 1 for full brightness.

    Parameters
    ----------
    sample : Sample
        What is imaged.
    oil_um : float
        Thickness of oil on the dry lens [µm].

    Returns
    -------
    ndarray, shape (Z, Y, X)
        Light [1].
    """
    if sample.specimen is None:
        plane = read(REAL_DATA / sample.file).plane()[:SIDE_PX, :SIDE_PX].astype(float)
        low, high = np.percentile(plane, (0.1, 99.9))
        return np.asarray(np.maximum((plane - low) / (high - low), 0.0)[np.newaxis] + 0.02)
    model = replace(MODEL, mismatch=IndexMismatch(refractive_index=1.518, thickness_um=oil_um)) if oil_um else MODEL
    focus_um = (np.arange(sample.planes) - sample.planes // 2) * sample.z_step_um
    even = Illumination(width_fields=BASE_WIDTH if sample.standard == "slide" else FLAT)
    specimen = sample.specimen()
    lit = illumination_profile(even, shape=specimen.shape)
    return noiseless_image(specimen, model, focus_um=focus_um) * 0.8 * lit + 0.02


def image(sample: Sample, harm: str, amount: float, *, seed: tuple[int, ...]) -> ImageStack:
    """Take an image of a sample with one kind of harm done to it.

    Parameters
    ----------
    sample : Sample
        What is imaged.
    harm : str
        Name of the degradation.
    amount : float
        How much of it, in its unit.
    seed : tuple of int
        Of the noise.

    Returns
    -------
    ImageStack
        Counts of one channel.
    """
    clean = light(sample, amount) if harm == "wrong immersion" else light(sample)
    gain = 1 + amount / 100 if harm == "saturation" else 1.0
    if harm == "photons lost, gain raised":
        gain = 1 / (1 - amount / 100)
    detector = replace(DETECTOR, gain_counts=DETECTOR.gain_counts * gain)
    counts = detect(PHOTONS * _harmed(clean, harm, amount), detector, rng=np.random.default_rng(seed))
    if harm == "line step":
        counts = interpolate_skipped_lines(counts, line_step=int(amount))
    facts = {"pixel_size_um": sample.pixel_size_um, "z_step_um": sample.z_step_um, "bit_depth": DETECTOR.bit_depth}
    metadata = Metadata(fields={name: Sourced(value, "simulation") for name, value in facts.items()})
    side = counts.shape[-1] // 4
    grid = None if sample.standard in {"beads", "marbles"} else TileGrid(rows=4, columns=4, tile_shape=(side, side))
    return ImageStack(counts[np.newaxis, np.newaxis], metadata=metadata, tile_grid=grid)


def _harmed(clean: np.ndarray, harm: str, amount: float) -> np.ndarray:
    """Return the light after what happens before the detector."""
    if harm == "blur":
        return np.asarray(ndimage.gaussian_filter(clean, (0, amount, amount)))
    if harm in {"light lost", "photons lost, gain raised"}:
        return np.asarray(clean * (1 - amount / 100))
    if harm == "bidirectional shift":
        return shift_return_lines(clean, shift_px=amount)
    if harm == "tilt" and amount:
        return clean * illumination_profile(Illumination(width_fields=FLAT, tilt_x=amount / 100), shape=clean.shape[1:])
    if harm == "shading" and amount:
        width = math.sqrt(math.log(2) / -math.log(1 - amount / 100))
        return clean * illumination_profile(Illumination(width_fields=width), shape=clean.shape[1:])
    return clean
