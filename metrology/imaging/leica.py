"""Open Leica LIF, LOF and XLEF through liffile."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path, PureWindowsPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import liffile
import numpy as np

from common.errors import AxesError
from common.image_formats import ImageFormat, companions_missing
from metrology.imaging.lazy import LazyPlanes, Opened
from metrology.imaging.leica_metadata import metadata_from_element
from metrology.imaging.mosaics import join_fields, mosaic_decoder
from metrology.imaging.stack import Metadata, Sourced
from metrology.imaging.trust import (
    check_expansion,
    check_pixels,
    damaged,
    format_of,
    parse_xml,
    refuse_entities,
    saying_damage,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from metrology.imaging.mosaics import Layout

_KIND = "Leica LIF"
_NAMES = {"LIF": "Leica LIF", "LOF": "Leica LOF", "XLIF": "Leica XLEF", "XLEF": "Leica XLEF", "XLCF": "Leica XLEF"}
_PROJECT_FILES = {".xlef", ".xlcf", ".xlif", ".lof"}
_XML_OF_LIF = 13  # bytes before the XML: 0x70, size, 0x2A, number of UTF-16 characters
_LARGEST_HEADER = 256 * 1024**2


def open_image(path: Path, *, max_pixels: int) -> Opened:
    """Open the first image of a LIF, LOF or XLEF.

    Parameters
    ----------
    path : Path
        The file; an XLEF needs the files of its project beside it.
    max_pixels : int
        Largest z-stack of one channel [px].

    Returns
    -------
    Opened
        A tile scan whose fields form a grid as a mosaic. Of a scan in x and z, the planes are those that were scanned:
        rows are depths, and the field `plane` says so.

    Raises
    ------
    UnreadableImageError
        Damaged, promising more than it holds, or an XLEF without its files.
    AxesError
        Colour, lifetimes, or dimensions that Strehl does not know.
    TooLargeError
        A z-stack of more than `max_pixels`.
    """
    with contextlib.ExitStack() as held:
        with saying_damage(path, kind=_KIND):
            refuse_entities(_header(path))
            _check_companions(path)  # before the library follows any of them
            opened = held.enter_context(liffile.LifFile(path, squeeze=False))
        with saying_damage(path, kind=_KIND):
            image = _first(path, opened)
            sizes, frame = dict(image.sizes), tuple(image.frames.frame_dims)
        roles = _roles(sizes, frame)
        with saying_damage(path, kind=_KIND):
            shape = _shape(sizes, roles)
            _check_claims(path, opened, image)
            metadata = _with_plane(metadata_from_element(image.xml_element), sizes, roles)
            layout = _layout(image, sizes, shape, metadata)
        check_pixels(shape, max_pixels=max_pixels)
        fields = [_decoder(image, roles, field) for field in range(sizes.get("M", 1))]
        decode = fields[0]
        if layout is not None:
            decode = mosaic_decoder(fields, layout, image.dtype)
            shape = (*shape[:3], *layout.grid.shape_yx)
            check_pixels(shape, max_pixels=max_pixels)
            metadata = metadata.with_fields(fields_of_view=layout.sourced("LIF TileScanInfo"))
        others = len(opened.images) if layout is not None else len(opened.images) + sizes.get("M", 1) - 1
        if others > 1:
            metadata = metadata.with_fields(images_in_file=Sourced(others, "LIF images and tiles"))
        planes = LazyPlanes(path, _NAMES[opened.type.name], shape, image.dtype, decode, held.pop_all().close)
    return Opened(planes, metadata, planes.kind, layout.grid if layout else None)


def _header(path: Path) -> str:
    """Return the XML of a LIF, or the text of an XLEF, without a parser."""
    with path.open("rb") as stream:
        start = stream.read(_XML_OF_LIF)
        if format_of(path) is ImageFormat.LEICA:
            characters = int.from_bytes(start[9:13], "little")
            if 2 * characters > min(path.stat().st_size, _LARGEST_HEADER):
                raise damaged(path, f"a header of {characters} characters", kind=_KIND)
            text = stream.read(2 * characters).decode("utf-16-le", errors="replace")
            return text if text != "LMS_Object_File" else _tail(path)
        content = start + stream.read(_LARGEST_HEADER)
        encoding = (
            "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-16-le" if content[1:2] == b"\0" else "utf-8"
        )
        return content.decode(encoding, errors="replace")


def _tail(path: Path) -> str:
    """Return the XML of a LOF, which follows its pixels."""
    with path.open("rb") as stream:
        head = stream.read(_XML_OF_LIF + 2 * len("LMS_Object_File") + 10 + 9)
        size = int.from_bytes(head[-8:], "little")
        if size > path.stat().st_size:
            raise damaged(path, f"pixels of {size} bytes", kind=_KIND)
        stream.seek(size, 1)
        start = stream.read(_XML_OF_LIF)
        characters = min(int.from_bytes(start[9:13], "little"), _LARGEST_HEADER // 2)
        return stream.read(2 * characters).decode("utf-16-le", errors="replace")


def _check_companions(path: Path) -> None:
    """Find every file that an XLEF project names inside its own folder; a LIF or LOF names none."""
    if format_of(path) is not ImageFormat.XLEF:
        return
    waiting, seen = [path], {path.resolve()}
    while waiting:
        one = waiting.pop()
        text = _header(one)
        refuse_entities(text)
        if one.suffix.lower() == ".lof":
            continue
        named = {_companion(path, one, name) for name in _named(text)}
        with_names = {found for found in named if found.suffix.lower() in _PROJECT_FILES}
        if with_names & seen:  # the library would follow the circle until it runs out of memory
            raise damaged(path, "the files of the project name one another in a circle", kind="Leica XLEF")
        waiting += sorted(with_names)
        seen |= named
    if len(seen) == 1:
        raise companions_missing(ImageFormat.XLEF, name=path.name)


def _named(text: str) -> Iterator[str]:
    """Yield the files that a project file names."""
    return (name for element in parse_xml(text.lstrip("\ufeff")).iter() if (name := element.get("File")))


def _companion(project: Path, one: Path, name: str) -> Path:
    """Return a file that a file of the project names; refuse one that is missing or outside the project's folder."""
    named = PureWindowsPath(name)
    companion = one.parent.joinpath(*named.parts).resolve()
    inside = companion.is_relative_to(project.resolve().parent) and not named.is_absolute()
    if not inside or not companion.is_file():
        raise companions_missing(ImageFormat.XLEF, name=project.name)
    return companion


