"""What every reader checks before it takes memory for a file, and how damage is said."""

from __future__ import annotations

import contextlib
import math
import struct
import warnings
import xml.etree.ElementTree as ET
import zlib
from typing import TYPE_CHECKING

import tifffile

from common.errors import TooLargeError, UnreadableImageError
from common.image_formats import HEAD_BYTES, identify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from common.image_formats import ImageFormat

MAX_PIXELS = 400_000_000
"""Largest z-stack of one channel, the most that is ever held at once: a 20 000 × 20 000 mosaic, 0.8 GB at 16 bits [px]."""
MAX_COMPRESSION_RATIO = 1100
"""A real image shrinks 2 to 20 times, a flat field of one value about 1000 times with deflate. More is a bomb."""

# What the readers' libraries raise on damaged files (imagecodecs and libCZI: RuntimeError; XML parsers: SyntaxError)
DAMAGE = (
    tifffile.TiffFileError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    SyntaxError,
    EOFError,
    OSError,
    BufferError,
    struct.error,
    zlib.error,
)


def format_of(path: Path) -> ImageFormat:
    """Say by the first bytes of a file which reader opens it.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    ImageFormat
        Whatever its name ends with.

    Raises
    ------
    UnreadableImageError
        It cannot be opened, is empty, a picture or of an unknown format.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as error:
        raise UnreadableImageError(
            f"The file {path.name} cannot be opened.",
            hint="Check that it exists and that you may read it.",
            reason=str(error),
        ) from error
    return identify(head, name=path.name)


def damaged(path: Path, reason: object, *, kind: str = "TIFF") -> UnreadableImageError:
    """Return the error of a damaged file.

    Parameters
    ----------
    path : Path
        The file.
    reason : object
        What was found wrong; its first 200 characters are kept.
    kind : str
        Its format, for the sentence.

    Returns
    -------
    UnreadableImageError
        To be raised by the caller.
    """
    return UnreadableImageError(
        f"The {kind} file {path.name} is damaged or incomplete.",
        hint="Copy or export it again from the acquisition computer.",
        file=path.name,
        reason=str(reason)[:200],
    )


@contextlib.contextmanager
def saying_damage(path: Path, *, kind: str) -> Iterator[None]:
    """Turn what a library raises on a damaged file into the sentence that people read.

    Parameters
    ----------
    path : Path
        The file that the library works on.
    kind : str
        Its format, for the sentence.

    Yields
    ------
    None
        Work on the file inside the `with`.

    Raises
    ------
    UnreadableImageError
        The library could not make sense of the file.
    TooLargeError
        The machine has not enough memory.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn of unusual files; what matters is checked here
            yield
    except MemoryError as error:
        raise TooLargeError(
            f"The machine has not enough memory for {path.name}.",
            hint="Export fewer slices, channels or tiles.",
            file=path.name,
        ) from error
    except DAMAGE as error:
        raise damaged(path, error, kind=kind) from error


def check_pixels(shape_tczyx: Sequence[int], *, max_pixels: int) -> None:
    """Refuse an image whose z-stack of one channel is larger than allowed.

    Parameters
    ----------
    shape_tczyx : sequence of int
        What the header claims.
    max_pixels : int
        Largest number of pixels of one z-stack, which is the most that is held at once.

    Raises
    ------
    TooLargeError
        It is larger.
    """
    pixels = math.prod(int(size) for size in shape_tczyx[2:])
    if pixels > max_pixels:
        raise TooLargeError(
            f"The image has {pixels / 1e6:.0f} million pixels; {max_pixels / 1e6:.0f} million are allowed.",
            hint="Export fewer slices or tiles, or ask your administrator to raise the limit.",
            pixels=pixels,
            max_pixels=max_pixels,
        )


def check_expansion(path: Path, *, claimed: int, stored: int, compressed: bool, kind: str = "TIFF") -> None:
    """Refuse a file that promises more pixels than its bytes can hold.

    Parameters
    ----------
    path : Path
        The file.
    claimed : int
        Size of the pixels once decoded [bytes].
    stored : int
        Bytes of the file that hold them.
    compressed : bool
        Whether they are packed; otherwise every pixel must be there.
    kind : str
        Its format, for the sentence.

    Raises
    ------
    UnreadableImageError
        The claim cannot be true, or is that of a decompression bomb.
    """
    if claimed > max(stored, 1) * (MAX_COMPRESSION_RATIO if compressed else 1):
        raise damaged(path, f"claims {claimed} bytes of pixels but stores {stored}", kind=kind)


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
            "The XML header defines entities, which an acquisition never needs.",
            hint="Export the image again from the acquisition software.",
        )


def parse_xml(xml: str) -> ET.Element:
    """Parse a header that defines no entities.

    Parameters
    ----------
    xml : str
        The header.

    Returns
    -------
    Element
        Its root.

    Raises
    ------
    UnreadableImageError
        It defines entities.
    xml.etree.ElementTree.ParseError
        It is not XML; the caller says of which file (`saying_damage`).
    """
    refuse_entities(xml)
    return ET.fromstring(xml)  # noqa: S314 (entities, the danger of this parser, were refused above)
