"""Open TIFF, BigTIFF, OME-TIFF and Zeiss LSM without trusting them."""

from __future__ import annotations

import contextlib
import re
import struct
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import tifffile

from common.errors import AxesError, UnreadableImageError
from metrology.imaging import lsm, ome
from metrology.imaging.lazy import LazyPlanes, Opened
from metrology.imaging.mosaics import join_fields, mosaic_decoder
from metrology.imaging.stack import Metadata, Sourced
from metrology.imaging.tiff_tags import metadata_from_tags
from metrology.imaging.trust import DAMAGE, check_expansion, check_pixels, damaged, refuse_entities, saying_damage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from metrology.imaging.mosaics import Layout

_KIND = "TIFF"
_LSM_TAG = 34412
_FIELD_AXES = "MP"  # tiles and positions of an LSM, which are images of their own
_UUID = re.compile(r"<(?:\w+:)?UUID\b[^>]*>([^<]*)</(?:\w+:)?UUID>")


def open_image(path: Path, *, max_pixels: int) -> Opened:
    """Open a TIFF of any kind, also an LSM whose chain of pages is broken.

    Parameters
    ----------
    path : Path
        The file.
    max_pixels : int
        Largest z-stack of one channel [px].

    Returns
    -------
    Opened
        The largest level of a pyramid; the mosaic of an OME-TIFF or LSM whose images lie on a grid, else its first one.

    Raises
    ------
    UnreadableImageError
        Damaged, one of a set of files, or promising more than it holds.
    AxesError
        A colour picture, or axes that Strehl does not know.
    TooLargeError
        A z-stack of more than `max_pixels`.
    """
    with contextlib.ExitStack() as held:
        with saying_damage(path, kind=_KIND):
            tiff = held.enter_context(_open(path))
            series = tiff.series[0]
        sizes = _sizes(series)
        with saying_damage(path, kind=_KIND):
            _check_chain(path, tiff)
            check_claims(path, series)
            metadata = _metadata(tiff)
            decode, dtype = _decoder(tiff, series)
            fields = _fields(tiff)
            layout = _layout(tiff, fields, metadata)
        shape = (sizes["T"], sizes["C"], sizes["Z"], sizes["Y"], sizes["X"])
        check_pixels(shape, max_pixels=max_pixels)
        if layout is not None:
            with saying_damage(path, kind=_KIND):
                for one in (other for other, _ in fields if other is not series):
                    check_claims(path, one)
            decode = mosaic_decoder([_decoder(tiff, one, field=number)[0] for one, number in fields], layout, dtype)
            shape = (*shape[:3], *layout.grid.shape_yx)
            check_pixels(shape, max_pixels=max_pixels)
            metadata = metadata.with_fields(fields_of_view=layout.sourced("OME-XML" if tiff.is_ome else "LSM"))
        elif len(fields) > 1:
            metadata = metadata.with_fields(images_in_file=Sourced(len(fields), "TIFF series"))
        planes = LazyPlanes(path, _KIND, shape, dtype, decode, held.pop_all().close)
    return Opened(planes, metadata, _format(tiff), layout.grid if layout else None)


def _open(path: Path) -> tifffile.TiffFile:
    """Open as what the file claims to be, and as a plain TIFF where that claim does not hold."""
    try:
        return _opened(path)
    except DAMAGE:
        return _opened(path, is_lsm=False, is_ome=False)


def _opened(path: Path, **claims: bool) -> tifffile.TiffFile:
    # other files that an OME-TIFF names are never opened: a file from outside must not say what is read here
    tiff = tifffile.TiffFile(path, _multifile=False, **claims)
    try:
        xml = tiff.pages.first.description
        refuse_entities(xml)
        if tiff.is_ome:
            tiff = _of_one_file(path, tiff, xml)
        if not tiff.series:
            raise tifffile.TiffFileError("no image in the file")
    except (*DAMAGE, UnreadableImageError):
        tiff.close()
        raise
    return tiff


