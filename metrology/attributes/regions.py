"""Bright regions of a plane: found above a threshold, and summed up in one pass."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import ndimage
from skimage.filters import threshold_otsu

_BINS = 256  # of the histogram from which the threshold is chosen, as scikit-image's
_REACH_PX = 4  # of the smoothing, four of its sigmas of 1 px
_WINDOW = np.exp(-0.5 * np.arange(_REACH_PX + 1) ** 2)
_WINDOW /= _WINDOW[0] + 2 * _WINDOW[1:].sum()


@dataclass(frozen=True, slots=True)
class Region:
    """Connected bright pixels.

    Parameters
    ----------
    area_px : int
        How many.
    radius_px : float
        Of a circle of the same area [px].
    y_px, x_px : float
        Their centre [px].
    top, bottom, left, right : int
        Rows and columns that hold them, the last of both exclusive [px].
    fill : float
        Area over that of the ellipse of the same second moments [1]: 1 for an ellipse, less for two that touch.
    axis_ratio : float
        Longer over shorter axis of that ellipse [1].
    saturated : float
        Part of the pixels at the largest count [1].
    """

    area_px: int
    radius_px: float
    y_px: float
    x_px: float
    top: int
    bottom: int
    left: int
    right: int
    fill: float
    axis_ratio: float
    saturated: float


def bright_regions(counts: np.ndarray, *, largest_count: float, least_area_px: float) -> list[Region]:
    """Find what is brighter than the Otsu threshold of the slightly smoothed plane, largest first.

    Parameters
    ----------
    counts : ndarray of uint16 or float64, shape (Y, X)
        The plane, as `metrology.attributes.kernels.as_kernel_plane` gives it, with some contrast.
    largest_count : float
        What the detector can count to.
    least_area_px : float
        Smaller regions are left out [px].

    Returns
    -------
    list of Region
        Connected by their sides, not by corners.

    References
    ----------
    Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979), on 256 bins as scikit-image; smoothed by a Gaussian of 1 px.
    """
    smooth = _smoothed(counts)
    low, high = float(smooth.min()), float(smooth.max())
    if low == high:
        return []
    numbers = _histogram(smooth, low, high)
    middles = low + (np.arange(_BINS) + 0.5) * (high - low) / _BINS
    labels, count = ndimage.label(smooth > threshold_otsu(hist=(numbers, middles)))
    sums = _sums(labels, counts, largest_count, count)
    large = np.flatnonzero(sums[:, 0] >= least_area_px)
    return [_region(sums[index]) for index in large[np.argsort(-sums[large, 0], kind="stable")]]


def _region(sums: np.ndarray) -> Region:
    area, y, x, yy, xx, yx, full = (float(value) for value in sums[:7])
    top, bottom, left, right = (int(value) for value in sums[7:])
    y_mean, x_mean = y / area, x / area
    along, across = yy / area - y_mean**2 + 1 / 12, xx / area - x_mean**2 + 1 / 12  # a pixel is no point
    half, mixed = (along - across) / 2, yx / area - y_mean * x_mean
    middle, spread = (along + across) / 2, math.hypot(half, mixed)
    short, long = middle - spread, middle + spread
    return Region(
        area_px=int(area),
        radius_px=math.sqrt(area / math.pi),
        y_px=top + y_mean,
        x_px=left + x_mean,
        top=top,
        bottom=bottom,
        left=left,
        right=right,
        fill=area / (4 * math.pi * math.sqrt(short * long)),
        axis_ratio=math.sqrt(long / short),
        saturated=full / area,
    )


@njit(cache=True, nogil=True)
def _smoothed(counts: np.ndarray) -> np.ndarray:
    """Return the plane smoothed along both axes, its borders mirrored, in single precision."""
    rows, columns = counts.shape
    smooth = np.empty((rows, columns), np.float32)
    line = np.empty(columns + 2 * _REACH_PX, np.float32)
    for i in range(rows):
        for j in range(columns):
            line[j + _REACH_PX] = _WINDOW[0] * counts[i, j]
        for k in range(1, _REACH_PX + 1):
            above, below = _mirrored(i - k, rows), _mirrored(i + k, rows)
            weight = np.float32(_WINDOW[k])
            for j in range(columns):
                line[j + _REACH_PX] += weight * (np.float32(counts[above, j]) + np.float32(counts[below, j]))
        for k in range(_REACH_PX):
            line[k] = line[_REACH_PX + _mirrored(k - _REACH_PX, columns)]
            line[columns + _REACH_PX + k] = line[_REACH_PX + _mirrored(columns + k, columns)]
        for j in range(columns):
            smooth[i, j] = np.float32(_WINDOW[0]) * line[j + _REACH_PX]
        for k in range(1, _REACH_PX + 1):
            weight = np.float32(_WINDOW[k])
            for j in range(columns):
                smooth[i, j] += weight * (line[j + _REACH_PX - k] + line[j + _REACH_PX + k])
    return smooth


@njit(cache=True, nogil=True)
def _mirrored(index: int, size: int) -> int:
    """Return the place inside of an axis that stands for one outside, its border pixel repeated."""
    period = 2 * size
    index %= period
    return index if index < size else period - 1 - index


@njit(cache=True, nogil=True)
def _histogram(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Count values in bins of equal width; the highest belongs to the last."""
    numbers = np.zeros(_BINS, np.int64)
    scale = _BINS / (high - low)
    for value in values.flat:
        numbers[min(int((value - low) * scale), _BINS - 1)] += 1
    return numbers


@njit(cache=True, nogil=True)
def _sums(labels: np.ndarray, counts: np.ndarray, largest_count: float, count: int) -> np.ndarray:
    """Sum over each label: 1, y, x, y², x², yx (from the corner of its box), full pixels; then the box."""
    rows, columns = labels.shape
    sums = np.zeros((count, 11))
    sums[:, 7], sums[:, 9] = rows, columns
    for i in range(rows):
        for j in range(columns):
            if labels[i, j]:
                box = sums[labels[i, j] - 1]
                box[7], box[8] = min(box[7], i), i + 1
                box[9], box[10] = min(box[9], j), max(box[10], j + 1)
    for i in range(rows):
        for j in range(columns):
            if labels[i, j]:
                one = sums[labels[i, j] - 1]
                y, x = i - one[7], j - one[9]
                one[0] += 1
                one[1] += y
                one[2] += x
                one[3] += y * y
                one[4] += x * x
                one[5] += y * x
                one[6] += counts[i, j] >= largest_count
    return sums
