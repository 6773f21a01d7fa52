"""Cut a mosaic (tile scan) back into its fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.errors import AxesError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np


@dataclass(frozen=True, slots=True)
class TileGrid:
    """How the fields of a mosaic lie.

    Parameters
    ----------
    rows, columns : int
        Number of fields down and across.
    tile_shape : tuple of int
        Rows and columns of one field [px].
    overlap : int
        Pixels that neighbours share; 0 in a stitched image cut anew.
    """

    rows: int
    columns: int
    tile_shape: tuple[int, int]
    overlap: int = 0

    def __len__(self) -> int:
        return self.rows * self.columns

    def slices(self) -> Iterator[tuple[slice, slice]]:
        """Yield the rows and columns of each field, row by row."""
        height, width = self.tile_shape
        for row in range(self.rows):
            for column in range(self.columns):
                top, left = row * (height - self.overlap), column * (width - self.overlap)
                yield slice(top, top + height), slice(left, left + width)


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
    return TileGrid(rows, columns, tile_shape, overlap_px)


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
