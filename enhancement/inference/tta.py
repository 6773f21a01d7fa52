"""Restore a tile in all eight orientations: their mean is better than one, their spread tells where to doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from enhancement.training.augment import SYMMETRIES, apply_symmetry, undo_symmetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def eight_fold(
    tile: NDArray[np.float32], function: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Apply a function to a square tile in its eight orientations and turn the results back.

    Parameters
    ----------
    tile : (N, N) float32 array
        A square tile.
    function : callable
        Turns an (N, N) array into another of the same shape.

    Returns
    -------
    mean : (N, N) float32 array
        Mean of the eight results.
    spread : (N, N) float32 array
        Population standard deviation of the eight results; 0 where they agree.

    Notes
    -----
    The spread is how much the network contradicts itself, not how wrong it is: an artefact it invents in every
    orientation has
    no spread.
    """
    results = np.stack(
        [
            undo_symmetry(function(np.ascontiguousarray(apply_symmetry(tile, symmetry))), symmetry)
            for symmetry in range(SYMMETRIES)
        ]
    )
    mean = results.mean(axis=0, dtype=np.float64)
    spread = results.std(axis=0, dtype=np.float64)
    return mean.astype(np.float32), spread.astype(np.float32)
