"""Choose the plane of a stack that is measured, and make it smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from metrology.imaging.stack import ImageStack


def brightest_slice(stack: ImageStack, channel: int = 0, *, time: int = 0) -> int:
    """Find the slice of a z-stack with the highest mean, on which a stack is measured.

    Parameters
    ----------
    stack : ImageStack
        The image.
    channel, time : int
        Which z-stack of it.

    Returns
    -------
    int
        Index of the slice; the first of equals.

    Notes
    -----
    Not the maximum projection: it takes the largest of many noisy values at each pixel and so measures noise as signal.
    """
    slices = range(stack.shape_tczyx[2])
    if len(slices) == 1:
        return 0
    known = stack.slice_means.get((time, channel))
    if known is None:
        known = np.array([stack.plane(t=time, c=channel, z=z).mean(dtype=np.float64) for z in slices])
    return int(np.argmax(known))


def block_mean(plane: np.ndarray, step: int) -> np.ndarray:
    """Average blocks of pixels; rows and columns that fill no block are left out.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Counts.
    step : int
        Side of a block [px].

    Returns
    -------
    ndarray of float32, shape (Y // step, X // step)
        The means; the plane itself for a step of 1.
    """
    if step == 1:
        return plane
    return np.asarray(_block_means(plane, step))


@njit(cache=True, nogil=True)
def _block_means(plane: np.ndarray, step: int) -> np.ndarray:
    rows, columns = plane.shape[0] // step, plane.shape[1] // step
    means = np.empty((rows, columns), np.float32)
    sums = np.empty(columns * step)
    for i in range(rows):
        sums[:] = 0
        for k in range(step):
            for j in range(columns * step):
                sums[j] += plane[i * step + k, j]
        for j in range(columns):
            total = 0.0
            for k in range(step):
                total += sums[j * step + k]
            means[i, j] = total / (step * step)
    return means
