"""What an instrument is in a given week, how it is set up, and what it hands over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from common.errors import InputError
from instruments.simulator.illumination import Illumination
from instruments.simulator.pupil import PERFECT_LENS, Aberrations
from instruments.simulator.scanner import Scanner

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from instruments.simulator.detector import Detector

STRAIGHT_SCAN = Scanner()
EVEN_LIGHT = Illumination()


class Defect(StrEnum):
    """What went wrong with a single acquisition."""

    SATURATED = "saturated"
    OUT_OF_FOCUS = "out_of_focus"
    NO_SIGNAL = "no_signal"


@dataclass(frozen=True, slots=True, kw_only=True)
class MicroscopeState:
    """All parameters that may change with age.

    Parameters
    ----------
    detectors : tuple of Detector
        Those that scan at once, each with its share of the light.
    laser_power : float
        Relative to the nominal [1].
    pinhole_au : float or None
        Confocal pinhole [Airy discs of the emission].
    collection : float
        Share of the light that still reaches the detectors, for instance past a misaligned pinhole [1].
    aberrations : Aberrations
        Of the objective.
    illumination : Illumination
        Evenness of the field.
    scanner : Scanner
        Misadjustments of the scan.
    background : float
        Stray light relative to the photon budget [1].
    repeatability : float
        Relative standard deviation of the light from one acquisition to the next [1].
    focus_repeatability_um : float
        Standard deviation of the focus from one acquisition to the next [µm].
    """

    detectors: tuple[Detector, ...]
    laser_power: float = 1.0
    pinhole_au: float | None = None
    collection: float = 1.0
    aberrations: Aberrations = PERFECT_LENS
    illumination: Illumination = EVEN_LIGHT
    scanner: Scanner = STRAIGHT_SCAN
    background: float = 0.01
    repeatability: float = 0.0
    focus_repeatability_um: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How an acquisition is set up.

    Parameters
    ----------
    photons : float
        Mean photons a pixel, before the detectors share them, from concentration 1 in focus [1].
    planes : int
        1 for a single image; more for a stack centred on the nominal focus.
    z_step_um : float
        Distance between planes [µm].
    gain_factor : float
        Amplification of the detectors relative to their nominal setting [1].
    """

    photons: float
    planes: int = 1
    z_step_um: float = 0.0
    gain_factor: float = 1.0

    def __post_init__(self) -> None:
        if self.photons < 0.0 or self.planes < 1 or (self.planes > 1 and self.z_step_um <= 0.0):
            raise InputError(
                "This exposure is impossible.",
                hint="Give photons of 0 or more, at least one plane, and a positive step for a stack.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """What the microscope writes down about one channel.

    Parameters
    ----------
    name, detector_kind, detector_model : str
        Channel, photocathode, type.
    voltage_v : float
        The detector's set voltage [V].
    offset_counts : float
        [counts]
    excitation_nm, emission_nm : float
        [nm]
    pinhole_au : float or None
        [Airy discs]
    bit_depth : int
        [bit]
    """

    name: str
    detector_kind: str
    detector_model: str
    voltage_v: float
    offset_counts: float
    excitation_nm: float
    emission_nm: float
    pinhole_au: float | None
    bit_depth: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Truth:
    """What no microscope could say about an acquisition.

    Parameters
    ----------
    state : MicroscopeState
        The parameters in that week.
    photons : ndarray, shape (Z, Y, X)
        Mean photons a pixel before the detectors share them, scan misadjustments included [1].
    focus_um : ndarray, shape (Z,)
        Height of the planes above the nominal focus [µm].
    """

    state: MicroscopeState
    photons: NDArray
    focus_um: NDArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Acquired:
    """An acquisition.

    Parameters
    ----------
    planes : ndarray of uint16, shape (C, Z, Y, X)
        Counts.
    pixel_size_um : float
        [µm]
    z_step_um : float or None
        None for a single plane [µm].
    channels : tuple of ChannelSettings
        One a channel.
    truth : Truth
        For tests and teaching; it is not written to files.
    """

    planes: NDArray[np.uint16]
    pixel_size_um: float
    z_step_um: float | None
    channels: tuple[ChannelSettings, ...]
    truth: Truth
