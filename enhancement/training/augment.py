"""The eight symmetries of the square: the only augmentation that invents no pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SYMMETRIES = 8


def apply_symmetry(plane: NDArray[Any], symmetry: int) -> NDArray[Any]:
    """Turn a plane by a multiple of 90°, and mirror it for symmetries 4 to 7.

    Parameters
    ----------
    plane : (Y, X) array
        Any plane.
    symmetry : int
        0…3: quarter turns; 4…7: quarter turns after mirroring left and right.

    Returns
    -------
    (Y, X) or (X, Y) array
        A view of the same pixels, rearranged.

    References
    ----------
    The dihedral group D4.
    """
    mirrored = plane[:, ::-1] if symmetry >= 4 else plane
    return np.rot90(mirrored, symmetry % 4)


def undo_symmetry(plane: NDArray[Any], symmetry: int) -> NDArray[Any]:
    """Turn a plane back: the inverse of `apply_symmetry`.

    Parameters
    ----------
    plane : (Y, X) array
        What `apply_symmetry` returned, or something made of it.
    symmetry : int
        The same number.

    Returns
    -------
    (Y, X) array
        A view of the same pixels in their first order.
    """
    turned = np.rot90(plane, -(symmetry % 4))
    return turned[:, ::-1] if symmetry >= 4 else turned
