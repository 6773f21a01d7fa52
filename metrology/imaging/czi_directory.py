"""Look over the directory of a CZI before libCZI does, which trusts the counts in it and falls over wrong ones."""

from __future__ import annotations

import struct
from typing import IO, TYPE_CHECKING

from metrology.imaging.trust import damaged, saying_damage

if TYPE_CHECKING:
    from pathlib import Path

# ZISRAW (CZI) file format, design specification 1.2.2: segments of a 32-byte header and their data, little-endian
_HEADER = struct.Struct("<16sQQ")  # name, allocated and used bytes
_FILE = struct.Struct("<IIII16s16sIQQ")  # version, identifiers, part, places of the directory and of the metadata
_DIRECTORY_DATA = 128  # entry count and spare bytes, before the entries
_ENTRY = struct.Struct("<2sIQIIB5sI")  # schema, pixel type, place, part, compression, pyramid, spare, dimension count
_DIMENSION_BYTES = 20
_MOST_DIMENSIONS = 40  # as the specification has it, and as much as libCZI makes room for
_BLOCK_HEADER = struct.Struct("<IIQ")  # of a sub-block's data: sizes of its metadata, attachment and pixels
_SCHEMA = b"DV"


def check_directory(path: Path, *, kind: str) -> None:
    """Refuse a CZI whose directory or sub-blocks cannot be what they claim.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        Its format, for the sentence.

    Raises
    ------
    UnreadableImageError
        A segment of another name than its place says, one that leaves the file, or an entry of too many dimensions.
    """
    with saying_damage(path, kind=kind), path.open("rb") as stream:
        _segment(path, stream, 0, b"ZISRAWFILE", kind=kind)
        *_, directory, metadata = _FILE.unpack(stream.read(_FILE.size))
        used = _segment(path, stream, metadata, b"ZISRAWMETADATA", kind=kind)
        xml_bytes = int.from_bytes(stream.read(4), "little")
        if xml_bytes > used:
            raise damaged(path, f"metadata of {xml_bytes} bytes in a segment of {used}", kind=kind)
        used = _segment(path, stream, directory, b"ZISRAWDIRECTORY", kind=kind)
        content = stream.read(used)
        places = _places(path, content, kind=kind)
        for place in places:
            used = _segment(path, stream, place, b"ZISRAWSUBBLOCK", kind=kind)
            notes, attached, pixels = _BLOCK_HEADER.unpack(stream.read(_BLOCK_HEADER.size))
            if notes + attached + pixels > used:
                raise damaged(path, f"a field of {pixels} bytes in a segment of {used}", kind=kind)
            _dimensions(path, stream.read(_ENTRY.size), kind=kind)


def _segment(path: Path, stream: IO[bytes], place: int, name: bytes, *, kind: str) -> int:
    """Go to the data of a segment, and return how many bytes of it are used."""
    size = path.stat().st_size
    if place > size:
        raise damaged(path, f"{name.decode()} at {place}, beyond the end of the file", kind=kind)
    stream.seek(place)
    found, allocated, used = _HEADER.unpack(stream.read(_HEADER.size))
    used = used or allocated  # 0 means all of it
    if found.rstrip(b"\0") != name or place + _HEADER.size + used > size:
        raise damaged(path, f"no whole {name.decode()} at {place}", kind=kind)
    return int(used)


def _places(path: Path, content: bytes, *, kind: str) -> list[int]:
    """Return where the sub-blocks lie, entry after entry."""
    count = int.from_bytes(content[:4], "little")
    if _DIRECTORY_DATA + count * (_ENTRY.size + _DIMENSION_BYTES) > len(content):
        raise damaged(path, f"{count} entries in a directory of {len(content)} bytes", kind=kind)
    places = []
    at = _DIRECTORY_DATA
    for _ in range(count):
        entry = content[at : at + _ENTRY.size]
        at += _ENTRY.size + _dimensions(path, entry, kind=kind) * _DIMENSION_BYTES
        if at > len(content):
            raise damaged(path, "entries beyond the end of the directory", kind=kind)
        places.append(int(_ENTRY.unpack(entry)[2]))
    return places


def _dimensions(path: Path, entry: bytes, *, kind: str) -> int:
    """Return the number of dimensions of an entry."""
    schema, *_, dimensions = _ENTRY.unpack(entry)
    if schema != _SCHEMA or not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise damaged(path, f"an entry {schema!r} of {dimensions} dimensions", kind=kind)
    return int(dimensions)
