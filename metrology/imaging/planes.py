"""Choose the plane of a stack that is measured."""

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
