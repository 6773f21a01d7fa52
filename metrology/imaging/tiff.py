"""Open a TIFF without trusting it, and read what plain and ImageJ TIFF say."""

from __future__ import annotations

import contextlib
import datetime as dt
import struct
import zlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from common.errors import TooLargeError, UnreadableImageError
from metrology.imaging.stack import Metadata, Sourced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A real image shrinks 2 to 20 times; a flat field of one value about 1000 times with deflate. More is a bomb.
MAX_COMPRESSION_RATIO = 1100

_UM_PER_RESOLUTION_UNIT = {2: 25400.0, 3: 10000.0}  # TIFF 6.0, ResolutionUnit: inch, centimetre
_UM_PER_IMAGEJ_UNIT = {"micron": 1.0, "um": 1.0, "µm": 1.0, "\\u00b5m": 1.0, "nm": 1e-3, "mm": 1e3}
_DEFAULT_DPI = {72.0, 96.0, 300.0}  # printers' resolutions that software writes when it does not know the pixel size

# What tifffile and imagecodecs (whose errors are RuntimeErrors) raise on damaged files
DAMAGE = (
    tifffile.TiffFileError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    OSError,
    struct.error,
    zlib.error,
)


def damaged(path: Path, reason: object) -> UnreadableImageError:
    """Return the error of a damaged TIFF.

    Parameters
    ----------
    path : Path
        The file.
    reason : object
        What was found wrong; its first 200 characters are kept.

    Returns
    -------
    UnreadableImageError
        To be raised by the caller.
    """
    return UnreadableImageError(
        f"The TIFF file {path.name} is damaged or incomplete.",
        hint="Copy or export it again from the acquisition computer.",
        file=path.name,
        reason=str(reason)[:200],
    )


