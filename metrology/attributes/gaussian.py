"""A Gaussian spot of one, two or three dimensions, fitted by least squares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from common.errors import FitError

if TYPE_CHECKING:
    from collections.abc import Sequence

FWHM_PER_SIGMA = 2 * math.sqrt(2 * math.log(2))
_FAINT = 0.05  # of the height; pixels below show the noise without signal


@dataclass(frozen=True, slots=True)
class Noise:
    """Variance of a pixel: that of the background [count²] and what each count of signal adds [count]."""

    background: float
    per_count: float

    def variance(self, signal: np.ndarray) -> np.ndarray:
        """Return the variance at a signal above background [count²]."""
        return np.asarray(self.background + self.per_count * np.clip(signal, 0, None))


@dataclass(frozen=True, slots=True)
class Gaussian:
    """A fitted spot; one entry a dimension where there are several.

    Parameters
    ----------
    height, height_error, base : float
        Above the background, its standard error, and the background [count].
    centre, centre_error, sigma, sigma_error : tuple of float
        Place and width with their standard errors [px].
    r2 : float
        Part of the variance that the fit explains.
    f_ratio : float
        Explained over unexplained variance, each by its degrees of freedom.
    noise : Noise
        What the residuals say of the noise.
    """

    height: float
    height_error: float
    base: float
    centre: tuple[float, ...]
    centre_error: tuple[float, ...]
    sigma: tuple[float, ...]
    sigma_error: tuple[float, ...]
    r2: float
    f_ratio: float
    noise: Noise


def fit_gaussian(
    counts: np.ndarray,
    where: Sequence[slice],
    start: Sequence[float],
    widths: Sequence[float],
    *,
    noise: Noise | None = None,
) -> Gaussian:
    """Fit height, place, widths along the axes and background of a spot.

    Parameters
    ----------
    counts : ndarray of 1 to 3 dimensions
        The spot and its surroundings [count].
    where : sequence of slice
        Which pixels of each axis these are.
    start, widths : sequence of float
        First guesses of centre and full width at half maximum [px].
    noise : Noise, optional
        Known noise; else it is taken from the residuals, which takes some tens of pixels.

    Returns
    -------
    Gaussian
        The spot.

    Raises
    ------
    FitError
        There are too few pixels, the fit does not converge, or the pixels do not determine it.
    """
    axes = [np.arange(part.start, part.stop, dtype=np.float64) for part in where]
    data = counts.astype(np.float64)
    base = float(np.median(data)) if data.ndim > 1 else float(data.min())
    first = [float(data.max()) - base, *start, *(max(width, 1.0) / FWHM_PER_SIGMA for width in widths), base]
    if data.size <= len(first) + 1:
        raise FitError("Too few slices or pixels show the bead to fit it.", hint="Scan more slices above and below it.")
    fit = least_squares(_residuals, first, _jacobian, method="lm", x_scale="jac", max_nfev=400, args=(axes, data))
    variance = float(data.var()) * data.size
    if not fit.success or variance == 0:
        raise FitError("A spot does not look like a bead.", hint="Scan bright, well separated sub-resolution beads.")
    found, errors = _standard_errors(fit.x, fit.jac, fit.fun, noise)
    n = data.ndim
    unexplained = float(fit.fun @ fit.fun)
    free = data.size - len(first)
    f_ratio = (variance - unexplained) / (len(first) - 1) / max(unexplained / free, 1e-300)
    return Gaussian(
        float(fit.x[0]), errors[0], float(fit.x[-1]),
        tuple(map(float, fit.x[1 : n + 1])), tuple(errors[1 : n + 1]),
        tuple(abs(float(sigma)) for sigma in fit.x[n + 1 : -1]), tuple(errors[n + 1 : -1]),
        1 - unexplained / variance, f_ratio, found,
    )  # fmt: skip


def noise_of_slices(slices: np.ndarray, where: Sequence[slice], shape: Gaussian) -> Noise:
    """Return the noise of several images of one spot, each fitted by its own height and background.

    Parameters
    ----------
    slices : ndarray, shape (Z, Y, X)
        The spot and its surroundings [count].
    where : sequence of slice
        Rows and columns that these are.
    shape : Gaussian
        Place and widths of the spot in all of them.

    Returns
    -------
    Noise
        What the residuals say.
    """
    axes = [np.arange(part.start, part.stop, dtype=np.float64) for part in where]
    unit = _residuals(np.array([1.0, *shape.centre, *shape.sigma, 0.0]), axes, np.zeros(slices.shape[1:]))
    design = np.column_stack([unit, np.ones_like(unit)])
    data = slices.reshape(len(slices), -1).astype(np.float64).T
    orthogonal, triangular = np.linalg.qr(design)
    heights = np.linalg.solve(triangular, orthogonal.T @ data)
    leverage = np.clip(np.square(orthogonal).sum(axis=1), 0, 0.99)
    squared = np.square(data - design @ heights) / (1 - leverage)[:, np.newaxis]
    return _noise(squared.ravel(), np.outer(unit, heights[0]).ravel(), shape.height)


def _factors(values: np.ndarray, axes: list[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return, for each axis, the Gaussian along it and its reduced coordinate, shaped to multiply."""
    n = len(axes)
    factors, reduced = [], []
    for axis, places in enumerate(axes):
        shape = [-1 if other == axis else 1 for other in range(n)]
        u = ((places - values[1 + axis]) / values[1 + n + axis]).reshape(shape)
        reduced.append(u)
        factors.append(np.exp(-0.5 * np.square(u)))
    return factors, reduced


