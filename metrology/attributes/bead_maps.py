"""Pictures made of all beads of a stack: their average image, and how their widths change over the field.

References
----------
Huber, Robust Statistics (1981), §7.6 and §7.8: a plane that a few clumps do not tilt, and its standard errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from common.errors import TooFewBeadsError
from metrology.attributes.bead_fit import LEAST_ROBUST, robust_scatter
from metrology.attributes.bead_selection import half_box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrology.attributes.bead_fit import Bead

_HUBER = (
    1.345  # robust standard deviations, beyond which a bead pulls no harder: 95 % of the efficiency of least squares
)
_ROUNDS = 50


@dataclass(frozen=True, slots=True, eq=False)
class AveragePsf:
    """The mean image of the beads.

    Parameters
    ----------
    intensity : ndarray, shape (Z, Y, X), odd sides
        Above the background, 1 at the fitted height of a bead; the centre of the bead in the middle voxel.
    beads : int
        How many were averaged.
    """

    intensity: np.ndarray
    beads: int


@dataclass(frozen=True, slots=True)
class Slope:
    """How a width changes over the field: a plane through the beads [µm at the middle, µm/µm] with standard errors."""

    middle_um: float
    per_um_down: float
    per_um_right: float
    per_um_down_error: float
    per_um_right_error: float


@dataclass(frozen=True, slots=True, eq=False)
class FwhmMap:
    """Widths of the beads at their places.

    Parameters
    ----------
    yx_um : ndarray, shape (beads, 2)
        Places [µm].
    fwhm_zyx_um, error_zyx_um : ndarray, shape (beads, 3)
        Widths and their standard errors [µm].
    axial, lateral_y, lateral_x : Slope
        Planes through them.
    """

    yx_um: np.ndarray
    fwhm_zyx_um: np.ndarray
    error_zyx_um: np.ndarray
    axial: Slope
    lateral_y: Slope
    lateral_x: Slope


def average_psf(
    stack: np.ndarray, beads: Sequence[Bead], *, voxel_size_zyx_um: tuple[float, float, float]
) -> AveragePsf:
    """Average the beads of a stack, each moved to the middle by a fraction of a voxel and scaled to its height.

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        Counts.
    beads : sequence of Bead
        Those measured in it.
    voxel_size_zyx_um : tuple of float
        Depth, height and width of a voxel [µm].

    Returns
    -------
    AveragePsf
        The mean image, 3 median widths on a side.

    Raises
    ------
    TooFewBeadsError
        There is no bead.

    Notes
    -----
    Cubic interpolation; slices beyond the stack are averaged over the beads that have them, 0 where none has.
    """
    if not beads:
        raise TooFewBeadsError("There is no bead to average.", hint="Scan isolated, unsaturated beads.")
    candidates = [bead.candidate for bead in beads]
    widths = [[one.width_z, one.width_y, one.width_x] for one in candidates]
    half = [half_box(round(float(width))) for width in np.median(widths, axis=0)]
    total = np.zeros([2 * size + 1 for size in half])
    weight = np.zeros_like(total)
    offsets = np.stack(np.meshgrid(*(np.arange(-size, size + 1) for size in half), indexing="ij"))
    for bead in beads:
        centre = np.array([bead.z_um, bead.y_um, bead.x_um]) / voxel_size_zyx_um
        corner = np.maximum(np.floor(centre).astype(int) - np.array(half) - 4, 0)  # a margin for the spline
        part = stack[tuple(slice(low, low + 2 * size + 10) for low, size in zip(corner, half, strict=True))]
        places = offsets + (centre - corner)[:, np.newaxis, np.newaxis, np.newaxis]
        inside = np.all([(p >= 0) & (p <= size - 1) for p, size in zip(places, part.shape, strict=True)], axis=0)
        values = ndimage.map_coordinates(part.astype(np.float64), places, order=3, mode="nearest")
        total += np.where(inside, (values - bead.background) / bead.amplitude, 0.0)
        weight += inside
    return AveragePsf(np.divide(total, weight, out=np.zeros_like(total), where=weight > 0), len(beads))


def fwhm_map(beads: Sequence[Bead]) -> FwhmMap:
    """Say how the widths of beads change over the field.

    Parameters
    ----------
    beads : sequence of Bead
        Those of one channel.

    Returns
    -------
    FwhmMap
        Places, widths, and a plane through each width.

    Raises
    ------
    TooFewBeadsError
        There are fewer than four beads, or they lie in one line.

    Notes
    -----
    The planes are fitted by least squares; of eight beads or more by Huber's M-estimate, which a clump hardly tilts.
    """
    places = np.array([(bead.y_um, bead.x_um) for bead in beads]).reshape(-1, 2)
    design = np.column_stack([np.ones(len(places)), places - places.mean(axis=0)]) if len(places) else places
    if len(places) < 4 or np.linalg.matrix_rank(design) < 3:
        raise TooFewBeadsError(
            "A map of widths needs four beads that do not lie in one line.", hint="Scan a field with more beads."
        )
    each = [(bead.axial, bead.lateral_y, bead.lateral_x) for bead in beads]
    widths = np.array([[width.fwhm_um for width in one] for one in each])
    errors = np.array([[width.standard_error_um for width in one] for one in each])
    slopes = [_slope(design, column) for column in widths.T]
    return FwhmMap(places, widths, errors, slopes[0], slopes[1], slopes[2])


def _slope(design: np.ndarray, widths: np.ndarray) -> Slope:
    inverse = np.linalg.inv(design.T @ design)
    values = inverse @ (design.T @ widths)
    pull = rest = widths - design @ values
    free = len(widths) - 3
    for _ in range(_ROUNDS if len(widths) >= LEAST_ROBUST else 0):
        limit = _HUBER * robust_scatter(rest) * math.sqrt(len(widths) / free)
        if limit == 0:
            break
        pull = np.clip(rest, -limit, limit)
        step = inverse @ (design.T @ pull)
        values, rest = values + step, rest - design @ step
        if np.abs(design @ step).max() <= 1e-6 * limit:
            break
    inside = float(np.mean(np.abs(rest) <= np.abs(pull).max()))  # part of the beads that pull in proportion
    few = 1 + 3 / len(widths) * (1 - inside) / inside
    sigma = few * math.sqrt(float(pull @ pull) / free) / inside
    errors = sigma * np.sqrt(np.diag(inverse))
    return Slope(float(values[0]), float(values[1]), float(values[2]), float(errors[1]), float(errors[2]))
