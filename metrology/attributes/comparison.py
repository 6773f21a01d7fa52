"""How far a plane is from a reference of the same field, registered and cropped to their overlap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from common.errors import MissingMetadataError
from metrology.attributes.quantity import Quantity
from metrology.attributes.similarity import structural_similarity

if TYPE_CHECKING:
    from metrology.attributes.views import PairView

_DATA_RANGE = 255.0
_K1, _K2 = 0.01, 0.03  # Wang, Bovik, Sheikh & Simoncelli, IEEE Trans. Image Process. 13, 600 (2004)


def mse(view: PairView) -> Quantity:
    """Mean squared difference of the intensities [8-bit equivalent²].

    Parameters
    ----------
    view : PairView
        The plane and its reference, registered and cropped to their overlap.

    Returns
    -------
    Quantity
        0 for identical images [8-bit equivalent²], with the pixels of the overlap.

    Raises
    ------
    RegistrationError
        The two do not show the same field.
    """
    return Quantity(view.mean_squares[0], n=view.counts[0].size)


def msemg(view: PairView) -> Quantity:
    """Mean squared difference of the Sobel gradient moduli [8-bit equivalent² per px²].

    Parameters
    ----------
    view : PairView
        The plane and its reference, registered and cropped to their overlap.

    Returns
    -------
    Quantity
        0 for identical images [8-bit equivalent² per px²], with the pixels of the overlap.

    Raises
    ------
    RegistrationError
        The two do not show the same field.

    Notes
    -----
    The founding report prints log10 of it.
    """
    return Quantity(view.mean_squares[1], n=view.counts[0].size)


def psnr(view: PairView) -> Quantity:
    """Peak signal-to-noise ratio 10·log10(255²/MSE); infinite for identical images [dB].

    Parameters
    ----------
    view : PairView
        The plane and its reference, registered and cropped to their overlap.

    Returns
    -------
    Quantity
        Larger for more similar images [dB], with the pixels of the overlap.

    Raises
    ------
    RegistrationError
        The two do not show the same field.
    """
    squared = view.mean_squares[0]
    value = math.inf if squared == 0 else 10 * math.log10(_DATA_RANGE**2 / squared)
    return Quantity(value, n=view.counts[0].size)


def ssim(view: PairView) -> Quantity:
    """Structural similarity: luminance × contrast × structure in an 11 × 11 Gaussian window, 1 for identical images [1].

    Parameters
    ----------
    view : PairView
        The plane and its reference, registered and cropped to their overlap.

    Returns
    -------
    Quantity
        Mean over all places where the whole window fits [1], with their number.

    Raises
    ------
    RegistrationError
        The two do not show the same field.

    References
    ----------
    Wang, Bovik, Sheikh & Simoncelli, IEEE Trans. Image Process. 13, 600 (2004), with exponents 1.
    """
    first, second = view.counts
    constants = ((one * _DATA_RANGE / view.scale) ** 2 for one in (_K1, _K2))
    sums = structural_similarity(first, second, *constants)
    pixels = (first.shape[0] - 10) * (first.shape[1] - 10)
    return Quantity(float(sums.sum()) / pixels, n=pixels)


def registration_shift(view: PairView) -> Quantity:
    """Length of the shift between the plane and its reference, the repeatability of the stage [µm].

    Parameters
    ----------
    view : PairView
        The plane and its reference, registered and cropped to their overlap.

    Returns
    -------
    Quantity
        Zero or more [µm].

    Raises
    ------
    MissingMetadataError
        The file does not say its pixel size.
    RegistrationError
        The two do not show the same field.
    """
    if view.registration.shift_um is None:
        raise MissingMetadataError(
            "The shift cannot be given in micrometres without a pixel size.",
            hint="Type the pixel size in, or export the image as OME-TIFF.",
        )
    return Quantity(view.registration.shift_um)
