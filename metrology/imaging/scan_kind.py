"""What kind of scan an image is: a single field or tiles, one plane or a stack, one time point or a time-lapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metrology.imaging.stack import Sourced

if TYPE_CHECKING:
    from metrology.imaging.mosaics import TileGrid
    from metrology.imaging.stack import ImageStack

LARGEST_FIELD_PX = 2048
"""Detectors of a larger side are rare: a larger image may be a stitched tile scan that does not say so [px]."""


def scan_kind(stack: ImageStack, tiles: TileGrid | None) -> dict[str, Sourced]:
    """Tell what kind of scan an image is, with where each part is known from.

    Parameters
    ----------
    stack : ImageStack
        Shape (T, C, Z, Y, X).
    tiles : TileGrid or None
        How the fields of a mosaic lie; one that the file does not state itself was told from the size of the image.

    Returns
    -------
    dict of str to Sourced
        `scan_fields`, `scan_depth` and `scan_time`, in words. The fields of an image without tiles whose side is more than
        `LARGEST_FIELD_PX` are not known and not in it.
    """
    size_t, _, size_z, *sides = stack.shape_tczyx
    found = {
        "scan_depth": Sourced("stack" if size_z > 1 else "single plane", "slices of the file"),
        "scan_time": Sourced("time-lapse" if size_t > 1 else "single time point", "time points of the file"),
    }
    if tiles is not None:
        source = "default: from the size of the image" if stack.tile_grid is None else "tiles of the file"
        found["scan_fields"] = Sourced(f"tile scan of {tiles.rows} × {tiles.columns} fields", source)
    elif max(sides) <= LARGEST_FIELD_PX:
        found["scan_fields"] = Sourced("single field", "default: from the size of the image, without tiles")
    return found
