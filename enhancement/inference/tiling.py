"""Cut a plane into overlapping tiles and join what became of them, without seams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def tile_starts(length_px: int, *, tile_px: int, overlap_px: int) -> list[int]:
    """Return where tiles begin along one axis; the last one ends with the plane.

    Parameters
    ----------
    length_px : int
        Size of the plane along the axis, at least `tile_px` [px].
    tile_px : int
        Side of a tile [px].
    overlap_px : int
        Least overlap of neighbours [px].

    Returns
    -------
    list of int
        First pixel of each tile, increasing.
    """
    last = length_px - tile_px
    return [*range(0, last, tile_px - overlap_px), last]


def map_tiles(
    plane: NDArray[Any],
    function: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    *,
    tile_px: int = 256,
    overlap_px: int = 32,
    on_progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Apply a function that works on tiles to a plane of any size.

    Neighbouring tiles share a band. Its outer quarters, where a tile lacks context, are dropped; across its middle
    half one tile
    fades into the next. A function that returns its input gives back the plane exactly.

    Parameters
    ----------
    plane : (Y, X) array
        Any size; planes smaller than a tile are extended by reflection and cut again.
    function : callable
        Turns a (tile_px, tile_px) float32 array into another of the same shape.
    tile_px : int
        Side of a tile [px].
    overlap_px : int
        Width of the shared band [px], less than half a tile.
    on_progress : callable, optional
        Called with (tiles done, tiles in all) after each tile.

    Returns
    -------
    (Y, X) float32 array
        The joined plane.

    Raises
    ------
    InputError
        If the overlap is negative or not less than half a tile.
    """
    if not 0 <= overlap_px < tile_px / 2:
        raise InputError(
            f"Tiles of {tile_px} px cannot overlap by {overlap_px} px.",
            hint="Choose an overlap of less than half a tile.",
            tile_px=tile_px,
            overlap_px=overlap_px,
        )
    height, width = plane.shape
    padding = [(0, max(0, tile_px - height)), (0, max(0, tile_px - width))]
    padded = np.pad(np.asarray(plane, np.float32), padding, mode="symmetric")
    rows = tile_starts(padded.shape[0], tile_px=tile_px, overlap_px=overlap_px)
    columns = tile_starts(padded.shape[1], tile_px=tile_px, overlap_px=overlap_px)
    joined = np.zeros_like(padded)
    for row_index, top in enumerate(rows):
        strip = np.zeros((tile_px, padded.shape[1]), np.float32)
        for column_index, left in enumerate(columns):
            tile = function(padded[top : top + tile_px, left : left + tile_px].copy())
            window = strip[:, left : left + tile_px]
            window += _fade_in(columns, column_index, tile_px=tile_px) * (tile - window)
            if on_progress is not None:
                on_progress(row_index * len(columns) + column_index + 1, len(rows) * len(columns))
        band = joined[top : top + tile_px]
        band += _fade_in(rows, row_index, tile_px=tile_px)[:, None] * (strip - band)
    return joined[:height, :width].copy()


def _fade_in(starts: list[int], index: int, *, tile_px: int) -> NDArray[np.float32]:
    """Return the share of a tile beside the last one: rising from 0 to 1 over the middle half of their band."""
    share = np.ones(tile_px, np.float32)
    if index == 0:
        return share
    band = tile_px - (starts[index] - starts[index - 1])
    ramp = (np.arange(band) + 0.5 - band / 4) / max(band / 2, 1)
    share[:band] = np.clip(ramp, 0.0, 1.0)
    return share
