"""Lay the fields of a tile scan beside one another, and cut a mosaic back into its fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from common.errors import AxesError
from metrology.imaging.stack import Sourced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

STAGE_TOLERANCE = 0.1
"""How far a field may lie from its place in the grid: stages stop within a few per cent of a field [fields]."""


@dataclass(frozen=True, slots=True)
class TileGrid:
    """How the fields of a mosaic lie.

    Parameters
    ----------
    rows, columns : int
        Number of fields down and across.
    tile_shape : tuple of int
        Rows and columns of one field [px].
    overlap_yx : tuple of int
        Pixels that neighbours share, down and across; 0 in a stitched image cut anew.
    """

    rows: int
    columns: int
    tile_shape: tuple[int, int]
    overlap_yx: tuple[int, int] = (0, 0)

    def __len__(self) -> int:
        return self.rows * self.columns

    @property
    def shape_yx(self) -> tuple[int, int]:
        """Rows and columns of the mosaic [px]."""
        (height, width), (share_y, share_x) = self.tile_shape, self.overlap_yx
        return height + (self.rows - 1) * (height - share_y), width + (self.columns - 1) * (width - share_x)

    def slices(self) -> Iterator[tuple[slice, slice]]:
        """Yield the rows and columns of each field, row by row."""
        (height, width), (share_y, share_x) = self.tile_shape, self.overlap_yx
        for row in range(self.rows):
            for column in range(self.columns):
                top, left = row * (height - share_y), column * (width - share_x)
                yield slice(top, top + height), slice(left, left + width)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which field of a tile scan lies where.

    Parameters
    ----------
    grid : TileGrid
        The grid that the fields form.
    order : tuple of int
        Field number at each place of the grid, row by row.
    gap_yx : tuple of int
        Pixels between neighbours that the stage skipped, down and across; the fields are laid edge to edge.
    """

    grid: TileGrid
    order: tuple[int, ...]
    gap_yx: tuple[int, int] = (0, 0)

    def sourced(self, place: str) -> Sourced:
        """Return the number of fields, with how they were laid beside one another."""
        grid = self.grid
        how = f"{place}: {grid.rows} rows × {grid.columns} columns by stage position, x to the right and y down"
        if any(self.gap_yx):
            how += f", edge to edge although the stage skipped {self.gap_yx[0]} px down and {self.gap_yx[1]} px across"
        elif any(grid.overlap_yx):
            how += f", overlapping by {grid.overlap_yx[0]} px down and {grid.overlap_yx[1]} px across"
        return Sourced(len(grid), how)


def join_fields(
    positions_yx: Sequence[tuple[float, float]],
    *,
    tile_shape: tuple[int, int],
    pixel_size_um: tuple[float, float] | None,
) -> Layout | None:
    """Find the grid that stage positions form.

    Parameters
    ----------
    positions_yx : sequence of (y, x)
        Where the stage stood for each field [µm]; x grows to the right of the mosaic and y downwards.
    tile_shape : tuple of int
        Rows and columns of one field [px].
    pixel_size_um : tuple of float, optional
        Height and width of a pixel [µm].

    Returns
    -------
    Layout or None
        None where they form no grid: one field only, a field missing or twice, uneven steps, or no pixel size.

    Notes
    -----
    Every field is put at its place in the even grid, at most `STAGE_TOLERANCE` of a field from where the stage stood;
    seams are not corrected by what the images show. Fields apart from one another (wells) are laid edge to edge.
    """
    if len(positions_yx) < 2 or pixel_size_um is None or not np.isfinite(positions_yx).all():
        return None
    pixels = np.asarray(positions_yx, dtype=np.float64) / np.asarray(pixel_size_um)
    (rows, step_y), (columns, step_x) = (
        _ranks(pixels[:, axis], tolerance=STAGE_TOLERANCE * tile_shape[axis]) for axis in (0, 1)
    )
    if rows is None or columns is None:
        return None
    size_y, size_x = max(rows) + 1, max(columns) + 1
    places = {place: number for number, place in enumerate(zip(rows, columns, strict=True))}
    if not len(positions_yx) == len(places) == size_y * size_x:
        return None
    shares = [tile - step if step else 0 for tile, step in zip(tile_shape, (step_y, step_x), strict=True)]
    overlap_y, overlap_x = (max(share, 0) for share in shares)
    gap_y, gap_x = (max(-share, 0) for share in shares)
    order = tuple(places[row, column] for row in range(size_y) for column in range(size_x))
    return Layout(TileGrid(size_y, size_x, tile_shape, (overlap_y, overlap_x)), order, (gap_y, gap_x))


