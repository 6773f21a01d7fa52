"""How bright a plane is, how much it varies, and how much of it is clipped."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from common.errors import ConstantImageError
from metrology.attributes.quantity import Quantity

if TYPE_CHECKING:
    from metrology.attributes.views import PlaneView


def mean(view: PlaneView) -> Quantity:
    """Average intensity [8-bit equivalent].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        From 0 to 255 for counts within the bit depth [8-bit equivalent], with the number of pixels.
    """
    return Quantity(view.moments[0] * view.scale, n=view.pixels)


def std(view: PlaneView) -> Quantity:
    """Return the population standard deviation of the pixels [8-bit equivalent].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        0 for a constant plane [8-bit equivalent], with the number of pixels.
    """
    return Quantity(view.moments[1] * view.scale, n=view.pixels)


def cv(view: PlaneView) -> Quantity:
    """Return standard deviation over mean, the coefficient of variation [1].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        0 for a constant plane [1], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The mean is zero, so that the ratio does not exist.
    """
    average, deviation = view.moments
    if average == 0:
        raise ConstantImageError(
            "The mean of the plane is zero, so it has no coefficient of variation.",
            hint="Check that the shutter was open and the detector offset not too low.",
        )
    return Quantity(deviation / average, n=view.pixels)


def saturated_fraction(view: PlaneView) -> Quantity:
    """Part of the pixels at the largest count that the detector gives [1].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        From 0 to 1 [1], with the number of pixels.
    """
    return Quantity(float(view.histogram[-1]) / view.pixels, n=view.pixels)


def zero_fraction(view: PlaneView) -> Quantity:
    """Part of the pixels at zero, where the offset cuts signal away [1].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        From 0 to 1 [1], with the number of pixels.
    """
    return Quantity(float(view.histogram[0]) / view.pixels, n=view.pixels)


def background(view: PlaneView) -> Quantity:
    """Most frequent count below the Otsu threshold [count].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        Peak of the smoothed histogram [count], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.

    References
    ----------
    Otsu, IEEE Trans. SMC 9, 62 (1979). The histogram below the threshold is smoothed by a Gaussian of Silverman's
    bandwidth (Density Estimation, 1986, eq. 3.28).
    """
    return Quantity(_background(view), n=view.pixels)


def mean_signal(view: PlaneView) -> float:
    """Mean of the pixels above the Otsu threshold [count].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    float
        Mean [count].

    Raises
    ------
    ConstantImageError
        The plane has no contrast.
    """
    values = np.arange(view.histogram.size)
    above = values > _threshold(view)
    return float(values[above] @ view.histogram[above]) / float(view.histogram[above].sum())


def _threshold(view: PlaneView) -> float:
    view.require_contrast()
    if np.count_nonzero(view.histogram) < 2:
        raise ConstantImageError(
            "The counts of the plane differ by less than one, so signal and background cannot be told apart.",
            hint="Export the raw counts of the detector, not values scaled to 1.",
        )
    return float(threshold_otsu(hist=(view.histogram, np.arange(view.histogram.size))))


def _background(view: PlaneView) -> float:
    below = view.histogram[: int(_threshold(view)) + 1].astype(np.float64)
    counts, pixels = np.arange(below.size), below.sum()
    mean_below = counts @ below / pixels
    spread = math.sqrt((counts - mean_below) ** 2 @ below / pixels)
    bandwidth = max(0.5, 1.06 * spread * pixels**-0.2)
    return float(np.argmax(ndimage.gaussian_filter1d(below, bandwidth, mode="constant")))
