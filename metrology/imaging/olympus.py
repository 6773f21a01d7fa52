"""Open Olympus OIB, and OIF with its folder, through oiffile."""

from __future__ import annotations

import contextlib
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import oiffile
import tifffile

from common.errors import AxesError
from common.image_formats import ImageFormat, companions_missing
from metrology.imaging.lazy import LazyPlanes, Opened
from metrology.imaging.olympus_metadata import metadata_from_settings
from metrology.imaging.trust import check_expansion, check_pixels, damaged, format_of, saying_damage

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

_OIB, _OIF = str(ImageFormat.OIB), str(ImageFormat.OIF)
# s_C001Z002T003.tif: channel, slice and time of one plane, counted from 1
_PLANE = re.compile(r"_(?P<axes>(?:[A-Z]\d{3,})+)\.tif$", re.IGNORECASE)


class _BoundedCompound(oiffile.CompoundFile):
    """A compound file whose chains of sectors end: one that bites its own tail would be followed for ever."""

    def _sec_chain(self, secid: int, /) -> Generator[bytes, None, None]:
        yield from self._bounded(super()._sec_chain(secid), len(self._fat))

    def _mini_sec_chain(self, secid: int, /) -> Generator[bytes, None, None]:
        yield from self._bounded(super()._mini_sec_chain(secid), len(self._minifat))

    @staticmethod
    def _bounded(chain: Any, longest: int) -> Generator[bytes, None, None]:
        for count, sector in enumerate(chain):
            if count > longest or not sector:
                raise oiffile.OifFileError("a chain of sectors without an end")
            yield sector


def open_image(path: Path, *, max_pixels: int) -> Opened:
    """Open an OIB, or an OIF whose folder lies beside it.

    Parameters
    ----------
    path : Path
        The file. An OIF holds settings only: its planes are TIFF files in the folder `<name>.files`.
    max_pixels : int
        Largest z-stack of one channel [px].

    Returns
    -------
    Opened
        Its planes in time, channel and z.

    Raises
    ------
    UnreadableImageError
        Damaged, with planes missing, an OIF without its folder, or another kind of OLE compound file.
    AxesError
        Loops that Strehl does not know (such as a scan over wavelengths).
    TooLargeError
        A z-stack of more than `max_pixels`.
    """
    with contextlib.ExitStack() as held:
        files, kind = _files(path, held)
        with saying_damage(path, kind=kind):
            settings: Mapping[str, Any] = files.settings
            planes = _planes(files)
            sizes = _sizes(settings)
        shape = (sizes["T"], sizes["C"], sizes["Z"], sizes["Y"], sizes["X"])
        missing = [where for where in np.ndindex(*shape[:3]) if where not in planes]
        if missing:
            raise damaged(path, f"{len(missing)} of {math.prod(shape[:3])} planes are missing", kind=kind)
        check_pixels(shape, max_pixels=max_pixels)
        with saying_damage(path, kind=kind):
            dtype = _dtype(settings)
            if kind == _OIB:
                claimed = math.prod(shape) * dtype.itemsize
                check_expansion(path, claimed=claimed, stored=path.stat().st_size, compressed=True, kind=kind)
            first = oiffile.SettingsFile(files.open_file(planes[0, 0, 0][:-4] + ".pty"), "first plane")
            metadata = metadata_from_settings(settings, first, channels=shape[1])
        decode = _decoder(files, planes, (shape[3], shape[4]))
        lazy = LazyPlanes(path, kind, shape, dtype, decode, held.pop_all().close)
    return Opened(lazy, metadata, kind)


def _files(path: Path, held: contextlib.ExitStack) -> tuple[Any, str]:
    """Open the file system inside an OIB, or the folder beside an OIF."""
    if format_of(path) is ImageFormat.OIF:
        if not path.with_name(f"{path.name}.files").is_dir():
            raise companions_missing(ImageFormat.OIF, name=path.name)
        with saying_damage(path, kind=_OIF):
            return held.enter_context(oiffile.OifFileSystem(path)), _OIF
    with saying_damage(path, kind=_OIB):
        with _BoundedCompound(path) as checked:
            _walk(path, checked)
        return held.enter_context(oiffile.OibFileSystem(path)), _OIB


def _walk(path: Path, checked: oiffile.CompoundFile) -> None:
    """Follow the chain of every stream to its end, and find no stream larger than the file."""
    names = list(checked.files())
    if not any(name.endswith("OibInfo.txt") for name in names):
        raise damaged(path, "an OLE compound file without OibInfo.txt (a ZVI or an office document)", kind=_OIB)
    for name in names:
        if checked.direntry(name).stream_size > path.stat().st_size:
            raise damaged(path, f"{name} is larger than the file", kind=_OIB)
        checked.open_file(name).close()


def _planes(files: Any) -> dict[tuple[int, int, int], str]:
    """Return the name of the TIFF file of each plane by (t, c, z)."""
    found: dict[tuple[int, int, int], str] = {}
    for name in files.files():
        matched = _PLANE.search(name)
        if matched is None:
            continue
        numbers = {axis.upper(): int(count) - 1 for axis, count in re.findall(r"([A-Za-z])(\d+)", matched["axes"])}
        unknown = sorted(axis for axis, index in numbers.items() if axis not in "CZT" and index > 0)
        if unknown:
            raise _unknown_axes("".join(unknown))
        found.setdefault((numbers.get("T", 0), numbers.get("C", 0), numbers.get("Z", 0)), name)
    return found


def _unknown_axes(axes: str) -> AxesError:
    return AxesError(
        f"The image has axes that Strehl does not know ({axes}).",
        hint="Export it with the axes time, channel, z, y and x only.",
        axes=axes,
    )


def _sizes(settings: Mapping[str, Any]) -> dict[str, int]:
    """Return the size of each axis that was scanned, as the settings state it."""
    sizes = dict.fromkeys("TCZYX", 1)
    scanned = str(settings["Axis Parameter Common"]["AxisOrder"])
    for number in range(8):
        axis = settings.get(f"Axis {number} Parameters Common", {})
        code, size = str(axis.get("AxisCode", "")), int(axis.get("MaxSize", 0) or 0)
        if code in scanned and size > 1:
            if code not in sizes:
                raise _unknown_axes(code)
            sizes[code] = size
    return sizes


def _dtype(settings: Mapping[str, Any]) -> np.dtype:
    return np.dtype(np.uint16 if int(settings["Reference Image Parameter"]["ImageDepth"]) > 1 else np.uint8)


def _decoder(
    files: Any, planes: Mapping[tuple[int, int, int], str], shape_yx: tuple[int, int]
) -> Callable[[int, int, int], np.ndarray]:
    def decode(t: int, c: int, z: int) -> np.ndarray:
        with files.open_file(planes[t, c, z]) as stream, tifffile.TiffFile(stream) as tiff:
            page = tiff.pages.first
            if page.shape != shape_yx:  # before memory is taken for it
                raise oiffile.OifFileError(f"a plane of {page.shape} instead of {shape_yx}")
            return np.asarray(page.asarray())

    return decode
