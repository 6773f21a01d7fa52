"""The edge of one marble: a blurred step fitted to its radial profile, and how it departs from a circle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from common.errors import FitError

REACH = 1.5
"""Radii from the centre to which a marble's profile is fitted [1]."""
_FROM = 0.4  # radii from the centre: the middle of a sphere seen by a widefield microscope is brighter
_SECTORS = 16
_RING_PX = 0.5  # of the radial profile
_LEAST_R2 = 0.8
_LEAST_RINGS = 6
_MOST_STEPS = 40
_SMALLEST_STEP_PX = 1e-5
_NARROWEST_PX = 0.05  # sigma of the edge while it is fitted
_LEAST_CURVATURE = 1e-9  # of the sum of squares along any of the four figures, over that along all


@dataclass(frozen=True, slots=True)
class Marble:
    """One measured marble.

    Parameters
    ----------
    y_px, x_px : float
        Its centre [px].
    radius_px, radius_error_px : float
        Of the disk before it was blurred, and the standard error [px].
    sigma_px, sigma_error_px : float
        Blur of its edge and the standard error [px].
    roundness, roundness_error : float
        Smaller over larger radius of the ellipse through its edge, and the standard error [1]; noise can carry that of a
        circle a little above 1.
    inside, outside : float
        Fitted brightness on both sides of the edge [count].
    """

    y_px: float
    x_px: float
    radius_px: float
    radius_error_px: float
    sigma_px: float
    sigma_error_px: float
    roundness: float
    roundness_error: float
    inside: float
    outside: float


def fit_marble(counts: np.ndarray, *, y_px: float, x_px: float, radius_px: float) -> Marble:
    """Fit a blurred step to the radial profile of a marble, then the place of its edge in each sector.

    Parameters
    ----------
    counts : ndarray of uint16 or float64, shape (Y, X)
        The plane.
    y_px, x_px, radius_px : float
        Centre and radius from which to start [px].

    Returns
    -------
    Marble
        What was found.

    Raises
    ------
    FitError
        The region has no edge like a marble's.

    References
    ----------
    Least squares by Marquardt, J. SIAM 11, 431 (1963). Blur moves the half height of the edge of a disk inwards, by half
    the curvature times sigma² (as any diffusing contour; Evans & Spruck, J. Differ. Geom. 33, 635 (1991)); the radius is
    what it was before. The light beyond the mean profile in a sector, over the step of the
    edge, is the area by which the edge lies further out; its second harmonic is the ellipse.
    """
    found = _fit(counts, y_px, x_px, radius_px)
    y, x, inside, outside, edge, sigma, edge_error, sigma_error, cosine, sine, noise = (float(one) for one in found)
    if math.isnan(edge):
        raise FitError("A bright region has no edge like a marble's.", hint="Scan marbles in focus.")
    excess = cosine**2 + sine**2 - 2 * noise**2  # noise alone makes an ellipse of that size
    ellipse = math.copysign(
        math.sqrt(abs(excess)), excess
    )  # not cut off at a circle: a chart needs values that scatter
    sigma = math.sqrt(max(sigma**2 - _RING_PX**2 / 12, 0.0))  # the rings blur too
    if not 0 < sigma < edge or ellipse >= edge or not inside > outside:
        raise FitError("The edge of a marble cannot be told.", hint="Scan marbles in focus.")
    return Marble(
        y_px=y,
        x_px=x,
        radius_px=edge + sigma**2 / (2 * edge),
        radius_error_px=edge_error,
        sigma_px=sigma,
        sigma_error_px=sigma_error,
        roundness=(edge - ellipse) / (edge + ellipse),
        roundness_error=2 * edge * noise / (edge + abs(ellipse)) ** 2,
        inside=inside,
        outside=outside,
    )


@njit(cache=True, nogil=True)
def _fit(counts: np.ndarray, y0: float, x0: float, radius: float) -> np.ndarray:
    """Return y, x, inside, outside, edge, sigma, errors of the last two, cos 2θ, sin 2θ and their error; NaN for no edge."""
    reach = math.ceil(REACH * radius) + 1
    top, left = max(0, round(y0) - reach), max(0, round(x0) - reach)
    part = counts[top : round(y0) + reach + 1, left : round(x0) + reach + 1].astype(np.float64)
    distance = np.empty(part.shape)
    y, x, cosine, sine = y0 - top, x0 - left, 0.0, 0.0
    values = np.array([np.nan, np.nan, radius, 1.0])
    result = np.full(11, np.nan)
    errors = np.empty(2)
    amplitudes = np.zeros(5)
    for _ in range(3):  # the centre of a bright region is a fraction of a pixel off, and an oval edge looks blurred
        _distances(distance, y, x, cosine, sine)
        places, profile, sizes = _profile(part, distance, _FROM * radius, REACH * radius)
        if math.isnan(values[0]):
            values[0], values[1] = profile[:3].mean(), profile[-3:].mean()
        values, covariance, unexplained = _least_squares(values, places, profile, sizes)
        mean = (sizes * profile).sum() / sizes.sum()
        total = (sizes * (profile - mean) ** 2).sum()
        if len(places) < _LEAST_RINGS or total == 0 or not 1 - unexplained / total >= _LEAST_R2:
            return result
        scale = unexplained / (len(places) - 4)
        errors[0], errors[1] = math.sqrt(max(covariance[2, 2] * scale, 0)), math.sqrt(max(covariance[3, 3] * scale, 0))
        amplitudes = _departures(part, distance, values, y, x, _FROM * radius, REACH * radius)
        x, y, cosine, sine = x + amplitudes[0], y + amplitudes[1], cosine + amplitudes[2], sine + amplitudes[3]
    result[0], result[1], result[2:6], result[6:8] = top + y, left + x, values, errors
    result[8], result[9], result[10] = cosine, sine, amplitudes[4]
    return result