def _of_one_file(path: Path, tiff: tifffile.TiffFile, xml: str) -> tifffile.TiffFile:
    """Refuse one of a set of files, and forget the name under which a single one was written."""
    files = len(set(_UUID.findall(xml)))
    if files > 1:
        raise UnreadableImageError(
            f"The OME-TIFF {path.name} is one of a set of {files} files.",
            hint="Export the image as a single OME-TIFF.",
            file=path.name,
            files=files,
        )
    if files == 0:
        return tiff
    tiff.close()
    return tifffile.TiffFile(path, _multifile=False, omexml=_UUID.sub("", xml))


def _sizes(series: tifffile.TiffPageSeries) -> dict[str, int]:
    """Return the sizes in the order TCZYX; refuse colour pictures and unknown axes."""
    sizes = dict(zip(series.axes, series.shape, strict=True))
    if sizes.get("S", 1) > 1:
        raise AxesError(
            "The image is a colour (RGB) picture, not detector counts.",
            hint="Export the raw channels, one grey-level plane each.",
            shape=list(series.shape),
        )
    unnamed = [axis for axis in series.axes if axis in "IQ"]
    fields = [axis for axis in series.axes if axis in _FIELD_AXES]
    unknown = set(series.axes) - set("TCZYXSIQ") - set(_FIELD_AXES)
    if unknown or len(unnamed) > 1 or len(fields) > 1 or (unnamed and "Z" in sizes) or not {"Y", "X"} <= set(sizes):
        raise AxesError(
            f"The image has axes that Strehl does not know ({series.axes}).",
            hint="Export it with the axes time, channel, z, y and x only.",
            axes=series.axes,
        )
    if unnamed:
        sizes["Z"] = sizes[unnamed[0]]
    return {axis: sizes.get(axis, 1) for axis in "TCZYX"}


def _check_chain(path: Path, opened: tifffile.TiffFile) -> None:
    """Follow the chain of pages to its end, which a truncated file does not reach.

    Old Zeiss files end their chain with an offset to nowhere and are let through (tag 34412 marks them).
    """
    if _LSM_TAG in opened.pages.first.tags:
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


def check_claims(path: Path, series: tifffile.TiffPageSeries) -> None:
    """Find all pixels of an image inside the file, before any memory is taken for them.

    Parameters
    ----------
    path : Path
        The file.
    series : TiffPageSeries
        The image in it.

    Raises
    ------
    UnreadableImageError
        Parts of the image lie beyond the end of the file, or it would expand beyond what real images do.
    """
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
    compressed = series.pages[0].compression != 1
    check_expansion(path, claimed=series.nbytes, stored=min(stored, size), compressed=compressed)


def _decoder(
    tiff: tifffile.TiffFile, series: tifffile.TiffPageSeries, *, field: int = 0
) -> tuple[Callable[[int, int, int], np.ndarray], np.dtype]:
    """Return what reads one plane of a checked image, or of one of its fields, and the type of its pixels."""
    axes = series.axes.replace("I", "Z").replace("Q", "Z")
    if series.dataoffset is not None and axes.endswith("YX"):
        return _contiguous_decoder(tiff, series, axes, field=field), np.dtype(series.dtype)
    paged = series.ndim - series.keyframe.ndim  # leading axes go from page to page, the others lie in each page

    @lru_cache(maxsize=1)
    def page(number: int) -> np.ndarray:
        return np.asarray(series.pages[number].asarray())

    def decode(t: int, c: int, z: int) -> np.ndarray:
        where = {"T": t, "C": c, "Z": z, "S": 0, "M": field, "P": field}
        lead = [where[axis] for axis in axes[:paged]]
        number = int(np.ravel_multi_index(lead, series.shape[:paged])) if lead else 0
        return page(number)[tuple(where.get(axis, slice(None)) for axis in axes[paged:])]

    return decode, np.dtype(series.dtype)


