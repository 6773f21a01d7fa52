"""Find beads in a z-stack and keep those that can be measured; each other one keeps its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from skimage.feature import peak_local_max

from metrology.attributes.bead_smoothing import smooth_stack

if TYPE_CHECKING:
    from metrology.attributes.bead_smoothing import SmoothStack

Rejection = Literal["edge", "crowded", "saturated", "too narrow", "fit", "merged", "undersampled"]

# of the usual bead above background; the side lobes of a point are below 0.02, rings of SA below 0.15
_MIN_CONTRAST = 0.2
_MIN_SIGMAS = 6.0  # above the noise of the background
_MIN_WIDTH_PX = 1.5  # at half height; narrower is a hot pixel or badly undersampled
_BOX_WIDTHS = 1.5  # half side of the fitted box, in widths: the flanks down to 0.2 % of a Gaussian
_LEAST_SEEN = 0.02  # of the brightest spot; the light of what is fainter is not added up
_MAX_CANDIDATES = 400
_LOOK_PX = 2  # around a peak, where its saturated voxels are looked for


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bright spot: where its brightest voxel is, how wide it is at half height, and why it is not measured, if so.

    Parameters
    ----------
    z, y, x : int
        Brightest voxel [px].
    width_z, width_y, width_x : int
        Extent at half height through that voxel [px].
    rejection : str or None
        "edge", "crowded", "saturated", "too narrow" or, after fitting, "fit", "merged" or "undersampled".
    """

    z: int
    y: int
    x: int
    width_z: int
    width_y: int
    width_x: int
    rejection: Rejection | None = None

    def box(self) -> tuple[slice, slice]:
        """Rows and columns in which the bead is fitted."""
        half_y, half_x = half_box(self.width_y), half_box(self.width_x)
        return slice(self.y - half_y, self.y + half_y + 1), slice(self.x - half_x, self.x + half_x + 1)


def half_box(width: int) -> int:
    """Return half the side of the fitted box [px].

    Parameters
    ----------
    width : int
        Extent of the bead at half height [px].

    Returns
    -------
    int
        One and a half widths, at least 3 [px].
    """
    return max(3, round(_BOX_WIDTHS * width))


def find_beads(stack: np.ndarray, *, largest_count: int) -> list[Candidate]:
    """Find bright spots in a z-stack, brightest first.

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        Counts of one channel.
    largest_count : int
        Count at which the detector saturates.

    Returns
    -------
    list of Candidate
        Every spot brighter than a fifth of the usual one and than six times the noise, with the reason why it is not
        measured.
    """
    smooth = smooth_stack(stack)
    projection, background = smooth.projection, smooth.background
    peaks = peak_local_max(
        projection,
        min_distance=2,
        threshold_abs=background + _MIN_SIGMAS * smooth.noise,
        exclude_border=False,
        num_peaks=_MAX_CANDIDATES,
    )
    if not len(peaks):
        return []
    heights = projection[tuple(peaks.T)] - background
    peaks = peaks[heights > _MIN_CONTRAST * _usual_height(stack, peaks, heights, largest_count)]
    spots = [_spot(smooth, int(y), int(x)) for y, x in peaks]
    distinct = _without_shoulders(spots, projection, background)
    return [_judged(spot, distinct, stack, largest_count) for spot in distinct]


def _usual_height(stack: np.ndarray, peaks: np.ndarray, heights: np.ndarray, largest_count: int) -> float:
    """Return the height at which half of the light of all beads lies, so that one lump of dirt does not hide them all.

    The light of many faint specks, or of the side lobes of one point, is little beside that of the beads. Saturated lumps
    and hot pixels do not count, unless there is nothing else.
    """
    bright = heights > _LEAST_SEEN * heights[0]
    usual = [
        float(height)
        for peak, height in zip(peaks[bright], heights[bright], strict=True)
        if _may_be_bead(stack, peak, largest_count)
    ]
    if not usual:
        return float(heights[0])
    light = np.cumsum(usual)  # the brightest first
    return usual[int(np.searchsorted(light, light[-1] / 2))]


