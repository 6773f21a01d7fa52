"""Read an image file into an `ImageStack`, or say in one sentence why not."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from common.errors import AxesError
from common.image_formats import ImageFormat
from metrology.imaging.stack import ImageStack
from metrology.imaging.survey import as_counts
from metrology.imaging.trust import MAX_PIXELS, check_pixels, format_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrology.imaging.lazy import Opened

MIN_SIDE_PX = 8
"""Smaller than any window that Strehl measures with [px]."""

# one module a vendor, each with `open_image(path, *, max_pixels) -> Opened`; imported when its first file comes
_MODULES: Mapping[ImageFormat, str] = MappingProxyType(
    {
        ImageFormat.TIFF: "tiff",
        ImageFormat.CZI: "czi",
        ImageFormat.LEICA: "leica",
        ImageFormat.XLEF: "leica",
        ImageFormat.ND2: "nikon",
        ImageFormat.OIB: "olympus",
        ImageFormat.OIF: "olympus",
    }
)


def read(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> ImageStack:
    """Open any file that a microscope writes; what it is comes from its content, not from its name.

    Parameters
    ----------
    path : Path or str
        The file: TIFF, BigTIFF, OME-TIFF, Zeiss LSM or CZI, Leica LIF or LOF, Nikon ND2, Olympus OIB; also Leica XLEF
        and Olympus OIF where the files that hold their pixels lie beside them.
    max_pixels : int
        Largest z-stack of one channel, which is the most that is held at once [px].

    Returns
    -------
    ImageStack
        Planes in TCZYX order, each decoded when it is asked for, and metadata, each field with its source. The file
        stays open as long as the image is held.

    Raises
    ------
    UnreadableImageError
        Empty, damaged, of an unknown format, or with pixels that are not finite numbers.
    AxesError
        A colour picture, axes that Strehl does not know, or an image of fewer than 8 × 8 pixels.
    TooLargeError
        A z-stack of more than `max_pixels`.

    Notes
    -----
    The fields of a tile scan become one mosaic with its `tile_grid` where the file says how they lie and they form a
    grid. Of other files with several images only the first is read; `images_in_file` says how many there are.
    The first time point is decoded once on opening, to know the bit depth and the brightest slices and to find damage.
    """
    path = Path(path)
    found = format_of(path)
    opened: Opened = import_module(f"metrology.imaging.{_MODULES[found]}").open_image(path, max_pixels=max_pixels)
    _check_shape(opened.planes.shape_tczyx)
    check_pixels(opened.planes.shape_tczyx, max_pixels=max_pixels)
    planes, metadata, seen = as_counts(opened.planes, opened.metadata)
    return ImageStack(planes, metadata, opened.file_format, opened.tile_grid, seen.slice_means)


def _check_shape(shape_tczyx: tuple[int, int, int, int, int]) -> None:
    rows, columns = shape_tczyx[3:]
    if min(shape_tczyx) < 1 or min(rows, columns) < MIN_SIDE_PX:
        raise AxesError(
            f"The image has only {columns} × {rows} pixels.",
            hint=f"Give an image of at least {MIN_SIDE_PX} × {MIN_SIDE_PX} pixels.",
            shape=list(shape_tczyx),
        )
