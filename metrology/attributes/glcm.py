"""Texture: how often grey levels stand beside each other (grey-level co-occurrence).

Distance 1, angles 0, 45, 90 and 135°, symmetric, normalised, 64 levels fixed by the bit depth and never by the image's own
range. Each figure is computed for each angle and averaged over the four.

References
----------
Haralick, Shanmugam & Dinstein, IEEE Trans. SMC 3, 610 (1973); names and formulas as in scikit-image's `graycoprops`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metrology.attributes.kernels import LEVELS
from metrology.attributes.quantity import Quantity

if TYPE_CHECKING:
    from metrology.attributes.views import PlaneView

_ROW, _COLUMN = np.indices((LEVELS, LEVELS))
_STEP = _ROW - _COLUMN


def homogeneity(view: PlaneView) -> Quantity:
    """How often neighbours have similar grey levels: Σ P/(1 + (i−j)²) [1].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        1 where all neighbours are of one level [1], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.
    """
    return _weighted(view, 1 / (1 + _STEP**2))


def contrast(view: PlaneView) -> Quantity:
    """Mean squared difference of neighbouring grey levels: Σ P·(i−j)² [1].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        0 where all neighbours are of one level [1], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.
    """
    return _weighted(view, _STEP**2)


def dissimilarity(view: PlaneView) -> Quantity:
    """Mean absolute difference of neighbouring grey levels: Σ P·|i−j| [1].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        0 where all neighbours are of one level [1], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.
    """
    return _weighted(view, np.abs(_STEP))


def energy(view: PlaneView) -> Quantity:
    """How few pairs of grey levels make up the plane: √ΣP² [1].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        1 where there is one pair of levels only [1], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.
    """
    return Quantity(float(np.sqrt((view.cooccurrence**2).sum(axis=(1, 2))).mean()), n=view.pixels)


def entropy(view: PlaneView) -> Quantity:
    """How many pairs of grey levels make up the plane: −Σ P·ln P [nat].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        0 where there is one pair of levels only [nat], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.
    """
    matrices = view.cooccurrence
    logs = np.log(matrices, out=np.zeros_like(matrices), where=matrices > 0)
    return Quantity(float(np.abs((matrices * logs).sum(axis=(1, 2))).mean()), n=view.pixels)


def correlation(view: PlaneView) -> Quantity:
    """Correlation of the grey levels of neighbours; 1 where all pixels fall in one level, as in scikit-image [1].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        From −1 to 1 [1], with the number of pixels.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.
    """
    return Quantity(float(np.mean([_correlation(matrix) for matrix in view.cooccurrence])), n=view.pixels)


def _weighted(view: PlaneView, weights: np.ndarray) -> Quantity:
    return Quantity(float((view.cooccurrence * weights).sum(axis=(1, 2)).mean()), n=view.pixels)


def _correlation(matrix: np.ndarray) -> float:
    rows, columns = _ROW - (_ROW * matrix).sum(), _COLUMN - (_COLUMN * matrix).sum()
    spread = float(np.sqrt((matrix * rows**2).sum() * (matrix * columns**2).sum()))
    return float((matrix * rows * columns).sum()) / spread if spread > 1e-15 else 1.0