def _first(path: Path, opened: Any) -> Any:
    if not len(opened.images):
        raise damaged(path, "no image in the file", kind=_KIND)
    image = opened.images[0]
    if image.is_flim:
        raise AxesError(
            "The image holds lifetimes (FLIM), not detector counts.", hint="Export its intensity image from LAS X."
        )
    return image


def _roles(sizes: dict[str, int], frame: tuple[str, ...]) -> dict[str, str]:
    """Say which dimension of the file is which of ours, as {ours: file's}.

    The two dimensions that were scanned together are the rows and columns of a plane, whichever they are.
    """
    known = set("TCZYXM") >= {axis for axis, size in sizes.items() if size > 1}
    if sizes.get("S", 1) > 1 or not known or len(frame) != 2 or frame[1] != "X":
        raise AxesError(
            f"The image has axes that Strehl does not know ({''.join(sizes)}).",
            hint="Export it with the axes time, channel, z, y and x only.",
            axes="".join(sizes),
        )
    rows = frame[0]
    slices = "Z" if rows != "Z" else "Y"
    return {"T": "T", "C": "C", "Z": slices, "Y": rows, "X": "X"}


def _shape(sizes: dict[str, int], roles: dict[str, str]) -> tuple[int, int, int, int, int]:
    found = [sizes.get(roles[axis], 1) for axis in "TCZYX"]
    return found[0], found[1], found[2], found[3], found[4]


def _check_claims(path: Path, opened: Any, image: Any) -> None:
    """Compare what the XML claims with the block of pixels, and the block with the file."""
    block = image.memory_block
    claimed = math.prod(image.shape) * image.dtype.itemsize
    packed = bool(block.frames)  # an XLEF's pixels are in files of their own, perhaps compressed
    stored = block.size if packed else min(block.size, path.stat().st_size - max(block.offset, 0))
    check_expansion(path, claimed=claimed, stored=stored, compressed=packed, kind=_NAMES[opened.type.name])


def _with_plane(metadata: Metadata, sizes: dict[str, int], roles: dict[str, str]) -> Metadata:
    """Say of a scan in x and z that it is one, and what its rows and slices measure."""
    if roles["Y"] == "Y":
        return metadata
    fields = dict(metadata.fields)
    deep, wide = fields.pop("z_step_um", None), fields.pop("pixel_size_y_um", None)
    if deep is not None and deep.value != metadata.value("pixel_size_um"):
        fields["pixel_size_y_um"] = deep
    if wide is not None and sizes.get("Y", 1) > 1:
        fields["z_step_um"] = wide
    fields["plane"] = Sourced(f"{roles['X']}{roles['Y']}".lower(), "LIF Dimensions, in the order of the scan")
    return Metadata(MappingProxyType(fields), metadata.channels)


def _layout(image: Any, sizes: dict[str, int], shape: tuple[int, ...], metadata: Metadata) -> Layout | None:
    """Return how the tiles of a tile scan lie, by where the stage stood."""
    scan = image.tilescan
    pixel_um = metadata.value("pixel_size_um")
    if sizes.get("M", 1) < 2 or scan is None or len(scan) != sizes["M"] or pixel_um is None:
        return None
    y_um, x_um = scan.tiles["pos_y"] * 1e6, scan.tiles["pos_x"] * 1e6
    if scan.swap_xy:
        y_um, x_um = x_um, y_um
    y_um, x_um = (-one if flipped else one for one, flipped in ((y_um, scan.flip_y), (x_um, scan.flip_x)))
    return join_fields(
        list(zip(y_um.tolist(), x_um.tolist(), strict=True)),
        tile_shape=(shape[3], shape[4]),
        pixel_size_um=(metadata.value("pixel_size_y_um", pixel_um), pixel_um),
    )


def _decoder(image: Any, roles: dict[str, str], field: int) -> Callable[[int, int, int], np.ndarray]:
    def decode(t: int, c: int, z: int) -> np.ndarray:
        where = {roles["T"]: t, roles["C"]: c, roles["Z"]: z, "M": field}
        return np.asarray(image.frame(**{axis: index for axis, index in where.items() if axis in image.sizes}))

    return decode