def _ranks(along: np.ndarray, *, tolerance: float) -> tuple[list[int] | None, int]:
    """Return the rank of each coordinate among the lines of a grid, and the step of the lines [px]; None if uneven."""
    lines: list[list[float]] = []
    for value in np.sort(along):
        if lines and value - lines[-1][-1] <= tolerance:
            lines[-1].append(float(value))
        else:
            lines.append([float(value)])
    centres = np.array([np.mean(line) for line in lines])
    step = float(np.median(np.diff(centres))) if len(lines) > 1 else 0.0
    even = centres[0] + step * np.arange(len(lines))
    ranks = [int(np.argmin(np.abs(centres - value))) for value in along]
    if np.abs(along - even[ranks]).max() > tolerance:
        return None, 0
    return ranks, round(step)


def mosaic_decoder(
    fields: Sequence[Callable[[int, int, int], np.ndarray]], layout: Layout, dtype: np.dtype
) -> Callable[[int, int, int], np.ndarray]:
    """Return what reads one plane of a mosaic from the planes of its fields.

    Parameters
    ----------
    fields : sequence of callable (t, c, z) -> ndarray, shape (Y, X)
        Reads one plane of a field, in the file's order.
    layout : Layout
        Which field lies where.
    dtype : dtype
        Type of number of a pixel.

    Returns
    -------
    callable (t, c, z) -> ndarray, shape (Y, X)
        Where fields overlap, the later one in row order is seen; counts are never mixed.
    """

    def decode(t: int, c: int, z: int) -> np.ndarray:
        mosaic = np.zeros(layout.grid.shape_yx, dtype)
        for where, number in zip(layout.grid.slices(), layout.order, strict=True):
            mosaic[where] = fields[number](t, c, z)
        return mosaic

    return decode


def tile_grid(shape_yx: tuple[int, int], *, tile_px: int = 1024, overlap_px: int = 0) -> TileGrid:
    """Lay square fields over a mosaic; what does not fill a field at the lower and right edge is left out.

    Parameters
    ----------
    shape_yx : tuple of int
        Rows and columns of the mosaic [px].
    tile_px : int
        Side of a field [px].
    overlap_px : int
        Pixels that neighbours share.

    Returns
    -------
    TileGrid
        A 5120 × 5120 mosaic has 5 × 5 fields of 1024. An image smaller than one field is one field of its own size.

    Raises
    ------
    AxesError
        The overlap is not smaller than the field.
    """
    if not 0 <= overlap_px < tile_px:
        raise AxesError(
            f"Fields of {tile_px} pixels cannot overlap by {overlap_px}.",
            hint="Give an overlap smaller than the field.",
        )
    tile_shape = (min(tile_px, shape_yx[0]), min(tile_px, shape_yx[1]))
    step = tile_px - overlap_px
    rows, columns = (1 + (size - tile) // step for size, tile in zip(shape_yx, tile_shape, strict=True))
    return TileGrid(rows, columns, tile_shape, (overlap_px, overlap_px))


def split_mosaic(plane: np.ndarray, *, tile_px: int = 1024, overlap_px: int = 0) -> list[np.ndarray]:
    """Cut a mosaic into its fields.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        The mosaic.
    tile_px, overlap_px : int
        Side of a field and pixels that neighbours share [px].

    Returns
    -------
    list of ndarray
        Views of the mosaic, row by row.
    """
    grid = tile_grid((plane.shape[0], plane.shape[1]), tile_px=tile_px, overlap_px=overlap_px)
    return [plane[where] for where in grid.slices()]
