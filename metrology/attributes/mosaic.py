"""What a tile scan tells of the stage and of the field: tilt across the tiles, their range of brightness, their seams."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from common.errors import AxesError, ConstantImageError, FitError, MissingMetadataError
from metrology.attributes.quantity import Quantity

if TYPE_CHECKING:
    from metrology.attributes.views import PlaneView
    from metrology.imaging.mosaics import TileGrid

UM_PER_MM = 1000.0
_ROUNDING = 1e-9  # of the largest value; what differs by less does so by the rounding of a mean
_SEAM_PX = 4  # on each side of a border, that are compared
_FURTHER_PX = 12  # pairs of lines inside the tiles, that tell how much neighbours differ without a seam


@dataclass(frozen=True, slots=True)
class Tilt:
    """A plane through the tiles: relative change per mm down and to the right, and the standard errors [1/mm]."""

    down: float
    right: float
    down_error: float
    right_error: float


class MosaicView:
    """A mosaic and how its tiles lie.

    Parameters
    ----------
    plane : PlaneView
        The stitched plane, with its pixel size.
    grid : TileGrid
        How the fields lie.
    """

    def __init__(self, plane: PlaneView, grid: TileGrid) -> None:
        if grid.rows < 2 or grid.columns < 2:
            raise AxesError("A mosaic has at least 2 × 2 tiles.", hint="Scan more tiles.")
        if any(need > size for need, size in zip(grid.shape_yx, plane.counts.shape, strict=True)):
            raise AxesError("The tiles do not lie in the plane.", hint="Give the grid of the stitched image.")
        self.plane, self.grid = plane, grid

    @cached_property
    def means(self) -> np.ndarray:
        """Mean of each tile, shape (rows, columns) [count]."""
        each = [self.plane.counts[where].mean(dtype=np.float64) for where in self.grid.slices()]
        means = np.array(each).reshape(self.grid.rows, self.grid.columns)
        if not means.max() > 0:
            raise ConstantImageError("The mosaic is black.", hint="Check that the shutter was open and the light on.")
        return means


def tile_intensity_range(view: MosaicView) -> Quantity:
    """Return (brightest − dimmest)/(brightest + dimmest) of the means of the tiles [1].

    Parameters
    ----------
    view : MosaicView
        The mosaic.

    Returns
    -------
    Quantity
        0 for tiles of equal brightness [1], with their number.

    Raises
    ------
    ConstantImageError
        The mosaic is black.
    """
    low, high = float(view.means.min()), float(view.means.max())
    return Quantity((high - low) / (high + low), n=view.means.size)


def tilt_per_mm(view: MosaicView) -> Quantity:
    """Steepest change of brightness across the tiles, as a part of the mean, over a millimetre [%/mm].

    Parameters
    ----------
    view : MosaicView
        The mosaic.

    Returns
    -------
    Quantity
        Length of the gradient and its standard error [%/mm], with the number of tiles.

    Raises
    ------
    MissingMetadataError
        The file does not say its pixel size.
    ConstantImageError
        The mosaic is black.
    FitError
        Fewer than five tiles: the fit has no residuals.
    """
    tilt = fit_tilt(view.means / view.means.mean(), tile_size_mm=_tile_size_mm(view))
    length, error = _gradient(tilt)
    return Quantity(100 * length, 100 * error, view.means.size)


def fit_tilt(values: np.ndarray, *, tile_size_mm: tuple[float, float]) -> Tilt:
    """Fit a plane through one value a tile, such as its mean or the height of its focus.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        One value a tile [any unit].
    tile_size_mm : tuple of float
        Height and width of a tile [mm].

    Returns
    -------
    Tilt
        Slopes and their standard errors [unit/mm]; 0 where the values are equal but for rounding.

    Raises
    ------
    FitError
        There are fewer than five tiles, or they lie in one line.
    """
    rows, columns = values.shape
    if values.size < 5 or min(rows, columns) < 2:
        raise FitError("A tilt needs at least five tiles, not in one line.", hint="Scan more tiles.")
    if np.ptp(values) <= _ROUNDING * np.abs(values).max():
        return Tilt(0.0, 0.0, 0.0, 0.0)
    down, right = (np.arange(count) - (count - 1) / 2 for count in (rows, columns))
    y, x = np.meshgrid(down * tile_size_mm[0], right * tile_size_mm[1], indexing="ij")
    slope_y, slope_x = (float((axis * values).sum() / np.square(axis).sum()) for axis in (y, x))
    rest = values - values.mean() - slope_y * y - slope_x * x
    sigma = math.sqrt(float(np.square(rest).sum()) / (values.size - 3))
    errors = [sigma / math.sqrt(float(np.square(axis).sum())) for axis in (y, x)]
    return Tilt(slope_y, slope_x, errors[0], errors[1])


def seam_contrast(view: MosaicView) -> Quantity:
    """Step of brightness across the borders of tiles, beyond what neighbours differ by anyway [1].

    Parameters
    ----------
    view : MosaicView
        The mosaic.

    Returns
    -------
    Quantity
        Mean relative step across the seams less that across places inside the tiles, and its standard error from the scatter
        of the seams [1]; about 0 without seams.

    Raises
    ------
    AxesError
        The tiles have fewer than 64 pixels a side.
    ConstantImageError
        The mosaic is black.

    Notes
    -----
    The step is the difference of the means of four lines on each side of a border, along one tile, over their mean.
    """
    if min(view.grid.tile_shape) < 64:
        raise AxesError("Seams are told on tiles of at least 64 pixels a side.", hint="Scan larger tiles.")
    _ = view.means
    (height, width), (share_y, share_x) = view.grid.tile_shape, view.grid.overlap_yx
    down = [(height - share_y) * row + share_y // 2 for row in range(view.grid.rows)]
    right = [(width - share_x) * column + share_x // 2 for column in range(view.grid.columns)]
    rows, columns = view.grid.shape_yx
    counts = view.plane.counts[:rows, :columns]
    pairs = [_steps(counts, down[1:], right[1:]), _steps(counts.T, right[1:], down[1:])]
    excess = np.concatenate([seams - inside for seams, inside in pairs])
    error = float(excess.std(ddof=1)) / math.sqrt(len(excess)) if len(excess) > 1 else None
    return Quantity(float(excess.mean()), error, len(excess))


def _steps(counts: np.ndarray, seams: list[int], cuts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the relative steps across the seams at these rows, and across places beside them, one a piece between cuts."""

    def steps(at: int) -> np.ndarray:
        before, after = (
            np.array([piece.mean(dtype=np.float64) for piece in np.split(counts[part], cuts, axis=1)])
            for part in (slice(at - _SEAM_PX, at), slice(at, at + _SEAM_PX))
        )
        total = before + after
        return np.asarray(2 * np.abs(after - before) / np.where(total > 0, total, 1.0))

    inside = [(steps(at - _FURTHER_PX) + steps(at + _FURTHER_PX)) / 2 for at in seams]
    return np.concatenate([steps(at) for at in seams]), np.concatenate(inside)


def _tile_size_mm(view: MosaicView) -> tuple[float, float]:
    width_um = view.plane.pixel_size_um
    if width_um is None:
        raise MissingMetadataError(
            "A tilt per millimetre needs the pixel size.",
            hint="Type the pixel size in, or export the image as OME-TIFF.",
            field="pixel_size_um",
        )
    height, width = view.grid.tile_shape
    return height * (view.plane.pixel_size_y_um or width_um) / UM_PER_MM, width * width_um / UM_PER_MM


def _gradient(tilt: Tilt) -> tuple[float, float]:
    length = math.hypot(tilt.down, tilt.right)
    if length == 0:
        return 0.0, math.hypot(tilt.down_error, tilt.right_error)
    return length, math.hypot(tilt.down * tilt.down_error, tilt.right * tilt.right_error) / length
