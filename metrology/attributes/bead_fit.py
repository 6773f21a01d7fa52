"""Fit the image of one point: 2-D Gaussian in XY and 1-D Gaussian in Z, with standard errors.

References
----------
QUAREP-LiMi WG5 protocol for lateral and axial resolution, protocols.io.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from common.errors import FitError
from metrology.attributes.bead_selection import half_box

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrology.attributes.bead_selection import Candidate

FWHM_PER_SIGMA = 2 * math.sqrt(2 * math.log(2))
_MIN_R2 = 0.8  # of either fit; below, the spot is no bead


@dataclass(frozen=True, slots=True)
class Width:
    """A full width at half maximum and its standard error [µm]."""

    fwhm_um: float
    standard_error_um: float


@dataclass(frozen=True, slots=True)
class Bead:
    """One measured bead.

    Parameters
    ----------
    z_um, y_um, x_um : float
        Its centre [µm].
    axial, lateral_y, lateral_x : Width
        Its widths.
    amplitude, background : float
        Height of the lateral fit and what lies below it [count].
    r2_lateral, r2_axial : float
        Part of the variance that the fits explain.
    """

    z_um: float
    y_um: float
    x_um: float
    axial: Width
    lateral_y: Width
    lateral_x: Width
    amplitude: float
    background: float
    r2_lateral: float
    r2_axial: float


def fit_bead(stack: np.ndarray, candidate: Candidate, *, voxel_size_zyx_um: tuple[float, float, float]) -> Bead:
    """Fit one bead: 2-D Gaussian in its brightest slice, 1-D Gaussian along z through its brightest voxel.

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        Counts.
    candidate : Candidate
        Where the bead is and roughly how wide.
    voxel_size_zyx_um : tuple of float
        Depth, height and width of a voxel [µm].

    Returns
    -------
    Bead
        Centre, widths and standard errors.

    Raises
    ------
    FitError
        A fit does not converge, explains too little, or gives a width beyond its box.
    """
    dz, dy, dx = voxel_size_zyx_um
    rows, columns = candidate.box()
    plane = stack[candidate.z, rows, columns].astype(np.float64)
    y, x = np.mgrid[rows, columns].astype(np.float64)
    base, height = float(np.median(plane)), float(plane.max())
    start = [
        height - base,
        candidate.y,
        candidate.x,
        candidate.width_y / FWHM_PER_SIGMA,
        candidate.width_x / FWHM_PER_SIGMA,
    ]
    lateral = _fit(_gaussian_2d, np.stack([y.ravel(), x.ravel()]), plane.ravel(), [*start, base])
    half_z = half_box(candidate.width_z)
    z = np.arange(max(0, candidate.z - half_z), min(stack.shape[0], candidate.z + half_z + 1), dtype=np.float64)
    line = stack[int(z[0]) : int(z[-1]) + 1, candidate.y, candidate.x].astype(np.float64)
    start = [line.max() - line.min(), candidate.z, candidate.width_z / FWHM_PER_SIGMA, line.min()]
    axial = _fit(_gaussian_1d, z, line, start)
    return Bead(
        z_um=axial.values[1] * dz,
        y_um=lateral.values[1] * dy,
        x_um=lateral.values[2] * dx,
        axial=axial.width(2, dz, longest=4.0 * len(z)),
        lateral_y=lateral.width(3, dy, longest=plane.shape[0]),
        lateral_x=lateral.width(4, dx, longest=plane.shape[1]),
        amplitude=lateral.values[0],
        background=lateral.values[5],
        r2_lateral=lateral.r2,
        r2_axial=axial.r2,
    )


@dataclass(frozen=True, slots=True)
class _Fitted:
    values: list[float]
    errors: list[float]
    r2: float

    def width(self, index: int, voxel_um: float, *, longest: float) -> Width:
        """Turn a sigma in pixels into a width in µm, refusing one wider than the box [px] can tell."""
        fwhm_px = abs(self.values[index]) * FWHM_PER_SIGMA
        if not 1 <= fwhm_px <= longest:
            raise FitError(
                "The fitted width of a bead is below a pixel or beyond its surroundings.",
                hint="Scan well separated sub-resolution beads.",
            )
        return Width(fwhm_px * voxel_um, self.errors[index] * FWHM_PER_SIGMA * voxel_um)


def _fit(model: Callable[..., np.ndarray], places: np.ndarray, counts: np.ndarray, start: list[float]) -> _Fitted:
    """Fit by least squares, with errors that allow for noise growing with brightness."""
    if counts.size <= len(start) + 1:
        raise FitError("Too few slices or pixels show the bead to fit it.", hint="Scan more slices above and below it.")
    fit = least_squares(lambda values: model(places, *values) - counts, start, method="lm", max_nfev=2000)
    r2 = 1 - float((fit.fun**2).sum() / ((counts - counts.mean()) ** 2).sum())
    if not fit.success or r2 < _MIN_R2:
        raise FitError(
            "A spot does not look like a bead.", hint="Scan bright, well separated sub-resolution beads.", r2=r2
        )
    return _Fitted([float(value) for value in fit.x], _standard_errors(fit.jac, fit.fun), r2)


def _standard_errors(jacobian: np.ndarray, residuals: np.ndarray) -> list[float]:
    """Return heteroscedasticity-consistent standard errors (HC3): photon noise is not the same in every pixel.

    Raises
    ------
    FitError
        The pixels do not determine all parameters.

    References
    ----------
    MacKinnon & White, J. Econometrics 29, 305 (1985).
    """
    inverse = np.linalg.pinv(jacobian.T @ jacobian)
    leverage = np.einsum("ij,jk,ik->i", jacobian, inverse, jacobian)
    weighted = jacobian * (residuals / np.maximum(1 - leverage, 1e-6))[:, np.newaxis]
    variances = np.diag(inverse @ (weighted.T @ weighted) @ inverse)
    if not (np.isfinite(variances) & (variances >= 0)).all():
        raise FitError(
            "The pixels do not determine the width of a spot.", hint="Scan with smaller pixels and finer slices."
        )
    return [float(error) for error in np.sqrt(variances)]


def _gaussian_2d(
    places: np.ndarray,
    height: float,
    y0: float,
    x0: float,
    sigma_y: float,
    sigma_x: float,
    base: float,
) -> np.ndarray:
    y, x = places
    return np.asarray(base + height * np.exp(-0.5 * (((y - y0) / sigma_y) ** 2 + ((x - x0) / sigma_x) ** 2)))


def _gaussian_1d(z: np.ndarray, height: float, z0: float, sigma: float, base: float) -> np.ndarray:
    return np.asarray(base + height * np.exp(-0.5 * ((z - z0) / sigma) ** 2))
