"""Passes over the pixels, compiled once: several times faster than compositions of array operations.

Every kernel gives one partial result a row, or one a block of a fixed number of rows, and never one a thread; so no result
depends on how many threads ran. Planes are what `as_kernel_plane` returns.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

LEVELS = 64  # grey levels of the co-occurrence matrix
_ROWS_PER_BLOCK = 128
_ROWS_PER_HISTOGRAM = 512  # fewer, larger blocks: each has counters for all counts of the detector
_APART = 208  # counters between tables, so that the same value has other low address bits in each

# High-pass decomposition filter of the Daubechies wavelet db2 (Ten Lectures on Wavelets, 1992, table 6.1), as PyWavelets
# rounds it
_DB2_HIGH = (-0.48296291314453416, 0.8365163037378079, -0.2241438680420134, -0.12940952255126037)


def as_kernel_plane(plane: np.ndarray) -> np.ndarray:
    """Return a plane in one of the two types that the kernels are compiled for, without loss.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Counts of any real type.

    Returns
    -------
    ndarray of uint16 or float64, shape (Y, X)
        Contiguous and read-only; a view of the plane where it is uint16 already.
    """
    wanted = np.uint16 if plane.dtype in {np.dtype(np.uint8), np.dtype(np.uint16)} else np.float64
    counts = np.ascontiguousarray(plane, dtype=wanted).view()
    counts.flags.writeable = False  # numba compiles anew for writeable arrays
    return counts


@njit(parallel=True, cache=True, nogil=True)
def moments(plane: np.ndarray) -> np.ndarray:
    """Sum over each row: the counts, and their squares; shape (Y, 2). Exact.

    Parameters
    ----------
    plane : ndarray of uint16, shape (Y, X)
        Counts of the detector.

    Returns
    -------
    ndarray of uint64, shape (Y, 2)
        The two sums of each row [count, count²].
    """
    rows, columns = plane.shape
    sums = np.empty((rows, 2), np.uint64)
    for i in prange(rows):
        row = plane[i]
        total, squares = np.uint64(0), np.uint64(0)
        for j in range(columns):
            count = np.uint32(row[j])
            total += np.uint64(count)
            squares += np.uint64(count * count)
        sums[i, 0], sums[i, 1] = total, squares
    return sums


@njit(cache=True, nogil=True)
def _clip(row: np.ndarray, last: np.uint16, clipped: np.ndarray) -> None:
    """Write the values of a row, those beyond the last as the last (in vectors, apart from the counting)."""
    for j in range(row.size):
        clipped[j] = min(row[j], last)


@njit(parallel=True, cache=True, nogil=True)
def histogram(plane: np.ndarray, bins: int) -> np.ndarray:
    """Count the pixels of each value of a uint16 plane; values from `bins` on count as the last.

    Parameters
    ----------
    plane : ndarray of uint16, shape (Y, X)
        Counts of the detector.
    bins : int
        Number of values told apart, from 0 on.

    Returns
    -------
    ndarray of int64, shape (bins,)
        Pixels of each value.
    """
    rows, columns = plane.shape
    blocks = (rows + _ROWS_PER_HISTOGRAM - 1) // _ROWS_PER_HISTOGRAM
    partial = np.zeros((blocks, 2, bins + _APART), np.uint32)
    last, one = np.uint16(bins - 1), np.uint32(1)
    for block in prange(blocks):
        even, odd = partial[block, 0], partial[block, 1]  # equal neighbours do not wait for each other
        row = np.empty(columns, np.uint16)
        for i in range(block * _ROWS_PER_HISTOGRAM, min(rows, (block + 1) * _ROWS_PER_HISTOGRAM)):
            _clip(plane[i], last, row)
            for j in range(0, columns - 1, 2):
                even[row[j]] += one
                odd[row[j + 1]] += one
            if columns % 2:
                even[row[columns - 1]] += one
    counts = np.zeros(bins, np.int64)
    for block in range(blocks):
        for counter in range(2):
            line = partial[block, counter]
            for k in range(bins):
                counts[k] += np.int64(line[k])
    return counts


@njit(cache=True, nogil=True, fastmath=True)
def _sobel_row(plane: np.ndarray, i: int, buffers: np.ndarray) -> None:
    """Fill `buffers` (4, X + 2) of one row: smooth, slope and centre, padded by reflection, and the Sobel modulus."""
    rows, columns = plane.shape
    up, mid, low = plane[max(i - 1, 0)], plane[i], plane[min(i + 1, rows - 1)]
    smooth, slope, centre, modulus = buffers[0], buffers[1], buffers[2], buffers[3]
    two = np.float32(2)
    for j in range(columns):
        a, b, c = np.float32(up[j]), np.float32(mid[j]), np.float32(low[j])
        smooth[j + 1] = a + two * b + c
        slope[j + 1] = c - a
        centre[j + 1] = b
    for k in range(3):
        line = buffers[k]
        line[0], line[columns + 1] = line[1], line[columns]
    for j in range(columns):
        across = smooth[j + 2] - smooth[j]
        down = slope[j] + two * slope[j + 1] + slope[j + 2]
        modulus[j] = np.sqrt(across * across + down * down)


@njit(parallel=True, cache=True, nogil=True, fastmath=True)
def gradients(plane: np.ndarray) -> np.ndarray:
    """Sum over each row: Sobel modulus, Laplacian, its square, squared Brenner difference; shape (Y, 4). Edges reflect.

    Parameters
    ----------
    plane : ndarray of uint16 or float64, shape (Y, X)
        Counts of the detector.

    Returns
    -------
    ndarray of float64, shape (Y, 4)
        The four sums of each row [count, count, count², count²].
    """
    rows, columns = plane.shape
    sums = np.empty((rows, 4))
    for i in prange(rows):
        buffers = np.empty((4, columns + 2), np.float32)
        _sobel_row(plane, i, buffers)
        smooth, centre, modulus = buffers[0], buffers[2], buffers[3]
        slopes, curves, squares, steps = 0.0, 0.0, 0.0, 0.0
        for j in range(columns):
            slopes += np.float64(modulus[j])
            curve = smooth[j + 1] - np.float32(6) * centre[j + 1] + centre[j] + centre[j + 2]
            curves += np.float64(curve)
            squares += np.float64(curve) * np.float64(curve)
        for j in range(columns - 2):
            step = np.float64(centre[j + 3] - centre[j + 1])
            steps += step * step
        sums[i, 0], sums[i, 1], sums[i, 2], sums[i, 3] = slopes, curves, squares, steps
    return sums


@njit(parallel=True, cache=True, nogil=True, fastmath=True)
def differences(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Sum over each row: squared difference of two planes, and of their Sobel moduli; shape (Y, 2).

    Parameters
    ----------
    first, second : ndarray of uint16 or float64, shape (Y, X)
        Counts of two planes of one shape and type.

    Returns
    -------
    ndarray of float64, shape (Y, 2)
        The two sums of each row [count², count²].
    """
    rows, columns = first.shape
    sums = np.empty((rows, 2))
    for i in prange(rows):
        x, y = first[i], second[i]
        squares, slopes = 0.0, 0.0
        for j in range(columns):
            step = np.float64(x[j]) - np.float64(y[j])
            squares += step * step
        buffers = np.empty((2, 4, columns + 2), np.float32)
        _sobel_row(first, i, buffers[0])
        _sobel_row(second, i, buffers[1])
        a, b = buffers[0, 3], buffers[1, 3]
        for j in range(columns):
            step = np.float64(a[j]) - np.float64(b[j])
            slopes += step * step
        sums[i, 0], sums[i, 1] = squares, slopes
    return sums


