"""How evenly a homogeneous slide is illuminated and how well centred (definitions of MetroloJ_QC).

References
----------
Faklaris et al., J. Cell Biol. 221, e202107093 (2022) and the source of MetroloJ_QC, `fieldIllumination`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from common.errors import ConstantImageError, FitError
from metrology.attributes.quantity import Quantity
from metrology.imaging.planes import block_mean

if TYPE_CHECKING:
    from metrology.attributes.views import PlaneView

_REFERENCE_ZONE = 0.9  # of the maximum
_BLOCKS_PER_SIGMA = 10.0  # of the smoothing; finer blocks change the figures of a field by less than 0.03 %
_BLOCKS = 32  # down and across, that a paraboloid is fitted to


def uniformity(view: PlaneView) -> Quantity:
    """Smallest over largest pixel [%]; one hot pixel decides it, so read it beside the robust one.

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        100 for an even field [%], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane is black.
    """
    return Quantity(100 * float(view.counts.min()) / _largest(view), n=view.pixels)


def uniformity_robust(view: PlaneView) -> Quantity:
    """0.1 % over 99.9 % quantile of the field smoothed by a Gaussian of 1 % of its side [%].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        100 for an even field [%], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane is black.
    """
    _largest(view)
    smooth = _smooth(view)
    low, high = np.quantile(smooth, (0.001, 0.999))
    return Quantity(100 * float(low / high), n=view.pixels)


def field_uniformity(view: PlaneView) -> Quantity:
    """One minus the spread of eight pixels at corners and edge centres over the maximum [%].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        100 for an even field [%], from eight pixels.

    Raises
    ------
    ConstantImageError
        The plane is black.
    """
    spread = float(np.std(_corners_and_edges(view.counts), ddof=1))
    return Quantity(100 - 100 * spread / _largest(view), n=8)


def centring(view: PlaneView) -> Quantity:
    """How near the centroid of the pixels above 90 % of the maximum is to the centre of the field [%].

    100 at the centre, 0 at a corner.

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        At most 100 [%], with the number of pixels above 90 % of the maximum.

    Raises
    ------
    ConstantImageError
        The plane is black.
    """
    zone = np.argwhere(view.counts >= _REFERENCE_ZONE * _largest(view))
    rows, columns = view.counts.shape
    row, column = zone.mean(axis=0)
    distance = math.hypot(row - rows // 2, column - columns // 2)
    return Quantity(100 - 200 * distance / math.hypot(rows, columns), n=len(zone))


def cv(view: PlaneView) -> Quantity:
    """Return standard deviation over mean of the raw field, noise included (MetroloJ_QC's figure) [1].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        0 for an even field without noise [1], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane is black.
    """
    mean, deviation = view.moments
    _largest(view)
    return Quantity(deviation / mean, n=view.pixels)


def cv_robust(view: PlaneView) -> Quantity:
    """Return standard deviation over mean of the field smoothed by a Gaussian of 1 % of its side: no noise [1].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        0 for an even field [1], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane is black.
    """
    _largest(view)
    smooth = _smooth(view)
    return Quantity(float(smooth.std() / smooth.mean()), n=view.pixels)


def centring_robust(view: PlaneView) -> Quantity:
    """How near the top of a paraboloid fitted to the field is to the centre of the field [%].

    100 at the centre, 0 at a corner; independent of single pixels.

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        At most 100 and its standard error from the fit to 32 × 32 blocks [%], with the number of blocks.

    Raises
    ------
    ConstantImageError
        The plane is black.
    FitError
        The field has no top: it is even, or bright at its border.
    """
    _largest(view)
    blocks, y, x = _blocks(view.counts)
    v, u = (grid.ravel() for grid in np.meshgrid(y, x, indexing="ij"))
    design = np.stack([np.ones_like(u), v, u, v * v, u * v, u * u], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    values = inverse @ (design.T @ blocks.ravel())
    residuals = blocks.ravel() - design @ values
    covariance = inverse * float(residuals @ residuals) / (len(residuals) - 6)
    bend = np.array([[2 * values[3], values[4]], [values[4], 2 * values[5]]])
    if np.linalg.eigvalsh(bend).max() >= -3 * float(np.sqrt(covariance[3, 3] + covariance[5, 5])):
        raise FitError("The field has no brightest place to centre.", hint="Read its uniformity instead.")
    top = -np.linalg.solve(bend, values[1:3])
    rows, columns = view.counts.shape
    half = np.array([rows / 2, columns / 2])
    distance = float(np.hypot(*(top * half)))
    diagonal = math.hypot(rows, columns)
    slopes = np.linalg.inv(bend)
    by_value = np.zeros((2, 6))  # change of the top with each coefficient
    by_value[:, 1:3] = -slopes
    by_value[:, 3] = -slopes @ np.array([2 * top[0], 0.0])
    by_value[:, 4] = -slopes @ top[::-1]
    by_value[:, 5] = -slopes @ np.array([0.0, 2 * top[1]])
    spread = half[:, np.newaxis] * (by_value @ covariance @ by_value.T) * half
    direction = top * half / distance if distance > 0 else np.full(2, math.sqrt(0.5))
    error = math.sqrt(max(float(direction @ spread @ direction), 0.0))
    return Quantity(100 - 200 * distance / diagonal, 200 * error / diagonal, blocks.size)


def corner_ratio(view: PlaneView) -> Quantity:
    """Mean of the four corners over the centre, each averaged over a tenth of the side [1].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        1 for an even field [1], from four corners.

    Raises
    ------
    ConstantImageError
        The plane is black.
    """
    _largest(view)
    rows, columns = view.counts.shape
    high, wide = max(1, rows // 10), max(1, columns // 10)
    top, left = (rows - high) // 2, (columns - wide) // 2
    corners = [
        view.counts[y, x].mean() for y in (slice(high), slice(-high, None)) for x in (slice(wide), slice(-wide, None))
    ]
    return Quantity(float(np.mean(corners) / view.counts[top : top + high, left : left + wide].mean()), n=4)


def _smooth(view: PlaneView) -> np.ndarray:
    """Return the plane smoothed by a hundredth of its shorter side; a large one as means of blocks a tenth of that wide."""
    sigma_px = 0.01 * min(view.counts.shape)
    step = max(1, int(sigma_px / _BLOCKS_PER_SIGMA))
    sigma = math.sqrt(sigma_px**2 - (step**2 - 1) / 12) / step  # the means of blocks smooth too
    return np.asarray(ndimage.gaussian_filter(block_mean(view.counts, step).astype(np.float64), sigma))


def _blocks(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the means of 32 × 32 blocks, or fewer in a small field, and their places, −1 and 1 at the borders."""
    down, across = (np.linspace(0, size, min(_BLOCKS, size) + 1).astype(int) for size in counts.shape)
    sums = np.add.reduceat(np.add.reduceat(counts, down[:-1], axis=0, dtype=np.float64), across[:-1], axis=1)
    y, x = ((cuts[:-1] + cuts[1:]) / size - 1 for cuts, size in zip((down, across), counts.shape, strict=True))
    return np.asarray(sums / np.outer(np.diff(down), np.diff(across))), y, x


def _largest(view: PlaneView) -> float:
    largest = float(view.counts.max())
    if largest <= 0:
        raise ConstantImageError(
            "The plane is black, so its evenness cannot be told.",
            hint="Check that the shutter was open and the lamp on.",
        )
    return largest


def _corners_and_edges(counts: np.ndarray) -> np.ndarray:
    rows, columns = counts.shape
    places = [(y, x) for y in (0, rows // 2, rows - 1) for x in (0, columns // 2, columns - 1)]
    return np.array([counts[place] for place in places if place != (rows // 2, columns // 2)], dtype=np.float64)
