"""What each technique makes of a point: widefield, confocal with a pinhole, two-photon."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import fftconvolve

from instruments.optics.resolution import Technique
from instruments.simulator.pupil import PERFECT_LENS, Aberrations, IndexMismatch, Pupil, focal_intensity

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PsfModel:
    """All that shapes the image of a point.

    Parameters
    ----------
    technique : Technique
        How the image is made.
    numerical_aperture, refractive_index : float
        Of the objective and its immersion [1].
    excitation_nm, emission_nm : float
        Wavelengths in vacuum [nm].
    pinhole_au : float or None
        Diameter of the confocal pinhole in Airy discs of the emission, 1.22 λem/NA [1]; None for one so wide that only
        the illumination resolves. Not used by the other techniques.
    aberrations : Aberrations
        Wavefront error of the objective.
    mismatch : IndexMismatch or None
        A layer of the wrong refractive index.
    """

    technique: Technique
    numerical_aperture: float
    refractive_index: float
    excitation_nm: float
    emission_nm: float
    pinhole_au: float | None = None
    aberrations: Aberrations = PERFECT_LENS
    mismatch: IndexMismatch | None = None

    def pupil(self, wavelength_nm: float) -> Pupil:
        """Return the pupil at one of the two wavelengths [nm]."""
        return Pupil(
            numerical_aperture=self.numerical_aperture,
            refractive_index=self.refractive_index,
            wavelength_nm=wavelength_nm,
            aberrations=self.aberrations,
            mismatch=self.mismatch,
        )

    def unaberrated(self) -> PsfModel:
        """Return the same microscope with a perfect lens."""
        return replace(self, aberrations=PERFECT_LENS, mismatch=None)


def point_spread(model: PsfModel, *, z_um: NDArray, half_width_px: int, pixel_size_um: float) -> NDArray:
    """Return the image of a point, relative to its peak with a perfect lens.

    Parameters
    ----------
    model : PsfModel
        Technique, lens, wavelengths, pinhole, aberrations.
    z_um : ndarray, shape (Z,)
        Height of the point above the plane of focus [µm].
    half_width_px : int
        The image has 2·half_width_px + 1 pixels a side, the point in the middle one.
    pixel_size_um : float
        [µm]

    Returns
    -------
    ndarray, shape (Z, 2·half_width_px + 1, 2·half_width_px + 1)
        Intensity [1]; a perfect lens in focus gives 1 in the middle.

    Notes
    -----
    Widefield: the emission's spot. Two-photon: the excitation's spot squared (Denk, Strickler & Webb, Science 1990).
    Confocal: the excitation's spot times the emission's spot seen through the pinhole (Wilson & Sheppard 1984).
    """
    spread = _relative_spread(model, z_um=z_um, half_width_px=half_width_px, pixel_size_um=pixel_size_um)
    if model.technique is not Technique.CONFOCAL or model.pinhole_au is None:
        return spread
    perfect = _relative_spread(
        model.unaberrated(), z_um=np.zeros(1), half_width_px=half_width_px, pixel_size_um=pixel_size_um
    )
    return np.asarray(spread / perfect.max())


def _relative_spread(model: PsfModel, *, z_um: NDArray, half_width_px: int, pixel_size_um: float) -> NDArray:
    def spot(wavelength_nm: float, reach_px: int) -> NDArray:
        position_um = np.arange(-reach_px, reach_px + 1) * pixel_size_um
        return focal_intensity(model.pupil(wavelength_nm), z_um=z_um, y_um=position_um, x_um=position_um)

    if model.technique is Technique.WIDEFIELD:
        return spot(model.emission_nm, half_width_px)
    excitation = spot(model.excitation_nm, half_width_px)
    if model.technique is Technique.TWO_PHOTON:
        return np.asarray(np.square(excitation))
    if model.pinhole_au is None:
        return excitation
    airy_um = 1.22 * model.emission_nm / 1000.0 / model.numerical_aperture
    pinhole = _pinhole(0.5 * model.pinhole_au * airy_um / pixel_size_um)
    emission = spot(model.emission_nm, half_width_px + pinhole.shape[0] // 2)
    seen = fftconvolve(emission, pinhole[np.newaxis], mode="valid", axes=(1, 2))
    return np.asarray(excitation * np.maximum(seen, 0.0))


def _pinhole(radius_px: float) -> NDArray:
    """Return a round pinhole of this radius [px] and sum 1, its edge softened over one pixel."""
    reach = int(np.ceil(radius_px + 0.5))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius_px + 0.5 - np.hypot(x, y), 0.0, 1.0)
    return np.asarray(disc / disc.sum())
