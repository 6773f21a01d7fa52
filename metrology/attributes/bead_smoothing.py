"""A z-stack smoothed a little against noise, seen without keeping it: its maximum projection, its background, single lines.

All counts are above the darkest voxel of the stack, so that a large offset costs no digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit, prange
from scipy import ndimage

from metrology.attributes.kernels import as_kernel_plane
from metrology.attributes.noise import MAD_OF_NORMAL

if TYPE_CHECKING:
    from collections.abc import Sequence

SIGMA_ZYX_PX = (0.5, 1.0, 1.0)
_RADII = (2, 4, 4)  # four sigmas, where scipy's `gaussian_filter` cuts as well
_BINS = 1 << 16  # over the range of the stack; the threshold for a bead is at least a fortieth of that range
_ROWS_PER_BLOCK, _ROWS_PER_STRIP = 64, 8  # a strip of five slices fits the second-level cache


def _weights(sigma: float, radius: int) -> tuple[float, ...]:
    """Return the Gaussian from its middle outwards."""
    half = np.exp(-0.5 * np.square(np.arange(radius + 1) / sigma))
    return tuple(float(weight) for weight in half / (2 * half.sum() - half[0]))


_WZ = tuple(np.float32(weight) for weight in _weights(SIGMA_ZYX_PX[0], _RADII[0]))
_WY = tuple(np.float32(weight) for weight in _weights(SIGMA_ZYX_PX[1], _RADII[1]))


@dataclass(frozen=True, slots=True, eq=False)
class SmoothStack:
    """What is seen of a smoothed z-stack.

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        The stack itself, not smoothed [count].
    darkest : float
        Its smallest count, from which the others are counted [count].
    projection : ndarray of float32, shape (Y, X)
        Largest smoothed count of each column along z [count].
    background, noise : float
        Median of the smoothed counts, and their standard deviation as their median absolute deviation tells it [count].
    """

    stack: np.ndarray
    darkest: float
    projection: np.ndarray
    background: float
    noise: float

    def line(self, at: Sequence[int], axis: int) -> np.ndarray:
        """Return the smoothed counts on a line along an axis.

        Parameters
        ----------
        at : sequence of int
            Slice, row and column of a voxel on the line; that of the axis itself does not matter.
        axis : int
            0, 1 or 2 for z, y or x.

        Returns
        -------
        ndarray of float64, shape of the axis
            Counts [count].
        """
        others = [other for other in range(3) if other != axis]
        part, weights = [slice(None)] * 3, {}
        for other in others:
            part[other], weights[other] = _around(at[other], self.stack.shape[other], other)
        block = self.stack[tuple(part)].astype(np.float64)
        for other in reversed(others):
            block = np.tensordot(block, weights[other], axes=(other, 0))
        return np.asarray(ndimage.correlate1d(block - self.darkest, _window(axis), mode="reflect"))


def smooth_stack(stack: np.ndarray) -> SmoothStack:
    """Smooth a z-stack by a Gaussian of half a slice and one pixel (standard deviations), edges reflected.

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        Counts of one channel.

    Returns
    -------
    SmoothStack
        Projection, background and noise. Background and noise are exact to a 65 536th of the range of the stack.
    """
    darkest, brightest = float(stack.min()), float(stack.max())
    counts, lowest = _for_kernel(stack, darkest)
    per_count = _BINS / (brightest - darkest) if brightest > darkest else 0.0
    mirrors = [_mirrored(size, radius) for size, radius in zip(counts.shape, _RADII, strict=True)]
    projection, histogram = _project(counts, *mirrors, lowest, np.float32(per_count))
    values = (np.arange(_BINS) + 0.5) / per_count if per_count else np.zeros(_BINS)
    background = _median(values, histogram)
    noise = _median(np.abs(values - background), histogram) / MAD_OF_NORMAL
    return SmoothStack(stack, darkest, projection, background, noise)


def _for_kernel(stack: np.ndarray, darkest: float) -> tuple[np.ndarray, np.float32]:
    """Return a stack in one of the two types that the kernel is compiled for, and what to take from its counts."""
    if stack.dtype in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        return as_kernel_plane(stack), np.float32(darkest)
    above = np.empty(stack.shape, np.float32)
    np.subtract(stack, darkest, out=above, dtype=np.float64, casting="unsafe")
    return above, np.float32(0)


def _mirrored(size: int, radius: int) -> np.ndarray:
    """Return the indices of an axis with those of its mirror images at both ends, the edge voxels repeated."""
    return np.pad(np.arange(size), radius, mode="symmetric")


def _around(at: int, size: int, axis: int) -> tuple[slice, np.ndarray]:
    """Return the voxels around one that the window covers, and their weights, those of mirror images added."""
    radius = _RADII[axis]
    covered = _mirrored(size, radius)[at : at + 2 * radius + 1]
    first = int(covered.min())
    weights = np.bincount(covered - first, weights=_window(axis))
    return slice(first, first + weights.size), weights


def _window(axis: int) -> np.ndarray:
    half = _weights(SIGMA_ZYX_PX[axis], _RADII[axis])
    return np.array([*half[:0:-1], *half])


def _median(values: np.ndarray, numbers: np.ndarray) -> float:
    """Return the median of values that occur in given numbers."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(numbers[order])
    return float(values[order[np.searchsorted(below, below[-1] / 2)]])


