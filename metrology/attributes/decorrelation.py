"""Resolution of a single image from where its spectrum stops being more than noise.

References
----------
Descloux, Grußmayer & Radenovic, Nat. Methods 16, 918 (2019), doi:10.1038/s41592-019-0515-7.
"""

from __future__ import annotations

import math

import numpy as np

from common.errors import FitError
from metrology.attributes.fourier import rings, spectrum

_SIGMAS_PX = np.geomspace(0.15, 40.0, 50)  # high-pass filters, from hardly any to the size of large structures
_LEAST_HEIGHT = 0.05  # of a maximum that counts (paper: an image of lower quality has no resolution to tell)
_LEAST_DROP = 0.001  # after a maximum, so that ripple is none


def cut_off(plane: np.ndarray, *, aspect: float = 1.0) -> float:
    """Find the highest spatial frequency at which a plane still shows structure above its noise.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Counts.
    aspect : float
        Height of a pixel over its width [1].

    Returns
    -------
    float
        Cut-off [cycles per pixel, of the larger side of a pixel].

    Raises
    ------
    FitError
        No maximum: the plane holds noise only, or resolves finer detail than its pixels sample.

    Notes
    -----
    The plane is correlated with itself after its spectrum was set to equal moduli inside a circle; the correlation, as a
    function of the circle's radius, has a maximum where noise begins to outweigh structure. The highest maximum over a set
    of Gaussian high-pass filters is the cut-off. All of it depends on the spectrum's moduli only, so the sums over rings
    of one Fourier transform serve all filters.
    """
    where = rings((plane.shape[0], plane.shape[1]), aspect)
    moduli = np.abs(spectrum(plane))
    first, second = where.sums(moduli), where.sums(np.square(moduli))
    blur = np.exp(-2 * np.square(np.pi * np.outer(_SIGMAS_PX, where.frequency)))
    passed = np.vstack([np.ones_like(where.frequency), 1 - blur])
    inside = np.cumsum(where.size)
    norm = np.sqrt((second * np.square(passed)).sum(axis=1, keepdims=True) * inside)
    if not norm.all():
        raise _no_cut_off()
    correlations = np.cumsum(first * passed, axis=1) / norm
    found = [peak for peak in map(_last_maximum, correlations) if peak is not None]
    if not found:
        raise _no_cut_off()
    return float(np.interp(max(found), np.arange(len(where.frequency)), where.frequency))


def _last_maximum(curve: np.ndarray) -> float | None:
    """Return the place of the highest point before the final rise of a curve, refined by a parabola [ring]."""
    end = len(curve)
    while end > 2:
        top = int(np.argmax(curve[:end]))
        if top < end - 1 and top > 0:
            break
        # the curve still rises at its end: look before the last valley
        end = _foot_of_final_rise(curve, end)
    else:
        return None
    if curve[top] < _LEAST_HEIGHT or curve[top] - curve[top:].min() < _LEAST_DROP:
        return None
    before, at, after = curve[top - 1 : top + 2]
    bend = before - 2 * at + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return top + float(np.clip(shift, -0.5, 0.5))


def _foot_of_final_rise(curve: np.ndarray, end: int) -> int:
    steps = np.diff(curve[:end])
    falling = np.flatnonzero(steps < 0)
    return min(int(falling[-1]) + 2, end - 1) if falling.size else 0


def _no_cut_off() -> FitError:
    return FitError(
        "The image shows no frequency at which structure ends and noise begins.",
        hint="Use a raw image with fine structure, more light and pixels smaller than half the resolution.",
    )


def typical(values: list[float]) -> tuple[float, float | None]:
    """Return the median of estimates from separate parts of a field, and its standard error.

    Parameters
    ----------
    values : list of float
        One estimate a part.

    Returns
    -------
    tuple
        Median, and 1.25 standard deviations over the root of their number (None for a single part).
    """
    if len(values) < 2:
        return float(np.median(values)), None
    return float(np.median(values)), math.sqrt(math.pi / 2 / len(values)) * float(np.std(values, ddof=1))
