"""Misadjustments that show in any scanned image: lines of the way back shifted, lines left out and interpolated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from scipy import fft
from scipy.signal.windows import tukey

from common.errors import AxesError, FitError
from metrology.attributes.quantity import Quantity

if TYPE_CHECKING:
    from metrology.attributes.views import PlaneView

_MOST_PIXELS = 2**19  # that are compared, in lines spread over the plane, so that the cost is bounded
_SMOOTHED_PX = 1.0  # along the lines, since noise has no shift
_WIDEST_ERROR_PX = 0.5  # beyond which the shift is not known
_PARTS = 16  # of the plane that are left out in turn for the standard error
_LARGEST_SHIFT_PX = 16
_LINE_STEPS = (2, 3, 4, 5, 6)
_LEAST_ROWS = 32


def bidirectional_shift(view: PlaneView) -> Quantity:
    """Return how far the lines scanned on the way back lie beside those of the way forth [px].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        Length of the shift along the lines and its standard error (jackknife over sixteenths of the plane) [px]; 0 for an
        adjusted scanner and for a camera.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.
    AxesError
        The plane has fewer than 32 rows or columns.
    FitError
        Neighbouring lines have nothing in common.

    Notes
    -----
    Each odd line is correlated with the mean of its two neighbours; the maximum of the correlation, interpolated by its
    spectrum, is the shift. Shifts beyond 16 px are not found. Lines run along x. The fading-out of the line ends makes
    shifts too short by 0.3 % in lines of 512 px, 2 % in lines of 128 px.
    """
    shift, error, n = signed_shift(view)
    return Quantity(abs(shift), error, n)


def signed_shift(view: PlaneView) -> tuple[float, float, int]:
    """Return the shift of odd lines to the right [px], its standard error [px] and the number of lines compared.

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    tuple of (float, float, int)
        Shift [px], standard error [px], odd lines compared.

    Raises
    ------
    ConstantImageError, AxesError, FitError
        As `bidirectional_shift`.
    """
    counts = _scanned(view)
    lines = np.arange(1, counts.shape[0] - 1, 2)
    most = max(_LEAST_ROWS, _MOST_PIXELS // counts.shape[1])
    if len(lines) > most:
        lines = lines[np.linspace(0, len(lines) - 1, most).astype(int)]
    window = tukey(counts.shape[1], 0.25).astype(np.float32)
    odd = _faded(counts[lines].astype(np.float32), window)
    even = _faded((counts[lines - 1].astype(np.float32) + counts[lines + 1]) / 2, window)
    blur = np.exp(-np.square(2 * np.pi * np.fft.rfftfreq(counts.shape[1]) * _SMOOTHED_PX))
    crossed = fft.rfft(odd) * fft.rfft(even).conj() * blur
    parts = np.array([part.sum(axis=0) for part in np.array_split(crossed, _PARTS)], dtype=np.complex128)
    whole = parts.sum(axis=0)
    shift, *others = _maxima(np.vstack([whole, whole - parts]), counts.shape[1])
    left_out = np.array(others)
    spread = np.square(left_out - left_out.mean()).sum()
    error = float(np.sqrt((_PARTS - 1) / _PARTS * spread))
    if error > _WIDEST_ERROR_PX:
        raise _nothing_in_common()
    return shift, error, len(lines)


def _faded(lines: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Return lines without their means, faded out towards their ends."""
    return np.asarray((lines - lines.mean(axis=1, keepdims=True)) * window)


