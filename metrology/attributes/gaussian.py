"""A Gaussian spot of one, two or three dimensions, fitted by least squares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from common.errors import FitError
from metrology.attributes.gaussian_model import jacobian, noise_bias, residuals

if TYPE_CHECKING:
    from collections.abc import Sequence

FWHM_PER_SIGMA = 2 * math.sqrt(2 * math.log(2))
_LEAST_UNCERTAIN, _MOST_UNCERTAIN = 0.02, 0.2  # standard error of a width, as part of it
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
    unbiased: bool = False,
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
    unbiased : bool
        Whether the mean shift by noise is taken from the widths, where it counts and the fit is near enough to linear for
        it to be known: at standard errors of 2 % to 20 %.

    Returns
    -------
    Gaussian
        The spot.

    Raises
    ------
    FitError
        There are too few pixels, the fit does not converge, or the pixels do not determine it.
    """
    axes, data = _prepared(counts, where)
    base = float(np.median(data)) if data.ndim > 1 else float(data.min())
    first = [float(data.max()) - base, *start, *(max(width, 1.0) / FWHM_PER_SIGMA for width in widths), base]
    if data.size <= len(first) + 1:
        raise FitError("Too few slices or pixels show the bead to fit it.", hint="Scan more slices above and below it.")
    fit = least_squares(residuals, first, jacobian, method="lm", x_scale="jac", max_nfev=400, args=(axes, data))
    if not fit.success or np.ptp(data) == 0:
        raise FitError("A spot does not look like a bead.", hint="Scan bright, well separated sub-resolution beads.")
    found, variances = _found_noise(fit.x, fit.jac, fit.fun, noise)
    errors = np.sqrt(np.clip(np.diag(_covariance(fit.jac, variances)), 0, None))
    values = fit.x.copy()
    widths_at = slice(data.ndim + 1, -1)
    values[widths_at] = np.abs(values[widths_at])
    uncertain = float((errors[widths_at] / values[widths_at]).max())
    if unbiased and _LEAST_UNCERTAIN < uncertain < _MOST_UNCERTAIN:
        values[widths_at] -= noise_bias(values, axes, variances)[widths_at]
    return _gaussian(values, errors, fit.fun, data, found)


def fit_gaussian_near(
    counts: np.ndarray, where: Sequence[slice], start: Sequence[float], sigma: Sequence[float], *, noise: Noise
) -> Gaussian:
    """Fit a spot whose widths are nearly known: the rest as it is best with these, then one linear step of the widths.

    Parameters
    ----------
    counts : ndarray of 1 to 3 dimensions
        The spot and its surroundings [count].
    where : sequence of slice
        Which pixels of each axis these are.
    start : sequence of float
        First guess of the centre [px].
    sigma : sequence of float
        The widths near which it is linear [px].
    noise : Noise
        Known noise.

    Returns
    -------
    Gaussian
        The spot; its standard errors are those at the given widths. The mean shift by noise is taken from the widths. A
        width may come out negative where its error is as large as itself.

    Raises
    ------
    FitError
        There are too few pixels, the fit does not converge, or the pixels do not determine it.
    """
    axes, data = _prepared(counts, where)
    n = data.ndim
    free = [*range(n + 1), 2 * n + 1]

    def full(part: np.ndarray) -> np.ndarray:
        return np.concatenate([part[:-1], sigma, part[-1:]])

    base = float(np.median(data))
    first = [float(data.max()) - base, *start, base]
    fit = least_squares(
        lambda part: residuals(full(part), axes, data), first, lambda part: jacobian(full(part), axes, data)[:, free],
        method="lm", x_scale="jac", max_nfev=400,
    )  # fmt: skip
    if not fit.success or np.ptp(data) == 0:
        raise FitError("A spot does not look like a bead.", hint="Scan bright, well separated sub-resolution beads.")
    values = full(fit.x)
    slopes = jacobian(values, axes, data)
    variances = noise.variance(values[0] * slopes[:, 0])
    spread = _covariance(slopes, variances)
    step = -np.linalg.pinv(slopes) @ fit.fun
    shift = noise_bias(values, axes, variances, free)
    values[n + 1 : -1] += (step - shift)[n + 1 : -1]
    return _gaussian(values, np.sqrt(np.clip(np.diag(spread), 0, None)), fit.fun, data, noise)