def _may_be_bead(stack: np.ndarray, peak: np.ndarray, largest_count: int) -> bool:
    """Say whether a peak is neither saturated nor a single bright voxel."""
    rows, columns = (slice(max(0, int(at) - _LOOK_PX), int(at) + _LOOK_PX + 1) for at in peak)
    around = stack[:, rows, columns]
    low, high = float(np.median(around)), float(around.max())
    is_single = int(np.count_nonzero(around > (low + high) / 2)) == 1
    return not is_single and not _is_saturated(stack, rows, columns, largest_count)


def _is_saturated(stack: np.ndarray, rows: slice, columns: slice, largest_count: int) -> bool:
    return int(np.count_nonzero(stack[:, rows, columns] >= largest_count)) > 1


def _spot(smooth: SmoothStack, y: int, x: int) -> Candidate:
    """Measure the widths at half height of the lines through a peak."""
    column = smooth.line((0, y, x), 0)
    z = int(np.argmax(column))
    half = (float(smooth.projection[y, x]) + smooth.background) / 2
    lines = (column, z), (smooth.line((z, y, x), 1), y), (smooth.line((z, y, x), 2), x)
    width_z, width_y, width_x = (_extent(line, at, half) for line, at in lines)
    return Candidate(z, y, x, width_z, width_y, width_x)


def _extent(line: np.ndarray, at: int, half: float) -> int:
    """Count the neighbours of a peak that are above half height."""
    below = np.flatnonzero(line < half)
    left, right = below[below < at], below[below > at]
    return int((right[0] if right.size else line.size) - (left[-1] if left.size else -1) - 1)


def _without_shoulders(spots: list[Candidate], projection: np.ndarray, background: float) -> list[Candidate]:
    """Drop maxima on the slope of a brighter spot: no valley at half of their height lies between."""
    kept: list[Candidate] = []
    for spot in sorted(spots, key=lambda one: -float(projection[one.y, one.x])):
        half = (float(projection[spot.y, spot.x]) + background) / 2
        if all(_valley(projection, spot, other) < half for other in kept):
            kept.append(spot)
    return kept


def _valley(projection: np.ndarray, one: Candidate, other: Candidate) -> float:
    """Return the lowest value on the straight line between two spots."""
    steps = max(abs(one.y - other.y), abs(one.x - other.x)) + 1
    rows = np.rint(np.linspace(one.y, other.y, steps)).astype(int)
    columns = np.rint(np.linspace(one.x, other.x, steps)).astype(int)
    return float(projection[rows, columns].min())


def _judged(spot: Candidate, all_spots: list[Candidate], stack: np.ndarray, largest_count: int) -> Candidate:
    reason = _reason(spot, all_spots, stack, largest_count)
    return Candidate(spot.z, spot.y, spot.x, spot.width_z, spot.width_y, spot.width_x, reason)


def _reason(spot: Candidate, all_spots: list[Candidate], stack: np.ndarray, largest_count: int) -> Rejection | None:
    slices, rows, columns = stack.shape
    half_y, half_x = half_box(spot.width_y), half_box(spot.width_x)
    around = slice(max(0, spot.y - half_y), spot.y + half_y + 1), slice(max(0, spot.x - half_x), spot.x + half_x + 1)
    if _is_saturated(stack, *around, largest_count):
        return "saturated"
    inside_yx = half_y <= spot.y < rows - half_y and half_x <= spot.x < columns - half_x
    # one width of flank on each side is enough in z: short stacks are common
    inside_z = spot.width_z / 2 <= spot.z - 0.5 and spot.z + 0.5 <= slices - 1 - spot.width_z / 2
    if not (inside_yx and inside_z):
        return "edge"
    if min(spot.width_y, spot.width_x) < _MIN_WIDTH_PX:
        return "too narrow"
    return "crowded" if any(_too_near(spot, other) for other in all_spots if other is not spot) else None


def _too_near(spot: Candidate, other: Candidate) -> bool:
    """Whether the flank of another bead reaches into the box."""
    reach_y = half_box(spot.width_y) + other.width_y
    reach_x = half_box(spot.width_x) + other.width_x
    return abs(spot.y - other.y) <= reach_y and abs(spot.x - other.x) <= reach_x
