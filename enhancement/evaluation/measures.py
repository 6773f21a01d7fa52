"""Metrology's attributes on restored planes: registered by construction, fractional, in 8-bit equivalents."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from metrology.attributes.kernels import as_kernel_plane
from metrology.attributes.views import PairView, PlaneView

if TYPE_CHECKING:
    from numpy.typing import NDArray

EIGHT_BITS = 8


class AlignedPair(PairView):
    """A candidate and its target, which need no registration: one was made from the other's field.

    Parameters
    ----------
    target, candidate : (Y, X) arrays
        Planes in 8-bit equivalents; fractions and values outside 0…255 are kept.
    """

    def __init__(self, target: NDArray, candidate: NDArray) -> None:
        super().__init__(target, candidate, bit_depth=EIGHT_BITS)
        self._planes = tuple(as_kernel_plane(np.asarray(plane, np.float64)) for plane in (target, candidate))

    @cached_property
    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """Both planes as they are."""
        target, candidate = self._planes
        return target, candidate


def plane_view(plane: NDArray) -> PlaneView:
    """Return what metrology measures of a plane in 8-bit equivalents.

    Parameters
    ----------
    plane : (Y, X) array
        Intensities [8-bit eq.].

    Returns
    -------
    PlaneView
        Argument of the attributes without a reference.
    """
    return PlaneView(np.asarray(plane, np.float64), bit_depth=EIGHT_BITS)
