"""Passes over the pixels, compiled once: several times faster than compositions of array operations.

Every kernel gives one partial result a row, or one a block of a fixed number of rows, and never one a thread; so no result
depends on how many threads ran. Planes are what `as_kernel_plane` returns.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

LEVELS = 64  # grey levels of the co-occurrence matrix
_ROWS_PER_BLOCK = 128

# High-pass decomposition filter of the Daubechies wavelet db2 (Ten Lectures on Wavelets, 1992, table 6.1), as PyWavelets
# rounds it
_DB2_HIGH = (-0.48296291314453416, 0.8365163037378079, -0.2241438680420134, -0.12940952255126037)

# Gaussian window of the structural similarity, sigma 1.5, 11 × 11 (Wang et al. 2004); tiles fit the second-level cache
_SSIM_WEIGHTS = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
_SSIM_WINDOW = tuple(float(weight) for weight in (_SSIM_WEIGHTS / _SSIM_WEIGHTS.sum())[:6])
_TILE_ROWS, _TILE_COLUMNS = 64, 128


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
    blocks = (rows + _ROWS_PER_BLOCK - 1) // _ROWS_PER_BLOCK
    partial = np.zeros((blocks, 4, bins), np.uint32)
    last, one = np.uint16(bins - 1), np.uint32(1)
    for block in prange(blocks):
        # four counters: equal neighbours do not wait for each other
        a, b, c, d = partial[block, 0], partial[block, 1], partial[block, 2], partial[block, 3]
        for i in range(block * _ROWS_PER_BLOCK, min(rows, (block + 1) * _ROWS_PER_BLOCK)):
            row = plane[i]
            whole = columns - columns % 4
            for j in range(0, whole, 4):
                a[min(row[j], last)] += one
                b[min(row[j + 1], last)] += one
                c[min(row[j + 2], last)] += one
                d[min(row[j + 3], last)] += one
            for j in range(whole, columns):
                a[min(row[j], last)] += one
    counts = np.zeros(bins, np.int64)
    for block in range(blocks):
        for counter in range(4):
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
def _count_pairs(first: np.ndarray, second: np.ndarray, counts: np.ndarray) -> None:
    """Count pairs of levels at equal places of two rows."""
    for j in range(min(first.size, second.size)):
        counts[first[j] * np.uint64(LEVELS) + second[j]] += np.uint32(1)


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
    partial = np.zeros((blocks, 4, LEVELS * LEVELS), np.uint32)
    for block in prange(blocks):
        here, below = np.empty(columns, np.uint16), np.empty(columns, np.uint16)
        start, stop = block * _ROWS_PER_BLOCK, min(rows, (block + 1) * _ROWS_PER_BLOCK)
        counts = partial[block]
        _levels(plane[start], scale, below)
        for i in range(start, stop):
            here, below = below, here
            _count_pairs(here, here[1:], counts[0])
            if i + 1 < rows:
                _levels(plane[i + 1], scale, below)
                _count_pairs(here, below[1:], counts[1])
                _count_pairs(here, below, counts[2])
                _count_pairs(here[1:], below, counts[3])
    total = np.zeros((4, LEVELS * LEVELS), np.int64)
    for block in range(blocks):
        for angle in range(4):
            for k in range(LEVELS * LEVELS):
                total[angle, k] += np.int64(partial[block, angle, k])
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


@njit(cache=True, nogil=True, fastmath=True)
def _window_across(source: np.ndarray, target: np.ndarray, count: int) -> None:
    """Weight 11 neighbours in a row by the Gaussian window (its symmetry halves the products)."""
    w0, w1, w2, w3, w4, w5 = _SSIM_WINDOW
    for j in range(count):
        target[j] = (
            w0 * (source[j] + source[j + 10])
            + w1 * (source[j + 1] + source[j + 9])
            + w2 * (source[j + 2] + source[j + 8])
            + w3 * (source[j + 3] + source[j + 7])
            + w4 * (source[j + 4] + source[j + 6])
            + w5 * source[j + 5]
        )


@njit(cache=True, nogil=True, fastmath=True)
def _window_down(source: np.ndarray, target: np.ndarray, count: int) -> None:
    """Weight 11 neighbours in a column of a tile (a constant step, which the compiler can unroll)."""
    w0, w1, w2, w3, w4, w5 = _SSIM_WINDOW
    for j in range(count):
        target[j] = (
            w0 * (source[j] + source[j + 10 * _TILE_COLUMNS])
            + w1 * (source[j + _TILE_COLUMNS] + source[j + 9 * _TILE_COLUMNS])
            + w2 * (source[j + 2 * _TILE_COLUMNS] + source[j + 8 * _TILE_COLUMNS])
            + w3 * (source[j + 3 * _TILE_COLUMNS] + source[j + 7 * _TILE_COLUMNS])
            + w4 * (source[j + 4 * _TILE_COLUMNS] + source[j + 6 * _TILE_COLUMNS])
            + w5 * source[j + 5 * _TILE_COLUMNS]
        )


@njit(cache=True, nogil=True, fastmath=True)
def _sums_and_squares(first: np.ndarray, second: np.ndarray, scale: float, lines: np.ndarray) -> None:
    """Write x+y, x−y and their squares of two scaled rows."""
    plus, minus, plus_squared, minus_squared = lines[0], lines[1], lines[2], lines[3]
    for j in range(first.size):
        a, b = np.float64(first[j]) * scale, np.float64(second[j]) * scale
        plus[j], minus[j] = a + b, a - b
        plus_squared[j], minus_squared[j] = (a + b) * (a + b), (a - b) * (a - b)


@njit(cache=True, nogil=True, fastmath=True)
def _sum_similarity(means: np.ndarray, count: int, c1: float, c2: float) -> float:
    """Sum l·c·s over a row from the local means of x+y, x−y and their squares."""
    total = 0.0
    plus, minus, plus_squared, minus_squared = means[0], means[1], means[2], means[3]
    for j in range(count):
        a, b = plus[j] * plus[j], minus[j] * minus[j]
        v, w = plus_squared[j] - a, minus_squared[j] - b
        total += ((0.5 * (a - b) + c1) * (0.5 * (v - w) + c2)) / ((0.5 * (a + b) + c1) * (0.5 * (v + w) + c2))
    return total


@njit(parallel=True, cache=True, nogil=True, fastmath=True)
def structural_similarity(first: np.ndarray, second: np.ndarray, scale: float, c1: float, c2: float) -> np.ndarray:
    """Sum over each row that the window fits of l·c·s of two scaled planes; shape (Y − 10,).

    Only var(x)+var(y) and cov(x, y) are needed. Both follow from the variances of x+y and x−y: four filters instead of five.

    Parameters
    ----------
    first, second : ndarray of uint16 or float64, shape (Y, X)
        Counts of two planes of one shape and type, at least 11 px a side.
    scale : float
        Factor from counts to the unit of the constants [8-bit equivalent per count].
    c1, c2 : float
        Constants that keep luminance and contrast finite [8-bit equivalent²].

    Returns
    -------
    ndarray of float64, shape (Y − 10,)
        Sum over the X − 10 places of the window in each row [1].
    """
    rows, columns = first.shape
    out_rows, out_columns = rows - 10, columns - 10
    sums = np.zeros(out_rows)
    for block in prange((out_rows + _TILE_ROWS - 1) // _TILE_ROWS):
        start, stop = block * _TILE_ROWS, min(out_rows, (block + 1) * _TILE_ROWS)
        lines, means = np.empty((4, _TILE_COLUMNS + 10)), np.empty((4, _TILE_COLUMNS))
        smooth = np.empty((4, (_TILE_ROWS + 10) * _TILE_COLUMNS))
        for left in range(0, out_columns, _TILE_COLUMNS):
            width = min(_TILE_COLUMNS, out_columns - left)
            for i in range(start, stop + 10):
                right = left + width + 10
                _sums_and_squares(first[i, left:right], second[i, left:right], scale, lines)
                for k in range(4):
                    _window_across(lines[k], smooth[k, (i - start) * _TILE_COLUMNS :], width)
            for i in range(start, stop):
                for k in range(4):
                    _window_down(smooth[k, (i - start) * _TILE_COLUMNS :], means[k], width)
                sums[i] += _sum_similarity(means, width, c1, c2)
    return sums
