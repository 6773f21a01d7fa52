"""The Gaussian spot that is fitted, its derivatives, and how far noise shifts what a fit of it finds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLACE_STEP = 1e-4  # px, and
_PART_STEP = 1e-4  # of the other values, by which the derivatives are differenced


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


def residuals(values: np.ndarray, axes: list[np.ndarray], data: np.ndarray) -> np.ndarray:
    """Return a spot less the data, one after the other.

    Parameters
    ----------
    values : ndarray, shape (2 n + 2,)
        Height [count], centre and sigma along each axis [px], background [count].
    axes : list of ndarray
        Coordinates of the pixels along each of the n axes [px].
    data : ndarray of n dimensions
        The pixels [count].

    Returns
    -------
    ndarray, shape (pixels,)
        Differences [count].
    """
    factors, _ = _factors(values, axes)
    spot = values[0] * math.prod(factors[1:], start=factors[0])
    return np.asarray((spot + values[-1] - data).ravel())


def jacobian(values: np.ndarray, axes: list[np.ndarray], data: np.ndarray) -> np.ndarray:
    """Return the derivatives of a spot by its values.

    Parameters
    ----------
    values : ndarray, shape (2 n + 2,)
        Height [count], centre and sigma along each axis [px], background [count].
    axes : list of ndarray
        Coordinates of the pixels along each of the n axes [px].
    data : ndarray of n dimensions
        The pixels, of which only the shape counts.

    Returns
    -------
    ndarray, shape (pixels, 2 n + 2)
        One column a value.
    """
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


def noise_bias(
    values: np.ndarray, axes: list[np.ndarray], variances: np.ndarray, free: Sequence[int] | None = None
) -> np.ndarray:
    """Return how far noise shifts the values of an unweighted fit on average, to the second order.

    Parameters
    ----------
    values : ndarray, shape (2 n + 2,)
        Height [count], centre and sigma along each axis [px], background [count].
    axes : list of ndarray
        Coordinates of the pixels along each of the n axes [px].
    variances : ndarray, shape (pixels,)
        Of the noise of each pixel [count²].
    free : sequence of int, optional
        Which values are fitted, the others being right; from there one linear step is taken of all. Else all are fitted.

    Returns
    -------
    ndarray, shape (2 n + 2,)
        Expected found less true values.

    Notes
    -----
    Box, J. R. Stat. Soc. B 33, 171 (1971), for pixels of equal noise: −A tr(H C)/2 with J the derivatives, A their
    pseudo-inverse, H the second derivatives and C the covariance of the fitted values. Where the noise of the pixels
    differs, or only some of the values are fitted, what remains in the pixels and the fitted values go together, which
    adds Σ dA/dθ E(δr δθ), with dA/dθ = −A dJ A + (JᵀJ)⁻¹ dJᵀ (1 − J A).
    """
    empty = np.zeros([len(axis) for axis in axes])
    chosen = list(range(len(values)) if free is None else free)
    slopes = jacobian(values, axes, empty)
    inverse = np.linalg.pinv(slopes)
    curvature = _curvature(values, axes, empty)
    fitted = np.linalg.pinv(slopes[:, chosen])
    covariance = fitted * variances @ fitted.T
    bend = np.einsum("ijk,jk->i", curvature[:, chosen][:, :, chosen], covariance)
    together = fitted * variances - covariance @ slopes[:, chosen].T
    stepped = together @ inverse.T
    turned = np.einsum("ijk,kj->i", curvature[:, :, chosen], stepped)
    normal = np.einsum("ijk,ki->j", curvature[:, :, chosen], together - stepped @ slopes.T)
    return np.asarray(inverse @ (-0.5 * bend - turned) + inverse @ inverse.T @ normal)


def _curvature(values: np.ndarray, axes: list[np.ndarray], empty: np.ndarray) -> np.ndarray:
    """Return the second derivatives, shaped (pixels, values, values)."""
    count = len(values)
    steps = np.diag(np.maximum(_PART_STEP * np.abs(values), _PLACE_STEP))
    return np.stack(
        [
            (jacobian(values + step, axes, empty) - jacobian(values - step, axes, empty)) / (2 * step[at])
            for at, step in zip(range(count), steps, strict=True)
        ],
        axis=2,
    )