def _residuals(values: np.ndarray, axes: list[np.ndarray], data: np.ndarray) -> np.ndarray:
    factors, _ = _factors(values, axes)
    spot = values[0] * math.prod(factors[1:], start=factors[0])
    return np.asarray((spot + values[-1] - data).ravel())


def _jacobian(values: np.ndarray, axes: list[np.ndarray], data: np.ndarray) -> np.ndarray:
    factors, reduced = _factors(values, axes)
    n = len(axes)
    unit = math.prod(factors[1:], start=factors[0])
    columns = np.empty((*data.shape, 2 * n + 2))
    columns[..., 0] = unit
    for axis, u in enumerate(reduced):
        slope = values[0] * unit * u / values[1 + n + axis]
        columns[..., 1 + axis] = slope
        columns[..., 1 + n + axis] = slope * u
    columns[..., -1] = 1.0
    return columns.reshape(-1, 2 * n + 2)


def _standard_errors(
    values: np.ndarray, jacobian: np.ndarray, residuals: np.ndarray, known: Noise | None
) -> tuple[Noise, list[float]]:
    """Return the noise and the standard errors of an unweighted fit under it."""
    orthogonal, triangular = np.linalg.qr(jacobian)
    if np.abs(np.diag(triangular)).min() <= 1e-10 * np.abs(np.diag(triangular)).max():
        raise FitError(
            "The pixels do not determine the width of a spot.", hint="Scan with smaller pixels and finer slices."
        )
    leverage = np.clip(np.square(orthogonal).sum(axis=1), 0, 0.99)
    squared = np.square(residuals) / (1 - leverage)
    signal = values[0] * jacobian[:, 0]
    noise = known or _noise(squared, signal, float(values[0]))
    variances = noise.variance(signal)
    if known is not None:  # slices may scatter more than their pixels
        excess = float(squared.mean()) / max(float(variances.mean()), 1e-300)
        variances = variances * max(1.0, excess)
    inverse = np.linalg.inv(triangular)
    spread = inverse @ (orthogonal.T * variances @ orthogonal) @ inverse.T
    return noise, [float(error) for error in np.sqrt(np.clip(np.diag(spread), 0, None))]


def _noise(squared: np.ndarray, signal: np.ndarray, height: float) -> Noise:
    faint = signal < _FAINT * abs(height)
    background = float(squared[faint].mean()) if np.count_nonzero(faint) > 4 else float(squared.mean())
    bright = ~faint
    total = float(signal[bright].sum())
    excess = float((squared[bright] - background).sum())
    return Noise(background, max(0.0, excess / total) if total > 0 else 0.0)
