"""The light in the pupil of an objective: its shape, its aberrations, and the field it makes at the focus.

The field is a scalar Debye integral over a flat pupil, so polarisation and the apodisation of an aplanatic lens are
not handled (Born & Wolf, Principles of Optics, §8.8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

PUPIL_SAMPLES = 64
"""Points across the pupil; the field repeats after 32 λ/NA, far outside any window used here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aberrations:
    """Wavefront error of the objective as Noll's Zernike polynomials (J. Opt. Soc. Am. 1976).

    Parameters
    ----------
    defocus_nm, astigmatism_nm, coma_nm, spherical_nm : float
        Root-mean-square optical path error over the pupil of Z4, Z6, Z8 and Z11 [nm].
    """

    defocus_nm: float = 0.0
    astigmatism_nm: float = 0.0
    coma_nm: float = 0.0
    spherical_nm: float = 0.0

    @property
    def rms_nm(self) -> float:
        """Root-mean-square of the whole wavefront error [nm]; the polynomials are orthonormal, so squares add."""
        return float(np.hypot.reduce([self.defocus_nm, self.astigmatism_nm, self.coma_nm, self.spherical_nm]))


PERFECT_LENS = Aberrations()
"""No wavefront error at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexMismatch:
    """A layer of the wrong refractive index between the lens and the focus, such as oil on a dry lens.

    Parameters
    ----------
    refractive_index : float
        Of the layer [1].
    thickness_um : float
        Of the layer along the optical axis [µm].
    """

    refractive_index: float
    thickness_um: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pupil:
    """The exit pupil of an objective at one wavelength.

    Parameters
    ----------
    numerical_aperture, refractive_index : float
        Of the objective and of the immersion it was made for [1].
    wavelength_nm : float
        In vacuum [nm].
    aberrations : Aberrations
        Wavefront error of the objective.
    mismatch : IndexMismatch or None
        A layer of the wrong index, refocused.

    Raises
    ------
    InputError
        If the aperture is not between 0 and the refractive index.
    """

    numerical_aperture: float
    refractive_index: float
    wavelength_nm: float
    aberrations: Aberrations = PERFECT_LENS
    mismatch: IndexMismatch | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.numerical_aperture < self.refractive_index:
            raise InputError(
                f"A numerical aperture of {self.numerical_aperture:g} is impossible in a medium of refractive index "
                f"{self.refractive_index:g}.",
                hint="Give an aperture above 0 and below the refractive index of the immersion.",
            )


def zernike_wavefront_nm(aberrations: Aberrations, radius: NDArray, angle_rad: NDArray) -> NDArray:
    """Return the optical path error over the pupil.

    Parameters
    ----------
    aberrations : Aberrations
        Root-mean-square amplitudes [nm].
    radius : ndarray
        Distance from the centre of the pupil, 1 at its edge [1].
    angle_rad : ndarray
        Azimuth [rad], same shape.

    Returns
    -------
    ndarray
        Optical path error [nm], same shape; piston and tilt are 0.
    """
    squared = radius**2
    return np.asarray(
        aberrations.defocus_nm * np.sqrt(3.0) * (2.0 * squared - 1.0)
        + aberrations.astigmatism_nm * np.sqrt(6.0) * squared * np.cos(2.0 * angle_rad)
        + aberrations.coma_nm * np.sqrt(8.0) * (3.0 * squared - 2.0) * radius * np.cos(angle_rad)
        + aberrations.spherical_nm * np.sqrt(5.0) * (6.0 * squared**2 - 6.0 * squared + 1.0)
    )


def mismatch_wavefront_nm(pupil: Pupil, radius: NDArray) -> NDArray:
    """Return the optical path error of a layer of the wrong refractive index after refocusing.

    Parameters
    ----------
    pupil : Pupil
        With its `mismatch`; without one the error is 0.
    radius : ndarray
        Distance from the centre of the pupil, 1 at its edge [1].

    Returns
    -------
    ndarray
        Optical path error [nm], same shape.

    Notes
    -----
    d (√(n₂² − NA²ρ²) − √(n₁² − NA²ρ²)) (Hell et al., J. Microsc. 1993), less the constant and the multiple of
    √(n₁² − NA²ρ²) that fit it best over the pupil: the user refocuses, what is left is spherical aberration.
    Rays beyond the critical angle of the layer do not pass; `pupil_function` leaves them out.
    """
    if pupil.mismatch is None:
        return np.zeros_like(radius)
    transverse = (pupil.numerical_aperture * np.minimum(radius, 1.0)) ** 2
    immersion = np.sqrt(pupil.refractive_index**2 - transverse)
    layer = np.sqrt(np.maximum(pupil.mismatch.refractive_index**2 - transverse, 0.0))
    path_nm = 1000.0 * pupil.mismatch.thickness_um * (layer - immersion)
    passes = (radius <= 1.0) & (layer > 0.0)
    terms = np.stack([np.ones_like(radius), immersion], axis=-1)
    coefficients, *_ = np.linalg.lstsq(terms[passes], path_nm[passes], rcond=None)
    return np.asarray(path_nm - terms @ coefficients)


def pupil_function(pupil: Pupil) -> tuple[NDArray, NDArray, NDArray]:
    """Return the complex light in the pupil.

    Parameters
    ----------
    pupil : Pupil
        Aperture, wavelength and aberrations.

    Returns
    -------
    amplitude : ndarray, shape (PUPIL_SAMPLES, PUPIL_SAMPLES), complex
        Of total absolute sum 1; the edge is softened over one sample so that its staircase does not show.
    direction : ndarray, shape (PUPIL_SAMPLES,)
        Sine-like coordinate n·sin of the samples along either axis [1].
    axial : ndarray, shape (PUPIL_SAMPLES, PUPIL_SAMPLES)
        n·cos of the same directions [1].
    """
    position = (np.arange(PUPIL_SAMPLES) - (PUPIL_SAMPLES - 1) / 2.0) / (PUPIL_SAMPLES / 2.0 - 1.0)
    y, x = np.meshgrid(position, position, indexing="ij")
    radius = np.hypot(x, y)
    sharpness = PUPIL_SAMPLES / 2.0 - 1.0
    transmission = np.clip((1.0 - radius) * sharpness + 0.5, 0.0, 1.0)
    if pupil.mismatch is not None:
        transmission = np.where(radius * pupil.numerical_aperture < pupil.mismatch.refractive_index, transmission, 0.0)
    path_nm = zernike_wavefront_nm(pupil.aberrations, radius, np.arctan2(y, x)) + mismatch_wavefront_nm(pupil, radius)
    amplitude = transmission / transmission.sum() * np.exp(2j * np.pi * path_nm / pupil.wavelength_nm)
    transverse = np.minimum((pupil.numerical_aperture * radius) ** 2, pupil.refractive_index**2)
    return amplitude, pupil.numerical_aperture * position, np.sqrt(pupil.refractive_index**2 - transverse)


def focal_intensity(pupil: Pupil, *, z_um: NDArray, y_um: NDArray, x_um: NDArray) -> NDArray:
    """Return the intensity of a focused spot, relative to the peak of the same spot without aberration.

    Parameters
    ----------
    pupil : Pupil
        Aperture, wavelength and aberrations.
    z_um, y_um, x_um : ndarray, shapes (Z,), (Y,), (X,)
        Where the intensity is wanted, relative to the focus [µm]; any positions, not only whole pixels.

    Returns
    -------
    ndarray, shape (Z, Y, X)
        Intensity [1]; at the origin it is the Strehl ratio.

    Notes
    -----
    The sum over the pupil is written as two small matrix products (Soummer et al., Opt. Express 2007), so pixel size
    and pupil sampling are independent.
    """
    amplitude, direction, axial = pupil_function(pupil)
    wave_per_um = 2.0 * np.pi * 1000.0 / pupil.wavelength_nm
    rows = np.exp(1j * wave_per_um * np.outer(y_um, direction))
    columns = np.exp(1j * wave_per_um * np.outer(direction, x_um))
    intensity = np.empty((len(z_um), len(y_um), len(x_um)))
    for index, height_um in enumerate(z_um):
        field = rows @ (amplitude * np.exp(1j * wave_per_um * height_um * (axial - axial.max()))) @ columns
        intensity[index] = field.real**2 + field.imag**2
    return intensity
