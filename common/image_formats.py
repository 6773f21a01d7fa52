"""What a file is by its first bytes: the only place that knows them, for the door and for the readers (pure)."""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from common.errors import UnreadableImageError

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD_BYTES = 512
"""How much of a file `identify` needs [bytes]; an XML prologue may come before the word that tells."""


class ImageFormat(enum.StrEnum):
    """A family of files that one reader opens."""

    TIFF = "TIFF"  # also BigTIFF, OME-TIFF and Zeiss LSM
    CZI = "Zeiss CZI"
    LEICA = "Leica LIF or LOF"
    XLEF = "Leica XLEF"
    ND2 = "Nikon ND2"
    OIB = "Olympus OIB"
    OIF = "Olympus OIF"


READ_FORMATS = "TIFF, OME-TIFF, Zeiss LSM and CZI, Leica LIF and LOF, Nikon ND2 and Olympus OIB"
"""What can be uploaded, for sentences and pages."""

_MAGIC: Mapping[bytes, ImageFormat] = MappingProxyType(
    {
        b"II*\x00": ImageFormat.TIFF,  # TIFF 6.0, little and big endian
        b"MM\x00*": ImageFormat.TIFF,
        b"II+\x00": ImageFormat.TIFF,  # BigTIFF
        b"MM\x00+": ImageFormat.TIFF,
        b"ZISRAWFILE": ImageFormat.CZI,
        b"p\x00\x00\x00": ImageFormat.LEICA,
        b"\xda\xce\xbe\n": ImageFormat.ND2,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ImageFormat.OIB,  # any OLE compound file; the reader looks inside
    }
)
_EXPORT = "Pictures and packages lose intensities and settings: export the raw data as TIFF or OME-TIFF."
_OTHERS: Mapping[bytes, tuple[str, str]] = MappingProxyType(
    {
        b"\x89PNG": ("a PNG picture", _EXPORT),
        b"\xff\xd8\xff": ("a JPEG picture", _EXPORT),
        b"GIF8": ("a GIF picture", _EXPORT),
        b"BM": ("a BMP picture", _EXPORT),
        b"RIFF": ("a WebP picture or AVI film", _EXPORT),
        b"%PDF": ("a PDF document", _EXPORT),
        b"PK\x03\x04": ("a ZIP archive", "Unpack it and upload the images in it."),
        b"\x1f\x8b": ("a gzip archive", "Unpack it and upload the image in it."),
        b"\x00\x00\x00\x0cjP  ": (
            "a JPEG 2000 picture or an ND2 file of before 2009",
            "Open it in NIS-Elements and save it as a new ND2 file, or export it as OME-TIFF.",
        ),
        b"\x89HDF": ("an HDF5 file", "Export it from the acquisition software as OME-TIFF."),
    }
)
# files of settings whose pixels lie in other files beside them
_WITH_COMPANIONS: Mapping[ImageFormat, tuple[str, str]] = MappingProxyType(
    {
        ImageFormat.OIF: (
            "holds settings only; its pixels are in the folder of the same name that ends with .files",
            "Save it as OIB in FluoView (Save As, Olympus Image Binary), which puts both into one file, and upload that.",
        ),
        ImageFormat.XLEF: (
            "holds settings only; its pixels are in other files of its project",
            "Save the project as LIF in LAS X, or upload its LOF files one by one.",
        ),
    }
)


def identify(head: bytes, *, name: str) -> ImageFormat:
    """Say which reader opens a file, by its content.

    Parameters
    ----------
    head : bytes
        The first `HEAD_BYTES` of the file.
    name : str
        Its name, for the sentence only.

    Returns
    -------
    ImageFormat
        Whatever its name ends with.

    Raises
    ------
    UnreadableImageError
        The file is empty, a picture or of an unknown format.
    """
    if not head:
        raise UnreadableImageError(
            f"The file {name} is empty.", hint="Copy it again from the acquisition computer.", file=name
        )
    found = next((one for magic, one in _MAGIC.items() if head.startswith(magic)), None) or _settings_file(head)
    if found is not None:
        return found
    unknown = ("of an unknown format", f"Strehl reads {READ_FORMATS}: export it as OME-TIFF.")
    kind, hint = next((said for magic, said in _OTHERS.items() if head.startswith(magic)), unknown)
    raise UnreadableImageError(f"The file {name} is {kind}.", hint=hint, file=name)


def check_head(head: bytes, *, name: str) -> None:
    """Refuse at the door what no reader can open, by saying what it is instead.

    Parameters
    ----------
    head : bytes
        The first `HEAD_BYTES` of the file.
    name : str
        Its name, for the sentence.

    Raises
    ------
    UnreadableImageError
        As `identify`; also for settings whose pixels are in other files, because one file comes through the door.
    """
    found = identify(head, name=name)
    if found in _WITH_COMPANIONS:
        raise companions_missing(found, name=name)


def companions_missing(found: ImageFormat, *, name: str) -> UnreadableImageError:
    """Return the error of a file of settings that came without its pixels.

    Parameters
    ----------
    found : ImageFormat
        OIF or XLEF.
    name : str
        Name of the file.

    Returns
    -------
    UnreadableImageError
        To be raised by the caller.
    """
    problem, hint = _WITH_COMPANIONS[found]
    return UnreadableImageError(f"The {found} file {name} {problem}.", hint=hint, file=name)


def _settings_file(head: bytes) -> ImageFormat | None:
    """Recognise the two formats that are text, in whichever encoding their programs write."""
    encoding = (
        "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-16-le" if head[1:2] == b"\0" else "utf-8"
    )
    text = head[: len(head) // 2 * 2].decode(encoding, errors="replace").lstrip("\ufeff \r\n\t")
    if text.startswith("[") and any(section in text for section in ("Parameters Common]", "[ProfileSaveInfo]")):
        return ImageFormat.OIF
    if text.startswith("<") and "<LMSDataContainer" in text:
        return ImageFormat.XLEF
    return None