@njit(parallel=True, cache=True, nogil=True, fastmath=True)
def _project(
    stack: np.ndarray, in_z: np.ndarray, in_y: np.ndarray, in_x: np.ndarray, darkest: np.float32, per_count: np.float32
) -> tuple[np.ndarray, np.ndarray]:
    """Return maximum projection and histogram of the smoothed stack; one partial histogram a block of rows."""
    slices, rows, columns = stack.shape
    blocks = (rows + _ROWS_PER_BLOCK - 1) // _ROWS_PER_BLOCK
    projection = np.zeros((rows, columns), np.float32)
    partial = np.zeros((blocks, _BINS), np.uint32)
    for block in prange(blocks):
        ring = np.empty((5, _ROWS_PER_STRIP, columns), np.float32)
        line = np.empty(columns + 8, np.float32)
        for top in range(block * _ROWS_PER_BLOCK, min(rows, (block + 1) * _ROWS_PER_BLOCK), _ROWS_PER_STRIP):
            bottom = min(rows, top + _ROWS_PER_STRIP)
            for step in range(slices + 4):
                plane = stack[in_z[step]]
                for row in range(top, bottom):
                    _smooth_down(plane, in_y[row : row + 9], darkest, line[4:])
                    for k in range(4):
                        line[k], line[columns + 4 + k] = line[4 + in_x[k]], line[4 + in_x[columns + 4 + k]]
                    _smooth_across(line, ring[step % 5, row - top])
                if step >= 4:
                    for row in range(top, bottom):
                        smooth = line[:columns]
                        _smooth_along(ring[:, row - top], step, smooth)
                        _collect(smooth, per_count, projection[row], partial[block])
    histogram = np.zeros(_BINS, np.int64)
    for block in range(blocks):
        histogram += partial[block]
    return projection, histogram


@njit(cache=True, nogil=True, fastmath=True)
def _smooth_down(plane: np.ndarray, at: np.ndarray, darkest: np.float32, out: np.ndarray) -> None:
    """Weight nine rows of a slice, counted from the darkest voxel."""
    w0, w1, w2, w3, w4 = _WY
    a, b, c, d, e = plane[at[0]], plane[at[1]], plane[at[2]], plane[at[3]], plane[at[4]]
    f, g, h, i = plane[at[5]], plane[at[6]], plane[at[7]], plane[at[8]]
    for j in range(plane.shape[1]):
        out[j] = (
            w0 * (np.float32(e[j]) - darkest)
            + w1 * ((np.float32(d[j]) - darkest) + (np.float32(f[j]) - darkest))
            + w2 * ((np.float32(c[j]) - darkest) + (np.float32(g[j]) - darkest))
            + w3 * ((np.float32(b[j]) - darkest) + (np.float32(h[j]) - darkest))
            + w4 * ((np.float32(a[j]) - darkest) + (np.float32(i[j]) - darkest))
        )


@njit(cache=True, nogil=True, fastmath=True)
def _smooth_across(line: np.ndarray, out: np.ndarray) -> None:
    """Weight nine neighbours of a padded row."""
    w0, w1, w2, w3, w4 = _WY
    for j in range(out.size):
        out[j] = (
            w0 * line[j + 4]
            + w1 * (line[j + 3] + line[j + 5])
            + w2 * (line[j + 2] + line[j + 6])
            + w3 * (line[j + 1] + line[j + 7])
            + w4 * (line[j] + line[j + 8])
        )


@njit(cache=True, nogil=True, fastmath=True)
def _smooth_along(ring: np.ndarray, step: int, out: np.ndarray) -> None:
    """Weight the row in five slices, of which the last is that of `step`."""
    w0, w1, w2 = _WZ
    a, b, c = ring[(step - 4) % 5], ring[(step - 3) % 5], ring[(step - 2) % 5]
    d, e = ring[(step - 1) % 5], ring[step % 5]
    for j in range(out.size):
        out[j] = w0 * c[j] + w1 * (b[j] + d[j]) + w2 * (a[j] + e[j])


@njit(cache=True, nogil=True)
def _collect(smooth: np.ndarray, per_count: np.float32, largest: np.ndarray, histogram: np.ndarray) -> None:
    """Keep the largest count of each column and count each value."""
    for j in range(smooth.size):
        largest[j] = max(largest[j], smooth[j])
    last = np.int32(_BINS - 1)
    for j in range(smooth.size):
        at = np.int32(smooth[j] * per_count)
        histogram[min(max(at, np.int32(0)), last)] += np.uint32(1)