@contextlib.contextmanager
def open_tiff(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF, also an LSM whose chain of pages is broken.

    Parameters
    ----------
    path : Path
        The file.

    Yields
    ------
    TiffFile
        Holds at least one image, and is closed on leaving.

    Raises
    ------
    UnreadableImageError
        The file is damaged.
    """
    try:
        tiff = _open(path)
    except DAMAGE as error:
        raise damaged(path, error) from error
    with tiff:
        yield tiff


def _open(path: Path) -> tifffile.TiffFile:
    """Open as what the file claims to be, and as a plain TIFF where that claim does not hold."""
    try:
        return _opened(path)
    except DAMAGE:
        return _opened(path, is_lsm=False, is_ome=False)


def _opened(path: Path, **claims: bool) -> tifffile.TiffFile:
    tiff = tifffile.TiffFile(path, **claims)
    try:
        refuse_entities(tiff.pages.first.description)
        if not tiff.series:
            raise tifffile.TiffFileError("no image in the file")
    except (*DAMAGE, UnreadableImageError):
        tiff.close()
        raise
    return tiff


def refuse_entities(xml: str) -> None:
    """Refuse a header that defines XML entities, before any parser sees it.

    Parameters
    ----------
    xml : str
        Header of the file, XML or not.

    Raises
    ------
    UnreadableImageError
        It does; entities can be made to exhaust the memory of whoever reads them.
    """
    if any(mark in xml.lower() for mark in ("<!doctype", "<!entity")):
        raise UnreadableImageError(
            "The OME-XML header defines entities, which an acquisition never needs.",
            hint="Export the image again from the acquisition software.",
        )


def check_claims(path: Path, series: tifffile.TiffPageSeries, *, max_pixels: int) -> None:
    """Refuse a file that promises more than it holds, before any memory is taken for it.

    Parameters
    ----------
    path : Path
        The file.
    series : TiffPageSeries
        The image in it.
    max_pixels : int
        Largest number of pixels allowed.

    Raises
    ------
    TooLargeError
        The image has more pixels than allowed.
    UnreadableImageError
        Parts of the image lie beyond the end of the file, or it would expand beyond what real images do.
    """
    _check_chain(path, series.parent)
    pixels = int(np.prod(series.shape, dtype=np.float64))
    stored = _stored_bytes(path, series)
    if series.nbytes > max(stored, 1) * MAX_COMPRESSION_RATIO:
        raise damaged(path, f"claims {series.nbytes} bytes of pixels but stores {stored}")
    if pixels > max_pixels:
        raise TooLargeError(
            f"The image has {pixels / 1e6:.0f} million pixels; {max_pixels / 1e6:.0f} million are allowed.",
            hint="Export fewer time points, channels or tiles, or ask your administrator to raise the limit.",
            pixels=pixels,
            max_pixels=max_pixels,
        )


def _check_chain(path: Path, opened: tifffile.TiffFile) -> None:
    """Follow the chain of pages to its end, which a truncated file does not reach.

    Old Zeiss files end their chain with an offset to nowhere and are let through (tag 34412 marks them).
    """
    if 34412 in opened.pages.first.tags:
        return
    size, form, offset = path.stat().st_size, opened.tiff, opened.pages.first.offset
    seen: set[int] = set()
    with path.open("rb") as stream:
        while offset and offset not in seen:
            seen.add(offset)
            stream.seek(offset)
            count = stream.read(form.tagnosize)
            end = offset + form.tagnosize + form.offsetsize
            if len(count) < form.tagnosize or end + struct.unpack(form.tagnoformat, count)[0] * form.tagsize > size:
                raise damaged(path, "the chain of pages leaves the file")
            stream.seek(struct.unpack(form.tagnoformat, count)[0] * form.tagsize, 1)
            offset = struct.unpack(form.offsetformat, stream.read(form.offsetsize))[0]


def _stored_bytes(path: Path, series: tifffile.TiffPageSeries) -> int:
    """Count the bytes that hold the pixels, and find all of them inside the file."""
    size = path.stat().st_size
    stored = 0
    for page in series.pages:
        if page is None:
            raise damaged(path, "a page is missing")
        ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
        if not ends or max(ends) > size:
            raise damaged(path, "pixels beyond the end of the file")
        stored += sum(page.databytecounts)
    if series.dataoffset is not None:  # one block of pixels, of which ImageJ names only the first plane
        stored = size - series.dataoffset
    stored = min(stored, size)
    if series.pages[0].compression == 1 and stored < series.nbytes:
        raise damaged(path, f"claims {series.nbytes} bytes of pixels but stores {stored}")
    return stored


def read_pixels(path: Path, series: tifffile.TiffPageSeries) -> np.ndarray:
    """Read the pixels of a checked image in the order of its own axes.

    Parameters
    ----------
    path : Path
        The file, for the message of an error.
    series : TiffPageSeries
        The image in it, which `check_claims` let through.

    Returns
    -------
    ndarray
        Counts; shape and order as in `series.shape` and `series.axes`.

    Raises
    ------
    UnreadableImageError
        The pixels cannot be decoded.
    TooLargeError
        The machine has not enough memory.
    """
    try:
        return np.asarray(series.asarray())
    except MemoryError as error:
        raise TooLargeError(
            f"The machine has not enough memory for {path.name}.", hint="Export fewer time points, channels or tiles."
        ) from error
    except DAMAGE as error:
        raise damaged(path, error) from error


def metadata_from_tags(tiff: tifffile.TiffFile) -> Metadata:
    """Read what the tags of a plain, ImageJ or damaged vendor TIFF say.

    Parameters
    ----------
    tiff : TiffFile
        The open file.

    Returns
    -------
    Metadata
        What the tags of the first page and the ImageJ header state, each with its tag.
    """
    tags = tiff.pages.first.tags
    fields = _image_fields(tags) | _pixel_size(tiff, tags)
    imagej = tiff.imagej_metadata or {}
    unit = _UM_PER_IMAGEJ_UNIT.get(str(imagej.get("unit", "")).lower())
    if unit is not None and float(imagej.get("spacing", 0)) > 0:
        fields["z_step_um"] = Sourced(float(imagej["spacing"]) * unit, "ImageJ spacing")
    labels = imagej.get("Labels", ())
    channels = tuple(
        {"name": Sourced(str(label).split("\n", 1)[0], "ImageJ slice label")}
        for label in labels[: int(imagej.get("channels", 0))]
    )
    return Metadata(MappingProxyType(fields), channels)


def _image_fields(tags: Any) -> dict[str, Sourced]:
    fields = {}
    # some Zeiss files write the model in a second Make tag
    makers = [
        str(tag.value).strip() for code in (271, 272) for tag in (tags.getall(code) or ()) if str(tag.value).strip()
    ]
    if makers:
        fields["instrument_name"] = Sourced(" ".join(makers), "TIFF Make and Model")
    software = tags.valueof(305)
    if software:
        fields["software"] = Sourced(str(software).strip(), "TIFF Software")
    with contextlib.suppress(ValueError):  # a date of another form than TIFF's own says nothing
        stamp = dt.datetime.strptime(str(tags.valueof(306)), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 (TIFF states no zone)
        fields["acquired_at"] = Sourced(stamp, "TIFF DateTime (no time zone)")
    return fields


def _pixel_size(tiff: tifffile.TiffFile, tags: Any) -> dict[str, Sourced]:
    """Read the pixel size where the unit is one of length and not a printer's."""
    imagej_unit = str((tiff.imagej_metadata or {}).get("unit", "")).lower()
    um_per_unit = _UM_PER_IMAGEJ_UNIT.get(imagej_unit)
    source = "ImageJ unit and TIFF"
    if um_per_unit is None and not tiff.is_imagej:
        um_per_unit, source = _UM_PER_RESOLUTION_UNIT.get(int(tags.valueof(296) or 0)), "TIFF"
    if um_per_unit is None:
        return {}
    sizes = [_um_per_pixel(tags.valueof(code), um_per_unit) for code in (282, 283)]
    fields = {}
    if sizes[0] is not None:
        fields["pixel_size_um"] = Sourced(sizes[0], f"{source} XResolution")
    if sizes[1] is not None and sizes[1] != sizes[0]:
        fields["pixel_size_y_um"] = Sourced(sizes[1], f"{source} YResolution")
    return fields


def _um_per_pixel(resolution: tuple[int, int] | None, um_per_unit: float) -> float | None:
    """Return the pixel size [µm], or None where the resolution is missing, void or a printer's."""
    if not resolution or 0 in resolution:
        return None
    pixels_per_unit = resolution[0] / resolution[1]
    if um_per_unit == 25400.0 and pixels_per_unit in _DEFAULT_DPI:
        return None
    return round(um_per_unit / pixels_per_unit, 9)
