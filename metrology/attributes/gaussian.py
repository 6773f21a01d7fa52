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
_LEAST_FAINT = 5  # pixels of which the background's noise is told
_LEAST_TOLD = 0.02  # part of the noise of the bright pixels that is left; of less their noise is not told


@dataclass(frozen=True, slots=True)
class Noise:
    """What the counts of a pixel scatter by.

    Parameters
    ----------
    background : float
        Variance without signal [count²].
    per_count : float
        What each count of signal adds to it [count]. Of few pixels it may come out below zero by chance: so that a mean of
        several is right it is kept, and alone counts as zero.
    told : float
        Part of the noise of the bright pixels that a fit has not followed and that `per_count` was told from: its weight in
        a mean of several.
    """

    background: float
    per_count: float
    told: float = 1.0

    def variance(self, signal: np.ndarray) -> np.ndarray:
        """Return the variance at a signal above background [count²]."""
        return np.asarray(max(self.background, 0.0) + max(self.per_count, 0.0) * np.clip(signal, 0, None))


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

    Raises
    ------
    FitError
        The pixels do not determine the place of the spot.
    """
    axes, data = _prepared(slices[0], where)
    slopes = jacobian(np.array([1.0, *shape.centre, *shape.sigma, 0.0]), axes, data)
    free = [*range(data.ndim + 1), -1]  # the widths may be known better than by these images
    orthogonal, _ = _orthogonal(slopes[:, free])
    each = slices.reshape(len(slices), -1).astype(np.float64).T
    heights = np.linalg.lstsq(slopes[:, [0, -1]], each, rcond=None)[0][0]
    misfit = each - orthogonal @ (orthogonal.T @ each)
    return _noise(misfit, orthogonal, np.outer(slopes[:, 0], heights))


def mean_noise(several: Sequence[Noise]) -> Noise:
    """Return the noise of several spots of one image; one of so few pixels hardly tells its own.

    Parameters
    ----------
    several : sequence of Noise
        What the pixels of each tell.

    Returns
    -------
    Noise
        Their mean; of the noise of light, each counts by how much of it its pixels tell.
    """
    told = np.array([one.told for one in several])
    per_count = float(np.array([one.per_count for one in several]) @ told / max(told.sum(), 1e-300))
    return Noise(float(np.mean([one.background for one in several])), per_count, float(told.mean()))


def _found_noise(
    values: np.ndarray, slopes: np.ndarray, misfit: np.ndarray, known: Noise | None
) -> tuple[Noise, np.ndarray]:
    """Return the noise, known or from the residuals of an unweighted fit, and the variance of each pixel."""
    orthogonal, _ = _orthogonal(slopes)
    signal = values[0] * slopes[:, 0]
    noise = known or _noise(misfit[:, np.newaxis], orthogonal, signal[:, np.newaxis])
    variances = noise.variance(signal)
    if known is not None:  # slices may scatter more than their pixels
        leverage = np.square(orthogonal).sum(axis=1)
        squared = np.square(misfit) / (1 - np.clip(leverage, 0, 0.99))
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


def _noise(misfit: np.ndarray, orthogonal: np.ndarray, signal: np.ndarray) -> Noise:
    """Return the noise that makes the squares of residuals of a linear fit what they are, of faint and of bright pixels.

    Where few pixels are bright, the fit follows most of their noise; how much of each pixel's variance is left in each
    residual is known from the projection of the fit (orthogonal: its columns; misfit and signal: one column an image).
    """
    squares, light = np.square(misfit).sum(axis=1), np.clip(signal, 0, None).sum(axis=1)
    leverage = np.square(orthogonal).sum(axis=1)
    of_background = misfit.shape[1] * (1 - leverage)
    of_light = light * (1 - 2 * leverage) + np.einsum(
        "pi,ij,pj->p", orthogonal, orthogonal.T * light @ orthogonal, orthogonal
    )
    faint = light < _FAINT * light.max()
    told = float(of_light[~faint].sum() / max(light[~faint].sum(), 1e-300))
    if np.count_nonzero(faint) < _LEAST_FAINT:
        return Noise(float(squares.sum() / of_background.sum()), 0.0, 0.0)
    if told < _LEAST_TOLD:
        return Noise(float(squares[faint].sum() / of_background[faint].sum()), 0.0, 0.0)
    parts = [[float(one[which].sum()) for one in (of_background, of_light)] for which in (faint, ~faint)]
    background, per_count = np.linalg.solve(parts, [float(squares[which].sum()) for which in (faint, ~faint)])
    return Noise(float(background), float(per_count), told)
