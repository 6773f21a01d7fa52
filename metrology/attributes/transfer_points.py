"""The points of a photon-transfer plot: noise and brightness of the squares of a field over repeated frames."""

from __future__ import annotations

import numpy as np

from metrology.attributes.frames import squares_of


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
        Means [count], rising, and variances over time [count²] of those squares that
        `metrology.attributes.frames.photon_transfer` fits.
    """
    means, variances = squares_of(frames, largest_count=largest_count)
    order = np.argsort(means)
    if len(order) > most:
        order = order[np.linspace(0, len(order) - 1, most).round().astype(int)]
    return means[order], variances[order]
