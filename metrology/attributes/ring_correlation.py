"""Fourier ring correlation of two independent images of one field.

References
----------
Saxton & Baumeister, J. Microsc. 127, 127 (1982); threshold 1/7: Nieuwenhuizen et al., Nat. Methods 10, 557 (2013);
checkerboard split of a single image: Koho et al., Nat. Commun. 10, 3103 (2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.errors import FitError
from metrology.attributes.fourier import rings, spectrum

THRESHOLD = 1 / 7
_SMOOTHED = 0.03  # of the curve's length, on each side
_FITTED = 0.08  # of the curve's length, at most, on each side of the crossing
_STEEP_PART = (0.5, 0.03)  # correlations between which it is fitted, as far as that
_LEAST_RINGS = 3  # on each side of the crossing


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where a correlation falls below its threshold [cycles per pixel] and the standard error of that place."""

    frequency: float
    standard_error: float


def correlation(
    first: np.ndarray, second: np.ndarray, *, aspect: float = 1.0, shift_yx_px: tuple[float, float] = (0.0, 0.0)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlate the spectra of two images ring by ring.

    Parameters
    ----------
    first, second : ndarray, shape (Y, X)
        Two images of one field with independent noise [count].
    aspect : float
        Height of a pixel over its width [1].
    shift_yx_px : tuple of float
        How far down and to the right of the first the pixels of the second lie [px].

    Returns
    -------
    tuple of ndarray, each of shape (rings,)
        Spatial frequency [cycles per pixel, of the larger side of a pixel], correlation [1], and number of coefficients.

    Raises
    ------
    FitError
        One of the images has no contrast.
    """
    where = rings((first.shape[0], first.shape[1]), aspect)
    one, other = spectrum(first), spectrum(second)
    if any(shift_yx_px):
        rows, columns = first.shape
        down = np.fft.fftfreq(rows)[:, np.newaxis] * shift_yx_px[0]
        across = np.fft.rfftfreq(columns)[np.newaxis] * shift_yx_px[1]
        other = other * np.exp(-2j * np.pi * (down + across))
    crossed = where.sums((one * other.conj()).real)
    powers = where.sums(np.square(np.abs(one))) * where.sums(np.square(np.abs(other)))
    if not powers.all():
        raise FitError(
            "One of the images has no contrast.", hint="Check that the light was on and the sample in focus."
        )
    return where.frequency, crossed / np.sqrt(powers), where.size


def crossing(frequency: np.ndarray, correlated: np.ndarray, size: np.ndarray) -> Crossing:
    """Find where a ring correlation falls below 1/7.

    Parameters
    ----------
    frequency, correlated, size : ndarray, shape (rings,)
        Spatial frequency [cycles per pixel], correlation [1], number of coefficients.

    Returns
    -------
    Crossing
        Place [cycles per pixel] and its standard error, from a line through the points around it, weighted by the
        variance (1 − ρ²)²/n of a correlation of n coefficients, n/2 of which are independent.

    Raises
    ------
    FitError
        The correlation is never above the threshold, or never falls below it.
    """
    half = max(1, round(_SMOOTHED * len(correlated)))
    kernel = np.ones(2 * half + 1)
    smooth = np.convolve(correlated * size, kernel, "same") / np.convolve(size, kernel, "same")
    start = half  # the lowest rings hold the shading
    if smooth[start] < THRESHOLD:
        raise FitError(
            "The two images have no detail in common.",
            hint="Use more light, or two frames of one field taken one after the other.",
        )
    below = np.flatnonzero(smooth[start:] < THRESHOLD)
    if not below.size:
        raise FitError(
            "The images resolve finer detail than their pixels can show.",
            hint="Scan with smaller pixels, or take two frames instead of splitting one.",
        )
    at = start + int(below[0])
    return _fitted_crossing(frequency, correlated, size, at, _steep_part(smooth, at))


def _steep_part(smooth: np.ndarray, at: int) -> slice:
    """Return the rings around a crossing in which a parabola describes the fall."""
    reach = max(_LEAST_RINGS, round(_FITTED * len(smooth)))
    high, low = _STEEP_PART
    above = np.flatnonzero(smooth[: at + 1] > high)
    under = np.flatnonzero(smooth[at:] < low)
    first = max(at - reach, int(above[-1]) if above.size else 0)
    last = min(at + reach, at + int(under[0]) if under.size else len(smooth))
    return slice(max(1, min(first, at - _LEAST_RINGS)), max(last, at + _LEAST_RINGS) + 1)


def _fitted_crossing(frequency: np.ndarray, correlated: np.ndarray, size: np.ndarray, at: int, part: slice) -> Crossing:
    x, y = frequency[part] - frequency[at], correlated[part]
    weights = size[part] / (2 * np.square(1 - np.square(np.clip(y, -0.95, 0.95))))
    design = np.stack([np.ones_like(x), x, np.square(x)], axis=1)
    covariance = np.linalg.inv(design.T @ (design * weights[:, np.newaxis]))
    level, slope, bend = covariance @ (design.T @ (weights * y))
    step = _root(float(level) - THRESHOLD, float(slope), float(bend), float(np.ptp(x)) / 2)
    gradient = np.array([1.0, step, step * step])
    steepness = slope + 2 * bend * step
    if not steepness < 0:
        raise FitError("The correlation does not fall steadily.", hint="Take frames with more light.")
    error = float(np.sqrt(gradient @ covariance @ gradient) / abs(steepness))
    return Crossing(float(frequency[at]) + step, error)


def _root(level: float, slope: float, bend: float, reach: float) -> float:
    """Return the root of a parabola that is nearest to 0, within the fitted points."""
    roots = np.roots([bend, slope, level]) if bend else np.array([-level / slope])
    real = roots[np.abs(roots.imag) < 1e-12].real
    inside = real[np.abs(real) <= reach]
    if not inside.size:
        raise FitError("The correlation does not fall steadily.", hint="Take frames with more light.")
    return float(inside[np.argmin(np.abs(inside))])


def split(plane: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray, tuple[float, float]], ...]:
    """Split a plane into its two pairs of diagonal neighbours.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Counts.

    Returns
    -------
    tuple of (ndarray, ndarray, (float, float))
        Two pairs of planes of half the side, and the shift within each pair [px of the halves].
    """
    rows, columns = (size // 2 * 2 for size in plane.shape)
    even = plane[:rows, :columns]
    return (
        (even[0::2, 0::2], even[1::2, 1::2], (0.5, 0.5)),
        (even[0::2, 1::2], even[1::2, 0::2], (0.5, -0.5)),
    )
