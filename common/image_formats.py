"""What a file is by its first bytes, so that a wrong one is refused at the door (pure: no library is needed)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from common.errors import UnreadableImageError

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD_BYTES = 16
"""How much of a file `check_head` needs [bytes]."""

# TIFF 6.0 and BigTIFF, little and big endian; a Zeiss LSM file is a TIFF
_READ: tuple[bytes, ...] = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_PICTURES: Mapping[bytes, str] = MappingProxyType(
    {
        b"\x89PNG": "a PNG picture",
        b"\xff\xd8\xff": "a JPEG picture",
        b"GIF8": "a GIF picture",
        b"BM": "a BMP picture",
        b"RIFF": "a WebP picture or AVI film",
        b"%PDF": "a PDF document",
        b"PK\x03\x04": "a ZIP archive",
        b"\x1f\x8b": "a gzip archive",
    }
)
_MICROSCOPES: Mapping[bytes, str] = MappingProxyType(
    {
        b"ZISRAWFILE": "a Zeiss CZI file",
        b"\xda\xce\xbe\n": "a Nikon ND2 file",
        b"\x00\x00\x00\x0cjP  ": "a Nikon ND2 file",
        b"p\x00\x00\x00": "a Leica LIF file",
        b"\xd0\xcf\x11\xe0": "an Olympus OIB or Zeiss ZVI file",
        b"\x89HDF": "an HDF5 file",
    }
)


def check_head(head: bytes, *, name: str) -> None:
    """Refuse a file that is no TIFF by saying what it is instead.

    Parameters
    ----------
    head : bytes
        The first `HEAD_BYTES` of the file.
    name : str
        Its name, for the sentence.

    Raises
    ------
    UnreadableImageError
        The file is empty or no TIFF, whatever its name ends with.
    """
    if not head:
        raise UnreadableImageError(
            f"The file {name} is empty.", hint="Copy it again from the acquisition computer.", file=name
        )
    if head.startswith(_READ):
        return
    picture = next((kind for magic, kind in _PICTURES.items() if head.startswith(magic)), "")
    if picture:
        raise UnreadableImageError(
            f"The file {name} is {picture}.",
            hint="Pictures and packages lose intensities and settings: export the raw data as TIFF or OME-TIFF.",
            file=name,
        )
    kind = next((kind for magic, kind in _MICROSCOPES.items() if head.startswith(magic)), "of an unknown format")
    raise UnreadableImageError(
        f"The file {name} is {kind}.",
        hint="Strehl reads TIFF, OME-TIFF and Zeiss LSM: export it from the acquisition software as OME-TIFF.",
        file=name,
    )