@njit(cache=True, nogil=True)
def _distances(distance: np.ndarray, y: float, x: float, cosine: float, sine: float) -> None:
    """Write the distance of each pixel from the centre, less by how far an oval edge lies out in its direction [px]."""
    for i in range(distance.shape[0]):
        for j in range(distance.shape[1]):
            dy, dx = i - y, j - x
            squared = max(dy * dy + dx * dx, 1e-12)
            distance[i, j] = math.sqrt(squared) - (cosine * (dx * dx - dy * dy) + sine * (2 * dx * dy)) / squared


@njit(cache=True, nogil=True)
def _profile(
    part: np.ndarray, distance: np.ndarray, nearest: float, farthest: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean distance, mean count and number of pixels of each ring of half a pixel that has any."""
    rings = int(farthest / _RING_PX) + 1
    sums = np.zeros((3, rings))
    for i in range(part.shape[0]):
        for j in range(part.shape[1]):
            at = distance[i, j]
            if nearest < at < farthest:
                ring = int(max(at, 0.0) / _RING_PX)
                sums[0, ring] += at
                sums[1, ring] += part[i, j]
                sums[2, ring] += 1
    used = np.flatnonzero(sums[2])
    sizes = sums[2][used]
    return sums[0][used] / sizes, sums[1][used] / sizes, sizes


@njit(cache=True, nogil=True)
def _least_squares(
    values: np.ndarray, places: np.ndarray, profile: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return inside, outside, edge and sigma, their covariance but for the scale of the noise, and the squares left."""
    damping = 1e-3
    normal, gradient, left = _equations(values, places, profile, sizes)
    for _ in range(_MOST_STEPS):
        damped = normal.copy()
        least = _LEAST_CURVATURE * np.trace(normal)  # a sharp edge between two rings says nothing of its own width
        for i in range(4):
            damped[i, i] += damping * normal[i, i] + least
        step = np.linalg.solve(damped, -gradient)
        tried = values + step
        tried[3] = max(abs(tried[3]), _NARROWEST_PX)
        found = _equations(tried, places, profile, sizes)
        if not found[2] <= left:
            damping *= 10
            continue
        values, normal, gradient, left, damping = tried, found[0], found[1], found[2], damping / 10
        if max(abs(step[2]), abs(step[3])) < _SMALLEST_STEP_PX:
            break
    return values, np.linalg.pinv(normal), left


@njit(cache=True, nogil=True)
def _equations(
    values: np.ndarray, places: np.ndarray, profile: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the normal matrix, the gradient and the sum of the squared residuals, each ring weighted by its pixels."""
    inside, outside, edge, sigma = values[0], values[1], values[2], values[3]
    normal, gradient, squares = np.zeros((4, 4)), np.zeros(4), 0.0
    slopes = np.empty(4)
    for ring in range(len(places)):
        reduced = (places[ring] - edge) / sigma
        step = 0.5 * (1 - math.erf(reduced / math.sqrt(2)))
        slope = (inside - outside) * math.exp(-0.5 * reduced * reduced) / (math.sqrt(2 * math.pi) * sigma)
        slopes[0], slopes[1], slopes[2], slopes[3] = step, 1 - step, slope, slope * reduced
        residual = outside + (inside - outside) * step - profile[ring]
        squares += sizes[ring] * residual * residual
        for i in range(4):
            gradient[i] += sizes[ring] * slopes[i] * residual
            for j in range(4):
                normal[i, j] += sizes[ring] * slopes[i] * slopes[j]
    return normal, gradient, squares


@njit(cache=True, nogil=True)
def _departures(
    part: np.ndarray, distance: np.ndarray, values: np.ndarray, y: float, x: float, nearest: float, farthest: float
) -> np.ndarray:
    """Return how the edge departs from its mean circle: cos θ, sin θ, cos 2θ, sin 2θ [px], and their standard error [px]."""
    inside, outside, edge, sigma = values[0], values[1], values[2], abs(values[3])
    moved = np.zeros(_SECTORS)
    for i in range(part.shape[0]):
        for j in range(part.shape[1]):
            at = distance[i, j]
            if nearest < at < farthest and abs(at - edge) < 0.35 * edge:
                step = 0.5 * (1 - math.erf((at - edge) / (math.sqrt(2) * sigma)))
                turn = math.atan2(i - y, j - x) / (2 * math.pi) + 0.5
                moved[int(turn * _SECTORS) % _SECTORS] += part[i, j] - outside - (inside - outside) * step
    moved /= (inside - outside) * edge * 2 * math.pi / _SECTORS
    amplitudes = np.zeros(5)
    rest = moved - moved.mean()
    theta = ((np.arange(_SECTORS) + 0.5) / _SECTORS - 0.5) * 2 * math.pi
    for wave, heights in enumerate((np.cos(theta), np.sin(theta), np.cos(2 * theta), np.sin(2 * theta))):
        amplitudes[wave] = 2 / _SECTORS * (heights * moved).sum()
        rest -= amplitudes[wave] * heights
    amplitudes[4] = math.sqrt(2 / _SECTORS * (rest * rest).sum() / (_SECTORS - 5))
    return amplitudes
