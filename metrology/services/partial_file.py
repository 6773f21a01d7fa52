"""A file that arrives in pieces: bytes go to its end or nowhere, whoever else sends at the same moment.

The size of the file on disk is the only record of how much is here, so a killed server knows it without a book. Each
piece is written under a lock and only where the file still ends at the place the sender means: of two who send at
once, one is told that the file has grown meanwhile, and no bytes interleave. The lock is held for one piece, so a
sender whose connection died silently keeps nobody out.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

from common.errors import ChecksumError, GoneError, InputError, StateError
from common.image_formats import HEAD_BYTES
from metrology.services.storage import FILE_MODE, refused_by_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PIECE_BYTES = 256 * 1024
SPOOL_BYTES = 1024 * 1024
KEPT = "What arrived before is kept; tell your administrator to free space, then go on with the upload."


class Stream(Protocol):
    """Anything that bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must hash to.

    Parameters
    ----------
    algorithm : str
        sha1 or sha256.
    digest : bytes
        The hash.
    """

    algorithm: str
    digest: bytes


def begin(path: Path) -> None:
    """Make the empty file.

    Raises
    ------
    StorageError
        The disk refuses.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))
    except OSError as error:
        raise refused_by_disk(error) from error


def append(
    path: Path,
    stream: Stream,
    *,
    offset: int,
    length: int,
    checksum: Checksum | None = None,
    check_head: Callable[[bytes], None],
) -> int:
    """Write the bytes of one request to the end of the file.

    Parameters
    ----------
    path : Path
        The file.
    stream
        Where the bytes come from.
    offset : int
        Where the sender believes the file ends [bytes].
    length : int
        How many bytes the sender announced [bytes].
    checksum : Checksum, optional
        Their hash: the bytes are then kept aside until they are checked, and added all or none.
    check_head : callable
        Given the first bytes of the file as soon as they are here; raises to refuse it.

    Returns
    -------
    int
        Where the file ends now [bytes].

    Raises
    ------
    GoneError
        The file was removed.
    StateError
        The file ends elsewhere; the sender has to ask where.
    ChecksumError
        The bytes are not those that were sent; none of them is kept.
    InputError
        The connection broke off; without a checksum, what arrived is kept.
    StorageError
        The disk refuses; what was here before is kept.
    """
    with _opened(path) as descriptor:
        _at_end(descriptor, offset)
        if checksum is None:
            arrived = _add(descriptor, stream, offset=offset, length=length, check_head=check_head)
        else:
            arrived = _add_checked(descriptor, stream, path, offset, length, checksum, check_head)
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            raise refused_by_disk(error, hint=KEPT) from error
    if arrived < length:
        raise InputError(
            f"The connection broke off: {arrived} of {length} bytes arrived.",
            hint="Ask where the upload stands, then go on from there.",
            offset=offset + arrived,
        )
    return offset + arrived


def elsewhere(stands_at: int, offset: int) -> StateError:
    """Say that an upload stands elsewhere than its sender believes."""
    return StateError(
        f"The upload stands at byte {stands_at}, not at {offset}.",
        hint="Ask where it stands (HEAD), then go on from there; somebody else may be sending the same file.",
        offset=stands_at,
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises
    ------
    FileNotFoundError
        It is not there.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open the file for reading and adding."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError as error:
        raise _gone() from error
    except OSError as error:
        raise refused_by_disk(error, hint=KEPT) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _add(
    descriptor: int, stream: Stream, *, offset: int, length: int, check_head: Callable[[bytes], None] | None
) -> int:
    """Write piece by piece, each where the last ended; return how many bytes came."""
    position = offset
    while position < offset + length:
        size = HEAD_BYTES - position if position < HEAD_BYTES else PIECE_BYTES
        piece = _read(stream, min(size, offset + length - position))
        if not piece:
            break
        with _locked(descriptor):
            _at_end(descriptor, position)
            _write(descriptor, piece, position)
        if check_head is not None and position < HEAD_BYTES <= position + len(piece):
            check_head(os.pread(descriptor, HEAD_BYTES, 0))
        position += len(piece)
    return position - offset


def _add_checked(
    descriptor: int,
    stream: Stream,
    path: Path,
    offset: int,
    length: int,
    checksum: Checksum,
    check_head: Callable[[bytes], None],
) -> int:
    """Keep the bytes aside until their hash is right, then add them all or none."""
    digest, arrived = hashlib.new(checksum.algorithm, usedforsecurity=False), 0
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES, dir=str(path.parent)) as spool:
        while arrived < length and (piece := _read(stream, min(PIECE_BYTES, length - arrived))):
            if arrived == 0 and offset == 0 and len(piece) >= HEAD_BYTES:
                check_head(piece[:HEAD_BYTES])
            digest.update(piece)
            arrived += len(piece)
            _spool(spool, piece)
        if arrived < length:
            raise InputError(
                f"The connection broke off: {arrived} of {length} bytes arrived.",
                hint="They cannot be checked and were not kept: send them again.",
                offset=offset,
            )
        if not hmac.compare_digest(digest.digest(), checksum.digest):
            raise ChecksumError(
                "The bytes that arrived are not those that were sent.",
                hint="None of them was kept: send them again.",
                algorithm=checksum.algorithm,
                received=base64.b64encode(digest.digest()).decode(),
            )
        spool.seek(0)
        with _locked(descriptor):
            _at_end(descriptor, offset)
            position = offset
            try:
                for piece in iter(lambda: spool.read(PIECE_BYTES), b""):
                    _write(descriptor, piece, position)
                    position += len(piece)
            except BaseException:
                os.ftruncate(descriptor, offset)
                raise
    return length


def _spool(spool: IO[bytes], piece: bytes) -> None:
    try:
        spool.write(piece)
    except OSError as error:
        raise refused_by_disk(error, hint=KEPT) from error


def _read(stream: Stream, size: int) -> bytes:
    """Read; a connection that broke ends the stream."""
    try:
        return stream.read(size)
    except OSError:  # what arrived is counted, and its sender told if it still listens
        return b""


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """Keep others from writing."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _at_end(descriptor: int, position: int) -> None:
    """Check that the file is still there and ends at `position`."""
    found = os.fstat(descriptor)
    if found.st_nlink == 0:
        raise _gone()
    if found.st_size != position:
        raise elsewhere(found.st_size, position)


def _write(descriptor: int, piece: bytes, position: int) -> None:
    """Write all of a piece, or none of it: a full disk may take a part before it refuses."""
    left, at = memoryview(piece), position
    try:
        while left:
            written = os.pwrite(descriptor, left, at)
            left, at = left[written:], at + written
    except OSError as error:
        os.ftruncate(descriptor, position)
        raise refused_by_disk(error, hint=KEPT) from error


def _gone() -> GoneError:
    return GoneError("This upload was removed.", hint="Start it again.")
