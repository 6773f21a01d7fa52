"""Fit the image of one point by Gaussians, with standard errors that allow for photon noise.

References
----------
QUAREP-LiMi WG5 protocol for lateral and axial resolution, protocols.io. Leverage of a residual: Hoaglin & Welsch,
Am. Stat. 32, 17 (1978). Sandwich of an unweighted fit with known variances: Seber & Wild, Nonlinear Regression (1989), §2.8.
Winsorised scatter: Wilcox, Introduction to Robust Estimation and Hypothesis Testing (2017), §3.3. Median absolute deviation
of few values: Croux & Rousseeuw, COMPSTAT 1992, p. 411.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from common.errors import FitError
from metrology.attributes.bead_selection import half_box
from metrology.attributes.gaussian import FWHM_PER_SIGMA, Noise, fit_gaussian, noise_of_slices
from metrology.attributes.noise import MAD_OF_NORMAL

if TYPE_CHECKING:
    from metrology.attributes.bead_selection import Candidate
    from metrology.attributes.gaussian import Gaussian

Method = Literal["2d+1d", "1d", "3d"]

_LEAST_F = 6.0  # explained over unexplained variance, each by its degrees of freedom; below, the spot is noise
_LEAST_R2 = 0.3  # part of the variance explained; below, the spot is no bead however bright
LEAST_ROBUST = 8
"""Values of which outliers are told: the median deviation of fewer is too often small by chance."""
_CLIPPED = 3.0  # robust standard deviations from the median
_CORE_FWHM = 0.25  # around the brightest voxel; with Nyquist's pixels that is this voxel alone
NARROWEST_PX = 0.5
"""At half height; the pixels hardly see a narrower bead."""


@dataclass(frozen=True, slots=True)
class Width:
    """A full width at half maximum and its standard error [µm]."""

    fwhm_um: float
    standard_error_um: float


@dataclass(frozen=True, slots=True)
class Bead:
    """One measured bead.

    Parameters
    ----------
    z_um, y_um, x_um : float
        Its centre [µm].
    axial, lateral_y, lateral_x : Width
        Its widths.
    amplitude, background : float
        Height of the lateral fit and what lies below it [count].
    r2_lateral, r2_axial : float
        Part of the variance that the fits explain; of 1-D fits, the least.
    candidate : Candidate
        Where it was found.
    centre_error_zyx_um : tuple of float
        Standard errors of its centre [µm].
    """

    z_um: float
    y_um: float
    x_um: float
    axial: Width
    lateral_y: Width
    lateral_x: Width
    amplitude: float
    background: float
    r2_lateral: float
    r2_axial: float
    candidate: Candidate
    centre_error_zyx_um: tuple[float, float, float]


def fit_bead(
    stack: np.ndarray,
    candidate: Candidate,
    *,
    voxel_size_zyx_um: tuple[float, float, float],
    method: Method = "2d+1d",
    narrowest_px: float = NARROWEST_PX,
) -> Bead:
    """Fit one bead.

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        Counts.
    candidate : Candidate
        Where the bead is and roughly how wide.
    voxel_size_zyx_um : tuple of float
        Depth, height and width of a voxel [µm].
    method : {"2d+1d", "1d", "3d"}
        A 2-D Gaussian in the brightest slice and a 1-D Gaussian along z through the brightest voxel (QUAREP WG5; where
        pixels are finer than Nyquist's, the mean of the lines within a quarter of the width around it), three 1-D
        Gaussians through the brightest voxel (MetroloJ_QC), or one 3-D Gaussian.
    narrowest_px : float
        The least width that is told [px].

    Returns
    -------
    Bead
        Centre, widths and standard errors.

    Raises
    ------
    FitError
        A fit does not converge, explains too little, or gives a width below the least or beyond its box.

    Notes
    -----
    Voxels are taken as samples at their centres, as a scanner takes them. A camera integrates over its pixel, which adds
    (0.68 pixel)² to the square of a width. From the widths of the first method the mean shift by noise is taken
    (`noise_bias`), which counts at an SNR of 10. Of a spot narrower than 1.5 pixels the place in its pixel and the width
    are hard to tell apart: between two pixels the width can be anything small. One such bead alone means little;
    `refit_undersampled` fits those of a stack near the width that they agree on.
    """
    box = _box(stack, candidate)
    candidate, lateral = _centred(stack, candidate, box)
    noise = lateral.noise
    match method:
        case "2d+1d":
            fits = (axis_fit(stack, candidate, noise=noise), 0), (lateral, 0), (lateral, 1)
        case "1d":
            lines = [(_line_fit(stack, candidate, box, axis, noise), 0) for axis in range(3)]
            fits = lines[0], lines[1], lines[2]
        case "3d":
            start = [candidate.z, candidate.y, candidate.x]
            widths = [candidate.width_z, candidate.width_y, candidate.width_x]
            whole = fit_gaussian(stack[box], box, start, widths)
            fits = (whole, 0), (whole, 1), (whole, 2)
    return _bead(candidate, fits, box, voxel_size_zyx_um, narrowest_px)


def axis_fit(stack: np.ndarray, candidate: Candidate, *, noise: Noise) -> Gaussian:
    """Fit the line along z through a bead's brightest voxel, or the mean of the lines within a quarter of its width.

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        Counts.
    candidate : Candidate
        Where the bead is and roughly how wide.
    noise : Noise
        Of a voxel; so few do not tell it themselves.

    Returns
    -------
    Gaussian
        The line, its width free of the mean shift by noise.

    Raises
    ------
    FitError
        There are too few slices, or the fit does not converge.
    """
    box = _box(stack, candidate)
    core = _core(candidate, box)
    count = int(np.count_nonzero(core))
    mean = Noise(noise.background / count, noise.per_count / count)
    line = stack[box][:, core].mean(axis=1)
    return fit_gaussian(line, box[:1], [candidate.z], [candidate.width_z], noise=mean, unbiased=True)


def _core(candidate: Candidate, box: tuple[slice, slice, slice]) -> np.ndarray:
    """Tell the pixels within a quarter of a bead's width from its brightest; one alone is also the luckiest."""
    y, x = (
        (np.arange(part.start, part.stop) - at) / (_CORE_FWHM * max(1, width))
        for part, at, width in zip(
            box[1:], (candidate.y, candidate.x), (candidate.width_y, candidate.width_x), strict=True
        )
    )
    return np.asarray(np.add.outer(np.square(y), np.square(x)) <= 1)


def _bead(
    candidate: Candidate,
    fits: tuple[tuple[Gaussian, int], tuple[Gaussian, int], tuple[Gaussian, int]],
    box: tuple[slice, ...],
    voxel_size_zyx_um: tuple[float, float, float],
    narrowest_px: float,
) -> Bead:
    """Turn the Gaussians of z, y and x into a bead, in µm."""
    for fit, _ in fits:
        _require_spot(fit)
    longest = [part.stop - part.start for part in box]
    longest[0] *= 4  # a short stack shows the top of a bead only
    widths = [
        _width(fit, axis, voxel_um, within=(narrowest_px, size))
        for (fit, axis), voxel_um, size in zip(fits, voxel_size_zyx_um, longest, strict=True)
    ]
    centres = [fit.centre[axis] * voxel for (fit, axis), voxel in zip(fits, voxel_size_zyx_um, strict=True)]
    errors = [fit.centre_error[axis] * voxel for (fit, axis), voxel in zip(fits, voxel_size_zyx_um, strict=True)]
    (axial, _), (lateral, _), (lateral_x, _) = fits
    return Bead(
        z_um=centres[0],
        y_um=centres[1],
        x_um=centres[2],
        axial=widths[0],
        lateral_y=widths[1],
        lateral_x=widths[2],
        amplitude=lateral.height,
        background=lateral.base,
        r2_lateral=min(lateral.r2, lateral_x.r2),
        r2_axial=axial.r2,
        candidate=candidate,
        centre_error_zyx_um=(errors[0], errors[1], errors[2]),
    )


def _box(stack: np.ndarray, candidate: Candidate) -> tuple[slice, slice, slice]:
    half_z = half_box(candidate.width_z)
    first, last = max(0, candidate.z - half_z), min(stack.shape[0], candidate.z + half_z + 1)
    return (slice(first, last), *candidate.box())


def _centred(stack: np.ndarray, candidate: Candidate, box: tuple[slice, slice, slice]) -> tuple[Candidate, Gaussian]:
    """Move a bead's slice to where a fit sees its focus; the brightest slice is also the luckiest and makes it narrow."""
    first = _slice_fit(stack[(candidate.z, *box[1:])], candidate, box)
    height = _line_fit(stack, candidate, box, 0, first.noise)
    candidate = replace(candidate, z=_near(candidate.z, height.centre[0], box[0]))
    image = stack[(candidate.z, *box[1:])]
    shape = _slice_fit(image, candidate, box)
    noise = noise_of_slices(_bright_slices(stack, candidate, box), box[1:], shape)
    return candidate, _slice_fit(image, candidate, box, noise)


def _near(at: int, centre: float, part: slice) -> int:
    """Return the slice of a fitted centre, at most one from the brightest."""
    moved = at + int(np.clip(round(centre - at), -1, 1))
    return int(np.clip(moved, part.start, part.stop - 1))


def _bright_slices(stack: np.ndarray, candidate: Candidate, box: tuple[slice, slice, slice]) -> np.ndarray:
    """Return the slices that show a bead at half its height or more."""
    reach = max(1, candidate.width_z // 2)
    first, last = max(box[0].start, candidate.z - reach), min(box[0].stop, candidate.z + reach + 1)
    return stack[first:last, box[1], box[2]]


def _slice_fit(image: np.ndarray, candidate: Candidate, box: tuple[slice, ...], noise: Noise | None = None) -> Gaussian:
    """Fit a bead's surroundings in one slice."""
    start, widths = [candidate.y, candidate.x], [candidate.width_y, candidate.width_x]
    return fit_gaussian(image, box[1:], start, widths, noise=noise, unbiased=noise is not None)


def _line_fit(
    stack: np.ndarray, candidate: Candidate, box: tuple[slice, slice, slice], axis: int, noise: Noise
) -> Gaussian:
    """Fit the line along an axis through the brightest voxel; so few pixels do not tell their noise, so it is given."""
    place: list[int | slice] = [candidate.z, candidate.y, candidate.x]
    start = place[axis]
    width = (candidate.width_z, candidate.width_y, candidate.width_x)[axis]
    place[axis] = box[axis]
    return fit_gaussian(stack[tuple(place)], (box[axis],), [int(start)], [width], noise=noise)  # type: ignore[arg-type]  # an index until replaced


def _require_spot(fit: Gaussian) -> None:
    if fit.height <= 0 or fit.r2 < _LEAST_R2 or fit.f_ratio < _LEAST_F:
        raise FitError(
            "A spot does not look like a bead.", hint="Scan bright, well separated sub-resolution beads.", r2=fit.r2
        )


def _width(fit: Gaussian, axis: int, voxel_um: float, *, within: tuple[float, float]) -> Width:
    """Turn a sigma in pixels into a width in µm, refusing one that the pixels do not tell or wider than the box [px]."""
    fwhm_px, error_px = fit.sigma[axis] * FWHM_PER_SIGMA, fit.sigma_error[axis] * FWHM_PER_SIGMA
    if not within[0] <= fwhm_px <= within[1]:
        raise FitError(
            "The fitted width of a bead is below half a pixel or beyond its surroundings.",
            hint="Scan well separated sub-resolution beads with smaller pixels and finer slices.",
        )
    return Width(fwhm_px * voxel_um, error_px * voxel_um)


def robust_scatter(values: np.ndarray) -> float:
    """Return the standard deviation of normal values by their median deviation from the median, whatever a few others are.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Two values or more.

    Returns
    -------
    float
        1.4826 times the median absolute deviation, corrected for their number; 0 where more than half are equal.
    """
    n = len(values)
    return float(np.median(np.abs(values - np.median(values)))) / MAD_OF_NORMAL * n / (n - 0.8)


def noisy_median(values: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """Return the median of repeated values and the larger of two standard errors: of their scatter, of their own (median).

    Parameters
    ----------
    values, errors : ndarray, shape (n,)
        Values and their standard errors.

    Returns
    -------
    tuple of float
        Median and standard error.

    Notes
    -----
    Of eight values or more the scatter is that with outliers drawn in to three robust standard deviations from the median,
    so that one value far off does not make the error of the median large.
    """
    n = len(values)
    middle = float(np.median(values))
    of_median = math.sqrt(math.pi / 2) if n > 2 else 1.0  # a median scatters more than a mean (normal law)
    reach = _CLIPPED * robust_scatter(values) if n >= LEAST_ROBUST else 0.0
    drawn_in = np.clip(values, middle - reach, middle + reach) if reach > 0 else values
    scatter = float(drawn_in.std(ddof=1)) if n > 1 else 0.0
    return middle, of_median / math.sqrt(n) * max(scatter, float(np.median(errors)))
