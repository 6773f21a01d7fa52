"""What the tags of plain and ImageJ TIFF say."""

from __future__ import annotations

import contextlib
import datetime as dt
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from metrology.imaging.stack import Metadata, Sourced

if TYPE_CHECKING:
    import tifffile

_UM_PER_RESOLUTION_UNIT = {2: 25400.0, 3: 10000.0}  # TIFF 6.0, ResolutionUnit: inch, centimetre
_UM_PER_IMAGEJ_UNIT = {"micron": 1.0, "um": 1.0, "µm": 1.0, "\\u00b5m": 1.0, "nm": 1e-3, "mm": 1e3}
_DEFAULT_DPI = {72.0, 96.0, 300.0}  # printers' resolutions that software writes when it does not know the pixel size


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