def _maxima(crossed: np.ndarray, columns: int) -> list[float]:
    """Return where the correlation with each spectrum is largest [px]: on whole pixels, then by Newton's method."""
    reach = min(_LARGEST_SHIFT_PX, columns // 4)
    near = fft.irfft(crossed, columns)[:, np.arange(-reach, reach + 1)]
    best = np.argmax(near, axis=1) - reach
    if (np.abs(best) == reach).any() or (near.max(axis=1) <= 0).any():
        raise _nothing_in_common()
    refined = [_refined(one, columns, place) for one, place in zip(crossed, best, strict=True)]
    return [float(one) for one in np.clip(refined, best - 1, best + 1)]


@njit(cache=True, nogil=True)
def _refined(crossed: np.ndarray, columns: int, best: int) -> float:
    """Return where the slope of the correlation vanishes near a place [px], by Newton's method."""
    at = float(best)
    for _ in range(20):
        slope = bend = 0.0
        for order in range(len(crossed)):
            omega = 2 * np.pi * order / columns
            cosine, sine = np.cos(omega * at), np.sin(omega * at)
            slope -= omega * (crossed[order].real * sine + crossed[order].imag * cosine)
            bend -= omega * omega * (crossed[order].real * cosine - crossed[order].imag * sine)
        step = slope / bend if bend < 0 else 0.0
        at -= min(max(step, -0.5), 0.5)
        if abs(step) < 1e-6:
            break
    return at


def _nothing_in_common() -> FitError:
    return FitError(
        "Neighbouring lines of the image have too little in common to tell their shift.",
        hint="Scan a sample with structure, and with more light.",
    )


def linestep_index(view: PlaneView) -> Quantity:
    """Return how much of the image's lines is interpolated instead of scanned, 0 for none [1].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        Part of the curvature across lines that is missing in the interpolated ones, and its standard error (jackknife
        over sixteenths of the columns) [1]: near 1 for a line step of 2 to 6, near 0 for a full scan.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.
    AxesError
        The plane has fewer than 32 rows or columns.
    FitError
        The plane has no detail across its lines.

    Notes
    -----
    A linearly interpolated line has no second difference across lines. For each step n and phase the median squared second
    difference of the n − 1 lines between scanned ones is set against that of the scanned lines; the largest deficit counts,
    which lies a few per cent above 0 by chance for a full scan.
    """
    counts = _scanned(view)
    count = min(counts.shape[0], max(_LEAST_ROWS, 2 * _MOST_PIXELS // counts.shape[1]))
    first = (counts.shape[0] - count) // 2
    edges = np.linspace(0, counts.shape[1], _PARTS + 1).astype(int)
    energies = _curvatures(counts[first : first + count], edges)
    if not energies.any():
        raise FitError(
            "The image has no detail across its lines.", hint="Measure the raw image of a sample with structure."
        )
    whole = energies.sum(axis=1)
    value, step, phase = max(
        (_deficit(whole, step, phase), step, phase) for step in _LINE_STEPS for phase in range(step)
    )
    left_out = np.array([_deficit(whole - energies[:, part], step, phase) for part in range(_PARTS)])
    spread = np.square(left_out - left_out.mean()).sum()
    return Quantity(max(0.0, value), float(np.sqrt((_PARTS - 1) / _PARTS * spread)), n=len(whole))


@njit(cache=True, nogil=True)
def _curvatures(counts: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Sum the squared second differences across lines, for each line but the outer two and each part of the columns."""
    sums = np.zeros((counts.shape[0] - 2, len(edges) - 1))
    for i in range(len(sums)):
        for part in range(len(edges) - 1):
            total = 0.0
            for j in range(edges[part], edges[part + 1]):
                bend = np.float64(counts[i, j]) - 2 * np.float64(counts[i + 1, j]) + np.float64(counts[i + 2, j])
                total += bend * bend
            sums[i, part] = total
    return sums


@njit(cache=True, nogil=True)
def _deficit(energies: np.ndarray, step: int, phase: int) -> float:
    """Return one minus the curvature of the lines between the scanned ones over that of the scanned ones."""
    scanned = np.arange(len(energies)) % step == phase
    reference = np.median(energies[scanned])
    return 1 - np.median(energies[~scanned]) / reference if reference > 0 else 0.0


def _scanned(view: PlaneView) -> np.ndarray:
    view.require_contrast()
    if min(view.counts.shape) < _LEAST_ROWS:
        raise AxesError(
            f"Scan lines are compared in at least {_LEAST_ROWS} × {_LEAST_ROWS} pixels.", hint="Scan a larger field."
        )
    return view.counts
