"""Open Zeiss CZI through libCZI (https://zeiss.github.io/libczi/), with what it does not check checked before."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pylibCZIrw import czi as libczi

from common.errors import AxesError
from metrology.imaging.czi_directory import check_directory
from metrology.imaging.czi_metadata import metadata_from_xml
from metrology.imaging.lazy import LazyPlanes, Opened
from metrology.imaging.mosaics import Layout, TileGrid, join_fields
from metrology.imaging.stack import Sourced
from metrology.imaging.trust import check_expansion, check_pixels, damaged, parse_xml, saying_damage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from metrology.imaging.stack import Metadata

_KIND = "Zeiss CZI"
_TYPES: dict[str, np.dtype] = {
    "Gray8": np.dtype(np.uint8),
    "Gray16": np.dtype(np.uint16),
    "Gray32Float": np.dtype(np.float32),
}
_UNPACKED = 0  # CompressionMode of a sub-block whose pixels lie as they are
LARGEST_EMPTY_PART = 0.75
"""Of a scene, the part that no field covers: more means fields far apart, a plane of nothing but black [1]."""


@dataclass(frozen=True, slots=True)
class _Block:
    """A sub-block at full resolution: one field of one plane."""

    where: dict[str, int]
    rectangle: tuple[int, int, int, int]  # x, y, width, height in the file's own frame [px]
    packed: bool
    kind: str  # of pixel

    @property
    def pixels(self) -> int:
        return self.rectangle[2] * self.rectangle[3]


def open_image(path: Path, *, max_pixels: int) -> Opened:
    """Open a CZI, compressed or not.

    Parameters
    ----------
    path : Path
        The file.
    max_pixels : int
        Largest z-stack of one channel [px].

    Returns
    -------
    Opened
        The first scene; the fields of a tile scan are joined as the file places them, without blending.

    Raises
    ------
    UnreadableImageError
        Damaged, or promising more than it holds.
    AxesError
        Colour, dimensions that Strehl does not know, or fields far apart.
    TooLargeError
        A z-stack of more than `max_pixels`.

    Notes
    -----
    Pyramid levels are left aside. Where fields overlap, libCZI shows the later one.
    """
    check_directory(path, kind=_KIND)
    with contextlib.ExitStack() as held:
        with saying_damage(path, kind=_KIND):
            opened = held.enter_context(libczi.open_czi(str(path)))
            box = opened.total_bounding_box_no_pyramid
            scenes = opened.scenes_bounding_rectangle_no_pyramid
            scene = min(scenes) if scenes else None
            frame = opened.total_bounding_rectangle_no_pyramid if scene is None else scenes[scene]
            blocks = _blocks(opened, scene)
            metadata = metadata_from_xml(parse_xml(opened.raw_metadata))
        if not blocks:
            raise damaged(path, "no image in the file", kind=_KIND)
        _check_dimensions(box)
        dtype = _dtype(blocks)
        sizes = [box[axis][1] - box[axis][0] if axis in box else 1 for axis in "TCZ"]
        shape = (sizes[0], sizes[1], sizes[2], int(frame.h), int(frame.w))
        first = {axis: box[axis][0] for axis in "TCZ" if axis in box}
        _check_planes(path, blocks, shape, first)
        _check_claims(path, blocks, shape, dtype)
        check_pixels(shape, max_pixels=max_pixels)
        layout = _layout(blocks, first, shape)
        if layout is not None:
            metadata = metadata.with_fields(fields_of_view=layout.sourced("CZI SubBlock"))
        if len(scenes) > 1:
            metadata = metadata.with_fields(images_in_file=Sourced(len(scenes), "CZI scenes"))
        decode = _decoder(opened, first, scene)
        planes = LazyPlanes(path, _KIND, shape, dtype, decode, held.pop_all().close)
    return Opened(planes, _of_channels(metadata, shape[1]), _KIND, layout.grid if layout else None)


def _blocks(opened: Any, scene: int | None) -> list[_Block]:
    """List the sub-blocks of a scene, without those of the pyramid."""
    found: list[_Block] = []

    def note(_: int, info: Any) -> bool:
        shown, stored = info.logicalRect, info.physicalSize
        where = info.coordinate.to_dict()
        if (shown.w, shown.h) == (stored.w, stored.h) and where.get("S", scene) == scene:
            rectangle = (shown.x, shown.y, shown.w, shown.h)
            found.append(_Block(where, rectangle, info.compressionModeRaw != _UNPACKED, info.pixelType.name))
        return True

    opened.enumerate_subblocks(note)
    return found


def _dtype(blocks: list[_Block]) -> np.dtype:
    kinds = {block.kind for block in blocks}
    if any(kind.startswith("Bgr") for kind in kinds):
        raise AxesError(
            "The image is a colour (RGB) picture, not detector counts.",
            hint="Export the raw channels, one grey-level plane each.",
        )
    if len(kinds) > 1 or not kinds <= set(_TYPES):
        raise AxesError(
            f"The image has pixels of types that Strehl does not know or that differ ({', '.join(sorted(kinds))}).",
            hint="Export all channels with the same bit depth, as grey levels.",
        )
    return _TYPES[kinds.pop()]


def _check_dimensions(box: dict[str, tuple[int, int]]) -> None:
    unknown = sorted(axis for axis, (start, end) in box.items() if axis not in "TCZYXB" and end - start > 1)
    if unknown:
        raise AxesError(
            f"The image has axes that Strehl does not know ({''.join(unknown)}).",
            hint="Process it in ZEN to one image of time, channel, z, y and x, and save that.",
            axes="".join(unknown),
        )


def _check_claims(path: Path, blocks: list[_Block], shape: tuple[int, int, int, int, int], dtype: np.dtype) -> None:
    """Compare what the directory promises with the size of the file, and the scene with what its fields cover."""
    size = path.stat().st_size
    plain, packed = (
        sum(block.pixels for block in blocks if block.packed is kind) * dtype.itemsize for kind in (False, True)
    )
    check_expansion(path, claimed=plain, stored=size, compressed=False, kind=_KIND)
    check_expansion(path, claimed=packed, stored=size - plain, compressed=True, kind=_KIND)
    if sum(block.pixels for block in blocks) < (1 - LARGEST_EMPTY_PART) * math.prod(shape):
        raise AxesError(
            "The fields of the tile scan lie far apart.",
            hint="Save each tile region as an image of its own.",
            shape=list(shape),
        )


def _check_planes(path: Path, blocks: list[_Block], shape: tuple[int, ...], first: dict[str, int]) -> None:
    """Find at least one field of every plane: libCZI shows a missing one as black."""
    planes = math.prod(shape[:3])
    if planes > len(blocks):  # before anything is counted plane by plane
        raise damaged(path, f"claims {planes} planes and has {len(blocks)} fields", kind=_KIND)
    there = {tuple(block.where.get(axis, 0) - first.get(axis, 0) for axis in "TCZ") for block in blocks}
    missing = planes - len(there & set(np.ndindex(*shape[:3])))
    if missing:
        raise damaged(path, f"{missing} planes are missing", kind=_KIND)


def _layout(blocks: list[_Block], first: dict[str, int], shape: tuple[int, ...]) -> Layout | None:
    """Return how the fields of the first plane lie, or None for a single field or an uneven grid."""
    fields = [block.rectangle for block in blocks if all(block.where.get(axis, 0) == first[axis] for axis in first)]
    sizes = {(height, width) for _, _, width, height in fields}
    if len(sizes) != 1:
        return None
    tile = sizes.pop()
    found = join_fields([(y, x) for x, y, _, _ in fields], tile_shape=tile, pixel_size_um=(1.0, 1.0))
    if found is None or any(found.gap_yx):
        return None
    # the scanned fields lie a few pixels off the even grid; the steps are rounded down so that the grid fits inside
    counts = (found.grid.rows, found.grid.columns)
    steps = [
        (extent - side) // (count - 1) if count > 1 else 0
        for extent, side, count in zip(shape[3:], tile, counts, strict=True)
    ]
    shares = [side - step if step else 0 for side, step in zip(tile, steps, strict=True)]
    return Layout(TileGrid(*counts, tile, (shares[0], shares[1])), found.order)


def _decoder(opened: Any, first: dict[str, int], scene: int | None) -> Callable[[int, int, int], np.ndarray]:
    def decode(t: int, c: int, z: int) -> np.ndarray:
        plane = {axis: first[axis] + index for axis, index in zip("TCZ", (t, c, z), strict=True) if axis in first}
        return np.asarray(opened.read(plane=plane, scene=scene))[..., 0]

    return decode


def _of_channels(metadata: Metadata, channels: int) -> Metadata:
    """Drop settings of channels that the image does not have."""
    return type(metadata)(metadata.fields, metadata.channels[:channels])
