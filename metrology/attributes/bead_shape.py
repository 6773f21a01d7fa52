"""What a single width does not say of a bead: astigmatism, asymmetry along the axis, contrast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from common.errors import FitError
from metrology.attributes.gaussian import FWHM_PER_SIGMA, fit_gaussian

if TYPE_CHECKING:
    from metrology.attributes.bead_fit import Bead
    from metrology.attributes.gaussian import Gaussian

_REACH_FWHM = 0.75  # above and below the focus, in which the squared width is a parabola of z
_LEAST_SLICES = 4
_MOST_SLICES = 9  # that are fitted, evenly spread, so that the cost is bounded


@dataclass(frozen=True, slots=True)
class Shape:
    """A signed figure of one bead and its standard error."""

    value: float
    standard_error: float


def focal_difference(stack: np.ndarray, bead: Bead, *, z_step_um: float) -> Shape:
    """Return how far above the focus of the columns (x) that of the rows (y) lies, the astigmatism of one bead [µm].

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        Counts.
    bead : Bead
        Where it is.
    z_step_um : float
        Distance of slices [µm].

    Returns
    -------
    Shape
        Distance and its standard error [µm].

    Raises
    ------
    FitError
        The bead does not widen out of focus, or too few slices show it.

    Notes
    -----
    A 2-D Gaussian is fitted in each slice near the focus; the squared width of a beam is a parabola of z, whose minimum is
    the focus (Siegman, Proc. SPIE 1868, 2 (1993)).
    """
    reach = max(2, round(_REACH_FWHM * bead.axial.fwhm_um / z_step_um))
    middle = bead.candidate.z
    stride = -(-(2 * reach + 1) // _MOST_SLICES)
    slices = range(max(0, middle - reach), min(stack.shape[0], middle + reach + 1), stride)
    fits = [(z, fit) for z in slices if (fit := _slice(stack, bead, z)) is not None]
    if len(fits) < _LEAST_SLICES:
        raise FitError("Too few slices show a bead to tell its astigmatism.", hint="Scan with finer slices.")
    foci = [_focus(np.array([z for z, _ in fits]) - middle, [fit for _, fit in fits], axis) for axis in (0, 1)]
    (y, y_error), (x, x_error) = foci
    return Shape((y - x) * z_step_um, float(np.hypot(y_error, x_error)) * z_step_um)


def _slice(stack: np.ndarray, bead: Bead, z: int) -> Gaussian | None:
    """Fit one slice; none where the bead is lost in it."""
    at = replace(bead.candidate, z=z)
    rows, columns = at.box()
    try:
        fit = fit_gaussian(stack[z, rows, columns], (rows, columns), [at.y, at.x], [at.width_y, at.width_x])
    except FitError:
        return None
    known = max(fit.sigma_error) < 0.3 * min(fit.sigma) and max(fit.sigma) < rows.stop - rows.start
    return fit if fit.height > 0 and known else None


def _focus(z: np.ndarray, fits: list[Gaussian], axis: int) -> tuple[float, float]:
    """Return the minimum of the squared width over z and its standard error [slice]."""
    sigma = np.array([fit.sigma[axis] for fit in fits])
    weights = 1 / np.square(2 * sigma * np.maximum([fit.sigma_error[axis] for fit in fits], 1e-6))
    design = np.stack([np.ones(len(z)), z, np.square(z)], axis=1)
    covariance = np.linalg.pinv(design.T @ (design * weights[:, np.newaxis]))
    values = covariance @ (design.T @ (weights * np.square(sigma)))
    misfit = weights @ np.square(np.square(sigma) - design @ values) / (len(z) - 3)
    covariance *= max(1.0, float(misfit))
    _, slope, bend = values
    if not bend > 2 * np.sqrt(covariance[2, 2]):
        raise FitError("A bead does not widen out of focus.", hint="Scan slices further above and below the focus.")
    gradient = np.array([0.0, -1 / (2 * bend), slope / (2 * bend**2)])
    return float(-slope / (2 * bend)), float(np.sqrt(gradient @ covariance @ gradient))


def axial_skew(stack: np.ndarray, bead: Bead) -> Shape:
    """Return how much wider a bead is above its focus than below it, as a part of both widths [1].

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        Counts.
    bead : Bead
        Where it is.

    Returns
    -------
    Shape
        (upper − lower)/(upper + lower) half-width of a Gaussian of two widths, and its standard error [1]; "upper" is
        towards higher slice numbers.

    Raises
    ------
    FitError
        Too few slices show the bead.
    """
    at = bead.candidate
    half = max(4, round(1.5 * at.width_z))
    first, last = max(0, at.z - half), min(stack.shape[0], at.z + half + 1)
    line = stack[first:last, at.y, at.x].astype(np.float64)
    if len(line) < 7:
        raise FitError("Too few slices show a bead to tell its symmetry.", hint="Scan more slices above and below it.")
    z = np.arange(first, last, dtype=np.float64)
    width = max(at.width_z, 1.0) / FWHM_PER_SIGMA
    start = [float(np.ptp(line)), float(at.z), np.log(width), np.log(width), float(line.min())]
    fit = least_squares(_two_sided, start, method="lm", x_scale="jac", max_nfev=400, args=(z, line))
    covariance = np.linalg.pinv(fit.jac.T @ fit.jac) * float(fit.fun @ fit.fun) / (len(line) - 5)
    difference = np.array([0.0, 0.0, -1.0, 1.0, 0.0])  # tanh of half the difference of logarithms is the figure
    value = float(np.tanh((fit.x[3] - fit.x[2]) / 2))
    error = 0.5 * (1 - value**2) * float(np.sqrt(difference @ covariance @ difference))
    if not fit.success or not np.isfinite(error):
        raise FitError("The slices do not tell a bead's symmetry.", hint="Scan more slices above and below it.")
    return Shape(value, error)


def _two_sided(values: np.ndarray, z: np.ndarray, line: np.ndarray) -> np.ndarray:
    height, centre, lower, upper, base = values
    sigma = np.exp(np.clip(np.where(z < centre, lower, upper), -10, 10))
    return np.asarray(base + height * np.exp(-0.5 * np.square((z - centre) / sigma)) - line)
