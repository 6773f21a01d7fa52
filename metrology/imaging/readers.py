"""Read an image file into an `ImageStack`, or say in one sentence why not."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from common.errors import AxesError, UnreadableImageError
from metrology.imaging import lsm, ome, tiff
from metrology.imaging.stack import ImageStack, Metadata, Sourced, smallest_bit_depth

if TYPE_CHECKING:
    from collections.abc import Mapping

    import tifffile

MAX_PIXELS = 400_000_000  # a 20 000 × 20 000 mosaic: 0.8 GB at 16 bits
MIN_SIDE_PX = 8  # smaller than any window that Strehl measures with

_TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_OTHER_MAGIC: Mapping[bytes, str] = MappingProxyType(
    {
        b"\x89PNG": "a PNG picture",
        b"\xff\xd8\xff": "a JPEG picture",
        b"GIF8": "a GIF picture",
        b"BM": "a BMP picture",
        b"%PDF": "a PDF document",
        b"ZISRAWFILE": "a Zeiss CZI file",
        b"\xda\xce\xbe\n": "a Nikon ND2 file",
        b"\x00\x00\x00\x0cjP  ": "a Nikon ND2 file",
        b"p\x00\x00\x00": "a Leica LIF file",
        b"\xd0\xcf\x11\xe0": "an Olympus OIB or Zeiss ZVI file",
        b"\x89HDF": "an HDF5 file",
        b"PK\x03\x04": "a ZIP archive",
    }
)
_PICTURES = ("picture", "document", "archive")


def read(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> ImageStack:
    """Read a TIFF, OME-TIFF or Zeiss LSM file; what it is comes from its content, not from its name.

    Parameters
    ----------
    path : Path or str
        The file.
    max_pixels : int
        Largest number of pixels that is read into memory.

    Returns
    -------
    ImageStack
        Pixels in TCZYX order and metadata, each field with its source.

    Raises
    ------
    UnreadableImageError
        Empty, damaged, of an unknown format, or with pixels that are not finite numbers.
    AxesError
        A colour picture, axes that Strehl does not know, or an image of fewer than 8 × 8 pixels.
    TooLargeError
        More than `max_pixels`.

    Notes
    -----
    Only the first image of a file with several is read; `images_in_file` says how many there are.
    Pages without named axes are taken as slices in z, and the field `axes` says so.
    """
    path = Path(path)
    _check_format(path)
    with tiff.open_tiff(path) as opened:
        series = opened.series[0]
        _check_axes(series)
        tiff.check_claims(path, series, max_pixels=max_pixels)
        metadata = _metadata(opened)
        pixels = _as_tczyx(tiff.read_pixels(path, series), series.axes)
        if "axes" not in metadata and set(series.axes) - set("TCZYX"):
            axes = Sourced(series.axes, "pages without named axes, taken as slices in z")
            metadata = metadata.with_fields(axes=axes)
    pixels = _as_counts(pixels)
    return ImageStack(pixels, _with_bit_depth(metadata, pixels))


def _check_format(path: Path) -> None:
    """Look at the first bytes: refuse what is not a TIFF with the name of what it is."""
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError as error:
        raise UnreadableImageError(
            f"The file {path.name} cannot be opened.",
            hint="Check that it exists and that you may read it.",
            reason=str(error),
        ) from error
    if not head:
        raise UnreadableImageError(
            f"The file {path.name} is empty.", hint="Copy it again from the acquisition computer.", file=path.name
        )
    if head.startswith(_TIFF_MAGIC):
        return
    kind = next((name for magic, name in _OTHER_MAGIC.items() if head.startswith(magic)), "of an unknown format")
    if kind.endswith(_PICTURES):
        hint = "Pictures lose intensities: export the raw data as TIFF or OME-TIFF."
    else:
        hint = "This format is not yet read: export it as OME-TIFF."
    raise UnreadableImageError(f"The file {path.name} is {kind}.", hint=hint, file=path.name)


def _check_axes(series: tifffile.TiffPageSeries) -> None:
    """Refuse colour pictures, unknown axes and images too small to measure."""
    sizes = dict(zip(series.axes, series.shape, strict=True))
    if sizes.get("S", 1) > 1:
        raise AxesError(
            "The image is a colour (RGB) picture, not detector counts.",
            hint="Export the raw channels, one grey-level plane each.",
            shape=list(series.shape),
        )
    unnamed = [axis for axis in series.axes if axis in "IQ"]
    unknown = set(series.axes) - set("TCZYXSIQ")
    if unknown or len(unnamed) > 1 or (unnamed and "Z" in sizes) or not {"Y", "X"} <= set(sizes):
        raise AxesError(
            f"The image has axes that Strehl does not know ({series.axes}).",
            hint="Export it with the axes time, channel, z, y and x only.",
            axes=series.axes,
        )
    if min(sizes["Y"], sizes["X"]) < MIN_SIDE_PX:
        raise AxesError(
            f"The image has only {sizes['X']} × {sizes['Y']} pixels.",
            hint=f"Give an image of at least {MIN_SIDE_PX} × {MIN_SIDE_PX} pixels.",
            shape=list(series.shape),
        )


def _metadata(opened: tifffile.TiffFile) -> Metadata:
    """Read the richest header that the file has; tags fill what it leaves out."""
    tags = tiff.metadata_from_tags(opened)
    try:
        rich = _vendor_metadata(opened)
    except tiff.DAMAGE:  # a damaged vendor header says nothing; the tags and the pixels are still good
        rich = Metadata()
    images = {"images_in_file": Sourced(len(opened.series), "TIFF series")} if len(opened.series) > 1 else {}
    return Metadata(MappingProxyType({**tags.fields, **images, **rich.fields}), rich.channels or tags.channels)


def _vendor_metadata(opened: tifffile.TiffFile) -> Metadata:
    description = opened.pages.first.description
    if opened.ome_metadata or "<OME" in description[:4000]:
        return ome.metadata_from_xml(opened.ome_metadata or description)
    if opened.is_lsm and opened.lsm_metadata:
        return lsm.metadata_from_info(opened.lsm_metadata)
    return Metadata()


def _as_tczyx(pixels: np.ndarray, axes: str) -> np.ndarray:
    """Put the axes in their fixed order, with length one where the file has none."""
    if "S" in axes:
        pixels = pixels.take(0, axis=axes.index("S"))
        axes = axes.replace("S", "")
    axes = axes.replace("I", "Z").replace("Q", "Z")
    missing = [axis for axis in "TCZYX" if axis not in axes]
    pixels = pixels[(np.newaxis,) * len(missing)]
    axes = "".join(missing) + axes
    return np.ascontiguousarray(pixels.transpose([axes.index(axis) for axis in "TCZYX"]))


def _as_counts(pixels: np.ndarray) -> np.ndarray:
    """Return the pixels as uint8, uint16 or float32, whichever holds them without loss.

    Whole numbers from 0 to 65535 in a wider type (as ImageJ's 32-bit export writes them) become uint16 again.
    """
    if pixels.dtype.kind not in "uif":
        raise UnreadableImageError(
            f"The pixels are of type {pixels.dtype}, which no detector writes.", hint="Export 8- or 16-bit grey levels."
        )
    if pixels.dtype in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if not np.isfinite(pixels).all():
        raise UnreadableImageError(
            "Some pixels are not finite numbers (NaN or infinity).",
            hint="Export the raw detector counts, before any division or masking.",
        )
    if pixels.min() >= 0 and pixels.max() <= 65535 and bool((pixels == np.floor(pixels)).all()):
        return pixels.astype(np.uint16)
    return pixels.astype(np.float32)


def _with_bit_depth(metadata: Metadata, pixels: np.ndarray) -> Metadata:
    """Keep the stated bit depth where the pixels fit it, else take the smallest that holds them."""
    needed = smallest_bit_depth(pixels)
    stated = metadata.value("bit_depth")
    if stated is not None and stated <= 16 and pixels.max() <= 2**stated - 1:
        return metadata
    return metadata.with_fields(bit_depth=Sourced(needed, "largest value in the file"))
