"""The points of a photon-transfer plot: noise and brightness of the squares of a field over repeated frames."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

SQUARE_PX = 8
"""Side of the squares that `metrology.attributes.frames.photon_transfer` fits [px]."""


def transfer_points(frames: np.ndarray, *, largest_count: int, most: int = 800) -> tuple[np.ndarray, np.ndarray]:
    """Return brightness and noise of the squares of a field, evenly chosen from dim to bright where there are many.

    Parameters
    ----------
    frames : ndarray, shape (T, Y, X)
        Counts of a field that does not move, at least two frames.
    largest_count : int
        Count at which the detector saturates.
    most : int
        How many points at most.

    Returns
    -------
    tuple of ndarray
        Means [count], rising, and variances over time, from differences of successive frames [count²]; squares with a
        pixel at 0 or at saturation are left out.
    """
    count = len(frames)
    rows, columns = (size // SQUARE_PX for size in frames.shape[1:])
    cut = frames[:, : rows * SQUARE_PX, : columns * SQUARE_PX]
    shape = (rows, SQUARE_PX, columns, SQUARE_PX)
    means = cut.mean(axis=0, dtype=np.float64).reshape(shape).mean(axis=(1, 3))
    squares = np.zeros(cut.shape[1:])
    for before, after in pairwise(cut):
        squares += 0.5 * np.square(after.astype(np.float64) - before)
    variances = squares.reshape(shape).mean(axis=(1, 3)) / (count - 1)
    clipped = (cut.min(axis=0) <= 0) | (cut.max(axis=0) >= largest_count)
    usable = ~clipped.reshape(shape).any(axis=(1, 3))
    order = np.argsort(means[usable])
    if len(order) > most:
        order = order[np.linspace(0, len(order) - 1, most).round().astype(int)]
    return means[usable][order], variances[usable][order]
