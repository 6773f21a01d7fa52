"""Open Nikon ND2 through nd2 (https://tlambert03.github.io/nd2/)."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any

import nd2
import numpy as np

from common.errors import AxesError
from metrology.imaging.lazy import LazyPlanes, Opened
from metrology.imaging.mosaics import join_fields, mosaic_decoder
from metrology.imaging.nikon_metadata import metadata_from_file
from metrology.imaging.stack import Sourced
from metrology.imaging.trust import check_expansion, check_pixels, damaged, refuse_entities, saying_damage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from metrology.imaging.mosaics import Layout
    from metrology.imaging.stack import Metadata

_KIND = "Nikon ND2"
_LARGEST_XML = 256 * 1024**2


def open_image(path: Path, *, max_pixels: int) -> Opened:
    """Open an ND2 of the chunked kind (NIS-Elements 3.2 and later).

    Parameters
    ----------
    path : Path
        The file.
    max_pixels : int
        Largest z-stack of one channel [px].

    Returns
    -------
    Opened
        Several stage positions that form a grid as a mosaic, else the first of them.

    Raises
    ------
    UnreadableImageError
        Damaged, promising more than it holds, or with frames missing.
    AxesError
        Colour, or loops that Strehl does not know.
    TooLargeError
        A z-stack of more than `max_pixels`.
    """
    with contextlib.ExitStack() as held:
        with saying_damage(path, kind=_KIND):
            opened = held.enter_context(nd2.ND2File(path))
            _refuse_entities(opened)
            sizes = dict(opened.sizes)
        _check_axes(sizes)
        shape = (sizes.get("T", 1), sizes.get("C", 1), sizes.get("Z", 1), sizes["Y"], sizes["X"])
        with saying_damage(path, kind=_KIND):
            loops = [axis for axis in sizes if axis in "TPZ"]
            _check_claims(path, opened, frames=math.prod(sizes[axis] for axis in loops))
            metadata = metadata_from_file(opened)
            layout = _layout(opened, sizes, metadata)
        check_pixels(shape, max_pixels=max_pixels)
        fields = [_decoder(opened, sizes, loops, field) for field in range(sizes.get("P", 1))]
        decode, dtype = fields[0], np.dtype(opened.dtype)
        if layout is not None:
            decode = mosaic_decoder(fields, layout, dtype)
            shape = (*shape[:3], *layout.grid.shape_yx)
            check_pixels(shape, max_pixels=max_pixels)
            metadata = metadata.with_fields(fields_of_view=layout.sourced("ND2 XYPosLoop"))
        elif len(fields) > 1:
            metadata = metadata.with_fields(images_in_file=Sourced(len(fields), "ND2 XYPosLoop"))
        planes = LazyPlanes(path, _KIND, shape, dtype, decode, held.pop_all().close)
    return Opened(planes, metadata, _KIND, layout.grid if layout else None)


def _refuse_entities(opened: nd2.ND2File) -> None:
    """Look into the chunks that are XML before the library parses them."""
    reader: Any = opened._rdr  # the chunks, which the library shows nowhere else (nd2 is pinned)
    for name, (_, size) in reader.chunkmap.items():
        if not name.startswith(b"ImageDataSeq|") and size <= _LARGEST_XML:
            content = reader._load_chunk(name)
            if content[:1] == b"<":
                refuse_entities(content.replace(b"\0", b"").decode("utf-8", errors="replace"))  # UTF-16 has zeros


def _check_axes(sizes: dict[str, int]) -> None:
    if sizes.get("S", 1) > 1:
        raise AxesError(
            "The image is a colour (RGB) picture, not detector counts.",
            hint="Export the raw channels, one grey-level plane each.",
        )
    if not {"Y", "X"} <= set(sizes) <= set("TPZCYXS"):
        raise AxesError(
            f"The image has axes that Strehl does not know ({''.join(sizes)}).",
            hint="Export it with the axes time, channel, z, y and x only.",
            axes="".join(sizes),
        )


def _check_claims(path: Path, opened: nd2.ND2File, *, frames: int) -> None:
    """Find every frame inside the file: the library shows a missing one as black."""
    reader: Any = opened._rdr  # as in _refuse_entities
    attributes = opened.attributes
    size = path.stat().st_size
    frame_bytes = attributes.heightPx * (attributes.widthBytes or 0)
    packed = attributes.compressionType is not None
    places = [reader._frame_offsets.get(number) for number in range(frames)]
    missing = sum(place is None for place in places)
    if missing:
        raise damaged(path, f"{missing} of {frames} frames are missing", kind=_KIND)
    if max(place for place in places if place is not None) + (0 if packed else frame_bytes) > size:
        raise damaged(path, "frames beyond the end of the file", kind=_KIND)
    check_expansion(path, claimed=frames * frame_bytes, stored=size, compressed=packed, kind=_KIND)


def _layout(opened: nd2.ND2File, sizes: dict[str, int], metadata: Metadata) -> Layout | None:
    """Return how the stage positions lie, or None where they form no grid."""
    loop: Any = next((one for one in opened.experiment if one.type == "XYPosLoop"), None)
    pixel_um = metadata.value("pixel_size_um")
    if loop is None or pixel_um is None or len(loop.parameters.points) != sizes.get("P", 1):
        return None
    points = [point.stagePositionUm for point in loop.parameters.points]
    return join_fields(
        [(float(point.y), float(point.x)) for point in points],
        tile_shape=(sizes["Y"], sizes["X"]),
        pixel_size_um=(metadata.value("pixel_size_y_um", pixel_um), pixel_um),
    )


def _decoder(
    opened: nd2.ND2File, sizes: dict[str, int], loops: list[str], field: int
) -> Callable[[int, int, int], np.ndarray]:
    """Return what reads one plane: a frame of the file holds all channels of one step of the loops."""

    def decode(t: int, c: int, z: int) -> np.ndarray:
        where = {"T": t, "P": field, "Z": z}
        steps = tuple(where[axis] for axis in loops)
        number = int(np.ravel_multi_index(steps, [sizes[axis] for axis in loops])) if loops else 0
        frame = np.asarray(opened.read_frame(number))
        return frame[c].copy() if "C" in sizes else frame.copy()  # not a view of the mapped file

    return decode
