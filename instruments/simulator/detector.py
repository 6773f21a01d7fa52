"""From photons to counts: quantum efficiency, shot noise, a photomultiplier's gain, read noise, 12 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

MULTIALKALI_QUANTUM_EFFICIENCY = 0.25
"""Of the internal multialkali photomultipliers [1] (20–25 % in the founding report)."""

GAASP_QUANTUM_EFFICIENCY = 0.40
"""Of the non-descanned GaAsP photomultipliers [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A photomultiplier and its analogue-to-digital converter.

    Parameters
    ----------
    name, kind, model : str
        Name of the channel, kind of photocathode, manufacturer's type.
    quantum_efficiency : float
        Photoelectrons a photon [1].
    light_fraction : float
        Share of the photons that the beam path sends to this detector [1].
    gain_counts : float
        Mean counts a photoelectron [counts].
    excess_noise_factor : float
        ⟨g²⟩/⟨g⟩² of the multiplication, 1 for none [1]; about 1.2–1.5 for a photomultiplier.
    read_noise_counts : float
        Standard deviation of the electronics' noise [counts].
    offset_counts : float
        Counts in the dark [counts].
    dark_electrons : float
        Mean thermal photoelectrons a pixel [1].
    voltage_v : float
        High voltage, the "gain" that the operator sets [V]; a record only, `gain_counts` acts.
    bit_depth : int
        Of the converter [bit]; the file has 16.

    Raises
    ------
    InputError
        If a figure is outside its physical range.
    """

    name: str
    kind: str
    model: str
    quantum_efficiency: float
    light_fraction: float = 1.0
    gain_counts: float = 1.0
    excess_noise_factor: float = 1.0
    read_noise_counts: float = 0.0
    offset_counts: float = 0.0
    dark_electrons: float = 0.0
    voltage_v: float = 600.0
    bit_depth: int = 12

    def __post_init__(self) -> None:
        possible = (
            0.0 <= self.quantum_efficiency <= 1.0
            and 0.0 <= self.light_fraction <= 1.0
            and self.gain_counts >= 0.0
            and self.excess_noise_factor >= 1.0
            and self.read_noise_counts >= 0.0
            and self.dark_electrons >= 0.0
            and 1 <= self.bit_depth <= 16
        )
        if not possible:
            raise InputError(
                f"The detector {self.name} has a figure outside its physical range.",
                hint="Efficiency and light fraction lie in 0…1, the excess noise factor is at least 1, bits are 1…16.",
                detector=self.name,
            )

    @property
    def largest_count(self) -> int:
        """Count at which the converter saturates [counts]."""
        return (1 << self.bit_depth) - 1


def detect(photons: NDArray, detector: Detector, *, rng: Generator) -> NDArray[np.uint16]:
    """Return the counts that a detector makes of the light it is sent.

    Parameters
    ----------
    photons : ndarray, any shape
        Mean photons a pixel before the light is shared between detectors [1].
    detector : Detector
        Its efficiency, gain and noises.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    ndarray of uint16, same shape
        Counts, rounded and clipped to the converter's range.

    Raises
    ------
    InputError
        If a photon number is negative or not a number.

    Notes
    -----
    Photoelectrons are Poisson. Each is multiplied by a Gamma-distributed gain of mean `gain_counts` and relative
    variance F − 1, so a pixel of n electrons has a Gamma sum, and the photon-transfer slope variance/mean is
    gain × F (Janesick, Photon Transfer, 2007; Teich et al., IEEE J. Quantum Electron. 1986). A random split of
    Poisson light gives independent Poisson streams, so detectors that scan at once are drawn independently.
    After-pulses and dead time are not handled.
    """
    if not np.all(photons >= 0.0):
        raise InputError("A mean photon number is negative or undefined.", hint="Give photon numbers of 0 or more.")
    mean_electrons = photons * (detector.quantum_efficiency * detector.light_fraction) + detector.dark_electrons
    electrons = rng.poisson(mean_electrons).astype(np.float32)
    relative_variance = detector.excess_noise_factor - 1.0
    if relative_variance > 0.0:
        hit = electrons > 0.0
        electrons[hit] = relative_variance * rng.standard_gamma(electrons[hit] / relative_variance, dtype=np.float32)
    counts = electrons * detector.gain_counts + detector.offset_counts
    if detector.read_noise_counts > 0.0:
        counts += detector.read_noise_counts * rng.standard_normal(counts.shape, dtype=np.float32)
    return np.asarray(np.clip(np.rint(counts), 0, detector.largest_count), dtype=np.uint16)
