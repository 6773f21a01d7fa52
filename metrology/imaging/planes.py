"""Choose the plane of a stack that is measured, and make it smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    known = stack.slice_means.get((time, channel))
    if known is None:
        slices = range(stack.shape_tczyx[2])
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
    rows, columns = (size // step for size in plane.shape)
    blocks = plane[: rows * step, : columns * step].reshape(rows, step, columns, step)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))
