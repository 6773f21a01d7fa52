"""How sharp a plane is: gradients and second derivatives; noise raises all of them, so read them beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metrology.attributes.quantity import Quantity

if TYPE_CHECKING:
    from metrology.attributes.views import PlaneView


def sharpness(view: PlaneView) -> Quantity:
    """Mean of the Sobel gradient modulus, kernels [1 2 1]ᵀ[1 0 −1], edges reflected [8-bit equivalent per px].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        Mean modulus [8-bit equivalent per px], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.
    """
    return Quantity(float(view.gradients[0]) * view.scale, n=view.pixels)


def laplacian_variance(view: PlaneView) -> Quantity:
    """Variance of the Laplacian, kernel [0 1 0; 1 −4 1; 0 1 0], edges reflected [8-bit equivalent²].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        Variance [8-bit equivalent²], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.

    References
    ----------
    Pertuz, Puig & Garcia, Pattern Recognition 46, 1415 (2013), LAPV.
    """
    _, average, squared, _ = view.gradients
    return Quantity(float(squared - average**2) * view.scale**2, n=view.pixels)


def brenner(view: PlaneView) -> Quantity:
    """Mean squared difference of pixels two columns apart (along the scanned line) [8-bit equivalent²].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        Mean square [8-bit equivalent²], with the number of pairs.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.

    References
    ----------
    Pertuz, Puig & Garcia, Pattern Recognition 46, 1415 (2013), BREN.
    """
    rows, columns = view.counts.shape
    per_pair = view.pixels / (rows * (columns - 2))
    return Quantity(float(view.gradients[3]) * per_pair * view.scale**2, n=rows * (columns - 2))
