"""Structural similarity in one pass over two planes: all windows of a tile while it is in the cache, in single precision.

Single precision suffices, because counts are taken relative to one pixel of the tile and what is missing to 1 is summed: the
mean over a plane differs from that in double precision by less than 1e-6. Divisions are as numpy's: to look for zeros in the
divisor would keep them from being done in vectors.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

# Gaussian window, sigma 1.5, 11 × 11 (Wang et al. 2004); tiles fit the second-level cache
_HALF = np.exp(-0.5 * (np.arange(-5, 1) / 1.5) ** 2)
_WINDOW = tuple(np.float32(weight) for weight in _HALF / (2 * _HALF.sum() - 1))
_TILE_ROWS, _TILE_COLUMNS = 64, 128


@njit(parallel=True, cache=True, nogil=True, fastmath=True, error_model="numpy")
def structural_similarity(first: np.ndarray, second: np.ndarray, c1: float, c2: float) -> np.ndarray:
    """Sum over each row that the window fits of luminance × contrast × structure of two planes; shape (Y − 10,).

    Only var(x)+var(y) and cov(x, y) are needed. Both follow from the variances of x+y and x−y: four filters instead of five.

    Parameters
    ----------
    first, second : ndarray of uint16 or float64, shape (Y, X)
        Counts of two planes of one shape and type, at least 11 px a side.
    c1, c2 : float
        Constants that keep luminance and contrast finite [count²].

    Returns
    -------
    ndarray of float64, shape (Y − 10,)
        Sum over the X − 10 places of the window in each row [1].
    """
    rows, columns = first.shape
    out_rows, out_columns = rows - 10, columns - 10
    sums = np.zeros(out_rows)
    constants = np.float32(c1), np.float32(c2)
    for block in prange((out_rows + _TILE_ROWS - 1) // _TILE_ROWS):
        start, stop = block * _TILE_ROWS, min(out_rows, (block + 1) * _TILE_ROWS)
        lines, means = np.empty((4, _TILE_COLUMNS + 10), np.float32), np.empty((2, 4, _TILE_COLUMNS), np.float32)
        smooth = np.empty((4, (_TILE_ROWS + 11) * _TILE_COLUMNS), np.float32)  # one row more, for pairs of rows
        for left in range(0, out_columns, _TILE_COLUMNS):
            width = min(_TILE_COLUMNS, out_columns - left)
            right = left + width + 10
            a, b = np.float32(first[start + 5, left + 5]), np.float32(second[start + 5, left + 5])
            for i in range(start, stop + 10):
                _sums_and_squares(first[i, left:right], second[i, left:right], a, b, lines)
                for k in range(4):
                    _window_across(lines[k], smooth[k, (i - start) * _TILE_COLUMNS :], width)
            for i in range(start, stop, 2):
                for k in range(4):
                    _window_down(smooth[k, (i - start) * _TILE_COLUMNS :], means[0, k], means[1, k], width)
                for n in range(min(2, stop - i)):
                    sums[i + n] += width - _sum_dissimilarity(means[n], width, (a + b, a - b), constants)
    return sums


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _sums_and_squares(first: np.ndarray, second: np.ndarray, a: np.float32, b: np.float32, lines: np.ndarray) -> None:
    """Write x+y, x−y and their squares of two rows, counted from `a` and `b`."""
    plus, minus, plus_squared, minus_squared = lines[0], lines[1], lines[2], lines[3]
    for j in range(first.size):
        x, y = np.float32(first[j]) - a, np.float32(second[j]) - b
        total, difference = x + y, x - y
        plus[j], minus[j] = total, difference
        plus_squared[j], minus_squared[j] = total * total, difference * difference


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _window_across(source: np.ndarray, target: np.ndarray, count: int) -> None:
    """Weight 11 neighbours in a row by the Gaussian window (its symmetry halves the products)."""
    w0, w1, w2, w3, w4, w5 = _WINDOW
    for j in range(count):
        target[j] = (
            w0 * (source[j] + source[j + 10])
            + w1 * (source[j + 1] + source[j + 9])
            + w2 * (source[j + 2] + source[j + 8])
            + w3 * (source[j + 3] + source[j + 7])
            + w4 * (source[j + 4] + source[j + 6])
            + w5 * source[j + 5]
        )


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _window_down(source: np.ndarray, upper: np.ndarray, lower: np.ndarray, count: int) -> None:
    """Weight 11 neighbours in a column of a tile, and those one row below, which share ten of them."""
    w0, w1, w2, w3, w4, w5 = _WINDOW
    for j in range(count):
        a, b = source[j], source[j + _TILE_COLUMNS]
        c, d = source[j + 2 * _TILE_COLUMNS], source[j + 3 * _TILE_COLUMNS]
        e, f = source[j + 4 * _TILE_COLUMNS], source[j + 5 * _TILE_COLUMNS]
        g, h = source[j + 6 * _TILE_COLUMNS], source[j + 7 * _TILE_COLUMNS]
        k, m = source[j + 8 * _TILE_COLUMNS], source[j + 9 * _TILE_COLUMNS]
        n, o = source[j + 10 * _TILE_COLUMNS], source[j + 11 * _TILE_COLUMNS]
        upper[j] = w0 * (a + n) + w1 * (b + m) + w2 * (c + k) + w3 * (d + h) + w4 * (e + g) + w5 * f
        lower[j] = w0 * (b + o) + w1 * (c + n) + w2 * (d + m) + w3 * (e + k) + w4 * (f + h) + w5 * g


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _sum_dissimilarity(
    means: np.ndarray, count: int, offsets: tuple[np.float32, np.float32], constants: tuple[np.float32, np.float32]
) -> float:
    """Sum 1 − l·c·s over a row from the local means of x+y, x−y and their squares; exactly 0 for identical planes."""
    total, half = 0.0, np.float32(0.5)
    plus, minus, plus_squared, minus_squared = means[0], means[1], means[2], means[3]
    (a0, b0), (c1, c2) = offsets, constants
    for j in range(count):
        v = plus_squared[j] - plus[j] * plus[j]
        w = minus_squared[j] - minus[j] * minus[j]
        a, b = (plus[j] + a0) * (plus[j] + a0), (minus[j] + b0) * (minus[j] + b0)
        luminance, contrast = half * (a + b) + c1, half * (v + w) + c2
        total += np.float64((b * contrast + w * luminance - b * w) / (luminance * contrast))
    return total
