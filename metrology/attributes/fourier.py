"""Sums over rings of equal spatial frequency, on which both estimates of resolution rest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft
from scipy.signal.windows import tukey

_TAPERED = 0.25  # part of each side over which the image is faded out, so that its edges are no sharp detail


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """Which ring each Fourier coefficient of a real image belongs to.

    Parameters
    ----------
    index : ndarray of int, shape (Y, X // 2 + 1)
        Ring of each coefficient; `count` for those beyond the largest whole ring.
    weight : ndarray, shape (Y, X // 2 + 1)
        2 where the coefficient stands for its mirror image too, else 1.
    frequency : ndarray, shape (count,)
        Mean spatial frequency of each ring [cycles per pixel, of the larger side of a pixel].
    size : ndarray, shape (count,)
        Coefficients in each ring, mirror images counted.
    """

    index: np.ndarray
    weight: np.ndarray
    frequency: np.ndarray
    size: np.ndarray

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Add values up in each ring, mirror images counted: shape (Y, X // 2 + 1) to (count,)."""
        count = len(self.frequency)
        return np.asarray(np.bincount(self.index.ravel(), (values * self.weight).ravel(), minlength=count + 1)[:count])


@lru_cache(maxsize=8)
def rings(shape: tuple[int, int], aspect: float = 1.0) -> Rings:
    """Lay rings of one Fourier pixel over the spectrum of a real image.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the image [px].
    aspect : float
        Height of a pixel over its width [1].

    Returns
    -------
    Rings
        Up to the highest frequency that both directions sample.
    """
    rows, columns = shape
    larger = max(aspect, 1.0)
    down = np.fft.fftfreq(rows)[:, np.newaxis] * (larger / aspect)
    across = np.fft.rfftfreq(columns)[np.newaxis] * larger
    radius = np.hypot(down, across)
    count = min(rows, columns) // 2
    index = np.minimum(np.floor(radius * 2 * count + 0.5).astype(np.int64), count)
    weight = np.full(radius.shape, 2.0)
    weight[:, 0] = 1.0
    if columns % 2 == 0:
        weight[:, -1] = 1.0
    size = np.bincount(index.ravel(), weight.ravel(), minlength=count + 1)[:count]
    total = np.bincount(index.ravel(), (radius * weight).ravel(), minlength=count + 1)[:count]
    return Rings(index, weight, total / size, size)


def spectrum(plane: np.ndarray) -> np.ndarray:
    """Return the Fourier transform of a plane without its mean, faded out towards its edges.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Counts.

    Returns
    -------
    ndarray of complex, shape (Y, X // 2 + 1)
        Half of the spectrum; the other half is its mirror image.
    """
    counts = plane.astype(np.float32)
    counts -= counts.mean(dtype=np.float64)
    down, across = (tukey(size, 2 * _TAPERED).astype(np.float32) for size in plane.shape)
    counts *= down[:, np.newaxis]
    counts *= across
    return np.asarray(fft.rfft2(counts))