def _prepared(counts: np.ndarray, where: Sequence[slice]) -> tuple[list[np.ndarray], np.ndarray]:
    return [np.arange(part.start, part.stop, dtype=np.float64) for part in where], counts.astype(np.float64)


def _gaussian(values: np.ndarray, errors: np.ndarray, misfit: np.ndarray, data: np.ndarray, noise: Noise) -> Gaussian:
    """Name the values of a fit and say how well it explains the data."""
    n = data.ndim
    variance, unexplained = float(data.var()) * data.size, float(misfit @ misfit)
    per_freedom = max(unexplained / (data.size - len(values)), 1e-300)
    value, error = values.tolist(), errors.tolist()
    return Gaussian(
        value[0], error[0], value[-1],
        tuple(value[1 : n + 1]), tuple(error[1 : n + 1]), tuple(value[n + 1 : -1]), tuple(error[n + 1 : -1]),
        1 - unexplained / variance, (variance - unexplained) / (len(values) - 1) / per_freedom, noise,
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
    unit = residuals(np.array([1.0, *shape.centre, *shape.sigma, 0.0]), axes, np.zeros(slices.shape[1:]))
    design = np.column_stack([unit, np.ones_like(unit)])
    data = slices.reshape(len(slices), -1).astype(np.float64).T
    orthogonal, triangular = np.linalg.qr(design)
    heights = np.linalg.solve(triangular, orthogonal.T @ data)
    leverage = np.clip(np.square(orthogonal).sum(axis=1), 0, 0.99)
    squared = np.square(data - design @ heights) / (1 - leverage)[:, np.newaxis]
    return _noise(squared.ravel(), np.outer(unit, heights[0]).ravel(), shape.height)


def _found_noise(
    values: np.ndarray, slopes: np.ndarray, misfit: np.ndarray, known: Noise | None
) -> tuple[Noise, np.ndarray]:
    """Return the noise, known or from the residuals of an unweighted fit, and the variance of each pixel."""
    leverage = np.clip(np.square(_orthogonal(slopes)[0]).sum(axis=1), 0, 0.99)
    squared = np.square(misfit) / (1 - leverage)
    signal = values[0] * slopes[:, 0]
    noise = known or _noise(squared, signal, float(values[0]))
    variances = noise.variance(signal)
    if known is not None:  # slices may scatter more than their pixels
        excess = float(squared.mean()) / max(float(variances.mean()), 1e-300)
        variances = variances * max(1.0, excess)
    return noise, variances


def _covariance(slopes: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Return the covariance of the values of an unweighted fit."""
    orthogonal, triangular = _orthogonal(slopes)
    inverse = np.linalg.inv(triangular)
    return np.asarray(inverse @ (orthogonal.T * variances @ orthogonal) @ inverse.T)


def _orthogonal(slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the QR factors of the derivatives, refusing what they do not determine."""
    orthogonal, triangular = np.linalg.qr(slopes)
    pivots = np.abs(np.diag(triangular))
    if pivots.min() <= 1e-10 * pivots.max():
        raise FitError(
            "The pixels do not determine the width of a spot.", hint="Scan with smaller pixels and finer slices."
        )
    return orthogonal, triangular


def _noise(squared: np.ndarray, signal: np.ndarray, height: float) -> Noise:
    faint = signal < _FAINT * abs(height)
    background = float(squared[faint].mean()) if np.count_nonzero(faint) > 4 else float(squared.mean())
    bright = ~faint
    total = float(signal[bright].sum())
    excess = float((squared[bright] - background).sum())
    return Noise(background, max(0.0, excess / total) if total > 0 else 0.0)