@njit(cache=True, nogil=True)
def _levels(row: np.ndarray, scale: float, levels: np.ndarray) -> None:
    """Write the grey levels of a row."""
    for j in range(row.size):
        levels[j] = np.uint16(min(max(row[j] * scale, 0.0), LEVELS - 1.0))


@njit(cache=True, nogil=True)
def _count_pairs(here: np.ndarray, below: np.ndarray, counts: np.ndarray) -> None:
    """Count the pairs of a row with itself and the next at four angles; odd columns in tables of their own.

    Neighbours are often equal: with one table, or tables whose ends coincide in memory, each count would wait for the last.
    """
    across, fall, down, rise = counts[0], counts[1], counts[2], counts[3]
    across_odd, fall_odd, down_odd, rise_odd = counts[4], counts[5], counts[6], counts[7]
    size, one = np.uint64(LEVELS), np.uint32(1)
    a, b = np.uint64(here[0]), np.uint64(below[0])
    pairs = here.size - 1
    even = pairs - pairs % 2
    for j in range(0, even, 2):
        c, d = np.uint64(here[j + 1]), np.uint64(below[j + 1])
        e, f = np.uint64(here[j + 2]), np.uint64(below[j + 2])
        across[a * size + c] += one
        across_odd[c * size + e] += one
        fall[a * size + d] += one
        fall_odd[c * size + f] += one
        down[a * size + b] += one
        down_odd[c * size + d] += one
        rise[c * size + b] += one
        rise_odd[e * size + d] += one
        a, b = e, f
    if even < pairs:
        c, d = np.uint64(here[even + 1]), np.uint64(below[even + 1])
        across[a * size + c] += one
        fall[a * size + d] += one
        down[a * size + b] += one
        rise[c * size + b] += one
        a, b = c, d
    down[a * size + b] += one


