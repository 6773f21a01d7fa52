"""An instrument with an age: its parts, what has become of them, and the images it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from instruments.optics.resolution import Technique
from instruments.simulator.acquisition import Acquired, ChannelSettings, Defect, Exposure, MicroscopeState, Truth
from instruments.simulator.ageing import AgeingLaw, Service, aged
from instruments.simulator.detector import Detector, detect
from instruments.simulator.formation import noiseless_image
from instruments.simulator.illumination import illumination_profile
from instruments.simulator.psf import PsfModel
from instruments.simulator.scanner import interpolate_skipped_lines, shift_return_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from instruments.simulator.pupil import IndexMismatch
    from instruments.simulator.specimens import Specimen

SATURATED_LIGHT_FACTOR = 8.0
"""How much too much light a saturated acquisition gets [1]."""

OUT_OF_FOCUS_UM = 2.4
"""How far an acquisition out of focus misses the specimen [µm]: above the top of a 4 µm marble."""

PMT_VOLTAGE_EXPONENT = 7.0
"""A photomultiplier's gain grows with about this power of its voltage [1] (Hamamatsu, Photomultiplier Tubes, ch. 4)."""

_LIGHT_FACTOR: dict[Defect | None, float] = {Defect.SATURATED: SATURATED_LIGHT_FACTOR, Defect.NO_SIGNAL: 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Microscope:
    """An instrument, as new, and the laws by which it ages.

    Parameters
    ----------
    technique : Technique
        How the image is made.
    numerical_aperture, refractive_index : float
        Of the objective and its immersion [1].
    excitation_nm, emission_nm : float
        [nm]
    initial : MicroscopeState
        Parameters in week 0.
    laws : tuple of AgeingLaw
        What drifts.
    services : tuple of Service
        What was repaired, and when.
    mismatch : IndexMismatch or None
        A wrong immersion.
    """

    technique: Technique
    numerical_aperture: float
    refractive_index: float
    excitation_nm: float
    emission_nm: float
    initial: MicroscopeState
    laws: tuple[AgeingLaw, ...] = ()
    services: tuple[Service, ...] = ()
    mismatch: IndexMismatch | None = None

    def state_at(self, week: float) -> MicroscopeState:
        """Return the parameters in a week of the instrument's life.

        Parameters
        ----------
        week : float
            Age [week].

        Returns
        -------
        MicroscopeState
            After ageing and services up to then.
        """
        return aged(self.initial, week=week, laws=self.laws, services=self.services)

    def psf_model(self, state: MicroscopeState) -> PsfModel:
        """Return what the microscope makes of a point in this state."""
        return PsfModel(
            technique=self.technique,
            numerical_aperture=self.numerical_aperture,
            refractive_index=self.refractive_index,
            excitation_nm=self.excitation_nm,
            emission_nm=self.emission_nm,
            pinhole_au=state.pinhole_au,
            aberrations=state.aberrations,
            mismatch=self.mismatch,
        )

    def acquire(
        self, specimen: Specimen, *, week: float, seed: int, exposure: Exposure, defect: Defect | None = None
    ) -> Acquired:
        """Take an image or a stack with all detectors at once.

        Parameters
        ----------
        specimen : Specimen
            Field of view.
        week : float
            Age of the instrument [week].
        seed : int
            Of everything random in this acquisition; same seed, same counts.
        exposure : Exposure
            Light, planes, gain.
        defect : Defect or None
            What goes wrong this time.

        Returns
        -------
        Acquired
            Registered channels: the same photons, shared, seen by different detectors.
        """
        state = self.state_at(week)
        setup_seed, *noise_seeds = np.random.SeedSequence(seed).spawn(1 + len(state.detectors))
        setup = np.random.default_rng(setup_seed)
        fluctuation, focus_error_um = setup.normal(size=2) * (state.repeatability, state.focus_repeatability_um)
        if defect is Defect.OUT_OF_FOCUS:
            focus_error_um += OUT_OF_FOCUS_UM
        focus_um = (np.arange(exposure.planes) - (exposure.planes - 1) / 2.0) * exposure.z_step_um + focus_error_um
        budget = exposure.photons * state.collection * np.exp(fluctuation) * _LIGHT_FACTOR.get(defect, 1.0)
        photons = budget * self._light(specimen, state, focus_um=focus_um)
        planes = np.stack(
            [
                self._scan(photons, detector, exposure=exposure, state=state, seed=noise_seed)
                for detector, noise_seed in zip(state.detectors, noise_seeds, strict=True)
            ]
        )
        return Acquired(
            planes=planes,
            pixel_size_um=specimen.pixel_size_um,
            z_step_um=exposure.z_step_um if exposure.planes > 1 else None,
            channels=tuple(self._settings(detector, exposure, state) for detector in state.detectors),
            truth=Truth(state=state, photons=photons, focus_um=focus_um),
        )

    def _light(self, specimen: Specimen, state: MicroscopeState, *, focus_um: NDArray) -> NDArray:
        excitation = state.laser_power * illumination_profile(state.illumination, shape=specimen.shape)
        if self.technique is Technique.TWO_PHOTON:
            excitation = excitation**2  # two photons are absorbed at once (Denk, Strickler & Webb 1990)
        light = noiseless_image(specimen, self.psf_model(state), focus_um=focus_um, excitation=excitation)
        return shift_return_lines(light, shift_px=state.scanner.bidirectional_shift_px) + state.background

    @staticmethod
    def _scan(
        photons: NDArray,
        detector: Detector,
        *,
        exposure: Exposure,
        state: MicroscopeState,
        seed: np.random.SeedSequence,
    ) -> NDArray[np.uint16]:
        amplified = replace(detector, gain_counts=detector.gain_counts * exposure.gain_factor)
        counts = detect(photons, amplified, rng=np.random.default_rng(seed))
        return interpolate_skipped_lines(counts, line_step=state.scanner.line_step)

    def _settings(self, detector: Detector, exposure: Exposure, state: MicroscopeState) -> ChannelSettings:
        return ChannelSettings(
            name=detector.name,
            detector_kind=detector.kind,
            detector_model=detector.model,
            voltage_v=round(detector.voltage_v * exposure.gain_factor ** (1.0 / PMT_VOLTAGE_EXPONENT), 1),
            offset_counts=detector.offset_counts,
            excitation_nm=self.excitation_nm,
            emission_nm=self.emission_nm,
            pinhole_au=state.pinhole_au if self.technique is Technique.CONFOCAL else None,
            bit_depth=detector.bit_depth,
        )