def _contiguous_decoder(
    tiff: tifffile.TiffFile, series: tifffile.TiffPageSeries, axes: str, *, field: int
) -> Callable[[int, int, int], np.ndarray]:
    """Return what reads one plane of a single block of unpacked pixels."""
    stored = np.dtype(series.dtype).newbyteorder(tiff.byteorder)
    shape_yx = series.shape[-2:]
    count = int(np.prod(shape_yx))

    def decode(t: int, c: int, z: int) -> np.ndarray:
        where = {"T": t, "C": c, "Z": z, "M": field, "P": field}
        lead = [where[axis] for axis in axes[:-2]]
        number = int(np.ravel_multi_index(lead, series.shape[:-2])) if lead else 0
        tiff.filehandle.seek(series.dataoffset + number * count * stored.itemsize)
        content = tiff.filehandle.read(count * stored.itemsize)
        return np.frombuffer(content, stored, count).reshape(shape_yx).astype(series.dtype, copy=False)

    return decode


def _fields(tiff: tifffile.TiffFile) -> list[tuple[tifffile.TiffPageSeries, int]]:
    """List the images of a file, besides thumbnails, each as a series and a field within it."""
    first = tiff.series[0]
    within = [size for axis, size in zip(first.axes, first.shape, strict=True) if axis in _FIELD_AXES]
    if within:
        return [(first, number) for number in range(within[0])]
    return [(first, 0), *((one, 0) for one in tiff.series[1:] if not one.keyframe.is_reduced)]


def _positions(tiff: tifffile.TiffFile, axes: str) -> list[tuple[float, float]] | None:
    """Return where the stage stood for each image (y, x) [µm]."""
    if tiff.ome_metadata:
        return ome.positions_from_xml(tiff.ome_metadata)
    found = (tiff.lsm_metadata or {}).get("TilePositions" if "M" in axes else "Positions")
    return None if found is None else [(float(y) * 1e6, float(x) * 1e6) for x, y, _ in found]


def _layout(
    tiff: tifffile.TiffFile, fields: list[tuple[tifffile.TiffPageSeries, int]], metadata: Metadata
) -> Layout | None:
    """Return how the images of an OME-TIFF or LSM lie beside one another, or None where they form no grid."""
    series = fields[0][0]
    if len(fields) < 2 or any(
        one.shape != series.shape or one.axes != series.axes or one.dtype != series.dtype for one, _ in fields
    ):
        return None
    positions = _positions(tiff, series.axes)
    if positions is None or len(positions) != len(fields):
        return None
    pixel_um = metadata.value("pixel_size_um")
    sizes = _sizes(series)
    return join_fields(
        positions,
        tile_shape=(sizes["Y"], sizes["X"]),
        pixel_size_um=None if pixel_um is None else (metadata.value("pixel_size_y_um", pixel_um), pixel_um),
    )


def _metadata(tiff: tifffile.TiffFile) -> Metadata:
    """Read the richest header that the file has; tags fill what it leaves out."""
    tags = metadata_from_tags(tiff)
    try:
        rich = _vendor_metadata(tiff)
    except DAMAGE:  # a damaged vendor header says nothing; the tags and the pixels are still good
        rich = Metadata()
    metadata = Metadata(MappingProxyType({**tags.fields, **rich.fields}), rich.channels or tags.channels)
    axes = tiff.series[0].axes
    if set(axes) & set("IQ"):
        metadata = metadata.with_fields(axes=Sourced(axes, "pages without named axes, taken as slices in z"))
    return metadata


def _vendor_metadata(tiff: tifffile.TiffFile) -> Metadata:
    description = tiff.pages.first.description
    if tiff.ome_metadata or "<OME" in description[:4000]:
        return ome.metadata_from_xml(tiff.ome_metadata or description)
    if tiff.is_lsm and tiff.lsm_metadata:
        return lsm.metadata_from_info(tiff.lsm_metadata)
    return Metadata()


def _format(tiff: tifffile.TiffFile) -> str:
    if _LSM_TAG in tiff.pages.first.tags:
        return "Zeiss LSM"
    if tiff.is_ome:
        return "OME-TIFF"
    return "ImageJ TIFF" if tiff.is_imagej else "BigTIFF" if tiff.is_bigtiff else "TIFF"
