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
from metrology.attributes.field_surface import illumination_surface
from metrology.attributes.quantity import Quantity
from metrology.imaging.planes import block_mean

if TYPE_CHECKING:
    from metrology.attributes.views import PlaneView

_REFERENCE_ZONE = 0.9  # of the maximum
_BLOCKS_PER_SIGMA = 10.0  # of the smoothing; finer blocks change the figures of a field by less than 0.03 %


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
        The field has no top: it is even, bright at its border, or too small to tell.
    """
    _largest(view)
    surface = illumination_surface(view.counts)
    if surface.top is None:
        raise FitError("The field has no brightest place to centre.", hint="Read its uniformity instead.")
    half = np.array(surface.shape_px) / 2
    away = surface.top.vu * half
    distance, diagonal = math.hypot(*away), 2 * math.hypot(*half)
    spread = half[:, np.newaxis] * surface.top.covariance * half
    direction = away / distance if distance > 0 else np.full(2, math.sqrt(0.5))
    error = math.sqrt(max(float(direction @ spread @ direction), 0.0))
    return Quantity(100 - 200 * distance / diagonal, 200 * error / diagonal, surface.means.size)


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
