"""How noisy a plane is, without a reference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from common.errors import ConstantImageError
from metrology.attributes import intensity
from metrology.attributes.quantity import Quantity

if TYPE_CHECKING:
    from metrology.attributes.views import PlaneView

MAD_OF_NORMAL = 0.6744897501960817
"""Median of |N(0, 1)|: the 75 % quantile of the normal distribution."""


def noise(view: PlaneView) -> Quantity:
    """Estimate the standard deviation of the noise from the finest diagonal details [8-bit equivalent].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        Standard deviation [8-bit equivalent], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane has no contrast, or no detail at the scale of a pixel.

    References
    ----------
    Donoho & Johnstone, Biometrika 81, 425 (1994); as `skimage.restoration.estimate_sigma` (db2 wavelet, zero coefficients
    left out).
    """
    return Quantity(_sigma(view) * view.scale, n=view.pixels)


def snr(view: PlaneView) -> Quantity:
    """Signal above background over noise: 20·log10((mean above Otsu − background)/σ) [dB].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        0 where signal and noise are equal [dB], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane has no contrast, or no detail at the scale of a pixel.
    """
    signal = intensity.mean_signal(view) - intensity.background(view).value
    return Quantity(20 * math.log10(signal / _sigma(view)), n=view.pixels)


def _sigma(view: PlaneView) -> float:
    """Noise [count]."""
    if not view.finest_detail:
        raise ConstantImageError(
            "The plane has no detail at the scale of a pixel, so its noise cannot be told.",
            hint="Measure the raw image, before any smoothing.",
        )
    return view.finest_detail / MAD_OF_NORMAL