@njit(cache=True, nogil=True)
def _count_last_row(here: np.ndarray, across: np.ndarray) -> None:
    """Count the pairs of a row with itself."""
    for j in range(here.size - 1):
        across[here[j] * np.uint64(LEVELS) + here[j + 1]] += np.uint32(1)


@njit(parallel=True, cache=True, nogil=True)
def cooccurrence(plane: np.ndarray, scale: float) -> np.ndarray:
    """Count pairs of grey levels floor(scale·I) at distance 1 and 0, 45, 90, 135°; shape (4, 64, 64), not symmetrised.

    Parameters
    ----------
    plane : ndarray of uint16 or float64, shape (Y, X)
        Counts of the detector.
    scale : float
        Grey levels a count; levels beyond 0 to 63 count as the nearest of these [1/count].

    Returns
    -------
    ndarray of int64, shape (4, 64, 64)
        Number of pairs, one matrix an angle.
    """
    rows, columns = plane.shape
    blocks = (rows + _ROWS_PER_BLOCK - 1) // _ROWS_PER_BLOCK
    partial = np.zeros((blocks, 8, LEVELS * LEVELS + _APART), np.uint32)
    for block in prange(blocks):
        here, below = np.empty(columns, np.uint16), np.empty(columns, np.uint16)
        start, stop = block * _ROWS_PER_BLOCK, min(rows, (block + 1) * _ROWS_PER_BLOCK)
        _levels(plane[start], scale, below)
        for i in range(start, stop):
            here, below = below, here
            if i + 1 < rows:
                _levels(plane[i + 1], scale, below)
                _count_pairs(here, below, partial[block])
            else:
                _count_last_row(here, partial[block, 0])
    total = np.zeros((4, LEVELS * LEVELS), np.int64)
    for block in range(blocks):
        for table in range(8):
            for k in range(LEVELS * LEVELS):
                total[table % 4, k] += np.int64(partial[block, table, k])
    return total.reshape(4, LEVELS, LEVELS)


@njit(parallel=True, cache=True, nogil=True)
def diagonal_details(plane: np.ndarray) -> np.ndarray:
    """Absolute diagonal wavelet coefficients (db2, one level, edges reflected), shape ((Y+3)//2, (X+3)//2).

    No fast arithmetic: sums in the order of PyWavelets, so that the same coefficients are exactly zero.

    Parameters
    ----------
    plane : ndarray of uint16 or float64, shape (Y, X)
        Counts of the detector.

    Returns
    -------
    ndarray of float32, shape ((Y + 3) // 2, (X + 3) // 2)
        Absolute coefficients [count].
    """
    rows, columns = plane.shape
    out_rows, out_columns = (rows + 3) // 2, (columns + 3) // 2
    details = np.empty((out_rows, out_columns), np.float32)
    h0, h1, h2, h3 = _DB2_HIGH
    for k in prange(out_rows):
        line = np.empty(columns + 5)
        r0, r1 = _reflect(2 * k + 1, rows), _reflect(2 * k, rows)
        r2, r3 = _reflect(2 * k - 1, rows), _reflect(2 * k - 2, rows)
        for j in range(columns):
            line[j + 2] = h0 * plane[r0, j] + h1 * plane[r1, j] + h2 * plane[r2, j] + h3 * plane[r3, j]
        line[0], line[1] = line[3], line[2]
        for j in range(columns, columns + 3):
            line[j + 2] = line[_reflect(j, columns) + 2]
        for m in range(out_columns):
            at = 2 * m
            value = h0 * line[at + 3] + h1 * line[at + 2] + h2 * line[at + 1] + h3 * line[at]
            details[k, m] = abs(value)
    return details


@njit(cache=True, inline="always")
def _reflect(index: int, size: int) -> int:
    """Mirror an index at the edges, repeating the edge pixel."""
    if index < 0:
        return -index - 1
    return index if index < size else 2 * size - 1 - index
