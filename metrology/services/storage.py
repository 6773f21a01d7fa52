"""Originals on disk: whole or not at all, under the SHA-256 of their content."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from common.errors import InputError, StorageError, TooLargeError
from common.templatetags.formatting import size_text
from metrology.models import StoredFile, Upload, UploadState
from metrology.models.upload import KEPT_UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK_BYTES = 1024 * 1024
STALE_SECONDS = 3600.0
REMEMBERED = timedelta(days=7)
ABANDONED = "Nothing was added to it for a day."
LOST = "Nothing was kept; tell your administrator to free space, then send the file again."
FILE_MODE = 0o640
FOLDER_MODE = 0o750


@dataclass(frozen=True, slots=True)
class Whole:
    """A file that is whole and on the disk of the facility already: it is moved to its place, not copied.

    Parameters
    ----------
    part : Path
        Where it lies, among the incoming.
    sha256 : str
        Of its content.
    size_bytes : int
        Its size [bytes].
    """

    part: Path
    sha256: str
    size_bytes: int

    @property
    def lies_at(self) -> Path:
        """Where its content is, before and after it was moved."""
        return self.part if self.part.exists() else StoredFile(sha256=self.sha256).path


def adopt(whole: Whole) -> StoredFile:
    """Move a whole file to its place under its content; again, where an earlier attempt was killed after the move.

    Parameters
    ----------
    whole : Whole
        The file and its hash.

    Returns
    -------
    StoredFile
        The row of the content, new or old.

    Raises
    ------
    StorageError
        The disk refuses; the file stays among the incoming.
    """
    if whole.part.exists():
        _put_in_place(whole.part, StoredFile(sha256=whole.sha256).path)
    return StoredFile.objects.get_or_create(sha256=whole.sha256, defaults={"size_bytes": whole.size_bytes})[0]


def store(source: IO[bytes] | Path, *, max_bytes: int | None = None) -> StoredFile:
    """Keep a copy of a file under its content, once, however often and by however many it is brought.

    Parameters
    ----------
    source : readable binary stream or Path
        The file; a stream is read from where it stands.
    max_bytes : int, optional
        Largest size accepted [bytes]; the facility's limit if left out.

    Returns
    -------
    StoredFile
        The row of the content, new or old.

    Raises
    ------
    InputError
        The file is empty, or it broke off while it was read.
    TooLargeError
        It is larger than allowed.
    StorageError
        The disk refuses. In each case nothing of the file stays.

    Notes
    -----
    The file lies in its place before its row is made, so a row never lacks its file; a file without a row, left by a
    transaction that was rolled back, is adopted when the same content comes again.
    """
    part = incoming_folder() / f"{uuid.uuid4().hex}.part"
    try:
        with _opened(source) as stream:
            sha256, size_bytes = _copy(stream, part, limit=max_bytes or settings.MAX_UPLOAD_BYTES)
        if size_bytes == 0:
            raise InputError("The file is empty.", hint="Copy it again from the acquisition computer.")
        _put_in_place(part, StoredFile(sha256=sha256).path)
    finally:
        part.unlink(missing_ok=True)
    return StoredFile.objects.get_or_create(sha256=sha256, defaults={"size_bytes": size_bytes})[0]


def sweep(*, all_of_them: bool = False) -> int:
    """Remove what broken uploads left behind.

    Parameters
    ----------
    all_of_them : bool
        True when nothing is being written (at the start of the supervisor); else only what is an hour old.
        A resumable upload is kept in both cases until nothing was added to it for a day.

    Returns
    -------
    int
        How many parts were removed.
    """
    now = time.time()
    broken = _remove_older(incoming_folder().glob("*.part"), now if all_of_them else now - STALE_SECONDS)
    return broken + _sweep_uploads()


def _sweep_uploads() -> int:
    """Give up the uploads to which nothing was added for a day; forget old ones a week later."""
    oldest = timezone.now() - KEPT_UNFINISHED
    forgotten = Upload.objects.exclude(state=UploadState.OPEN).filter(active_at__lt=oldest - REMEMBERED)
    if forgotten.exists():
        forgotten.delete()
    for upload in Upload.objects.filter(state=UploadState.OPEN, active_at__lt=oldest):
        if upload.path.exists() and upload.path.stat().st_mtime > oldest.timestamp():
            continue  # one long request has been adding to it all the time
        Upload.objects.filter(pk=upload.pk, state=UploadState.OPEN).update(state=UploadState.GONE, reason=ABANDONED)
    return _remove_older(incoming_folder().glob("*.upload"), oldest.timestamp())


def _remove_older(parts: Iterator[Path], newest: float) -> int:
    """Remove those to which nothing was written since; return how many there were."""
    removed = 0
    for part in parts:
        try:
            if part.stat().st_mtime <= newest:
                part.unlink()
                removed += 1
        except FileNotFoundError:  # its own upload finished or removed it meanwhile
            continue
    return removed


def incoming_folder() -> Path:
    """Return the folder in which files are written before they are whole."""
    return _folder(Path(settings.MEDIA_ROOT) / "incoming")


@contextmanager
def _opened(source: IO[bytes] | Path) -> Iterator[IO[bytes]]:
    """Open a path; leave a stream open for whoever brought it."""
    if not isinstance(source, Path):
        yield source
        return
    try:
        stream = source.open("rb")
    except OSError as error:
        raise InputError(
            f"The file {source.name} cannot be opened.",
            hint="Check that it exists and that you may read it.",
            reason=str(error),
        ) from error
    with stream:
        yield stream


def _copy(stream: IO[bytes], part: Path, *, limit: int) -> tuple[str, int]:
    """Write a stream to disk while hashing it; return SHA-256 and size [bytes]."""
    digest, size_bytes = hashlib.sha256(), 0
    try:
        target = os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE), "wb", buffering=0)
    except OSError as error:
        raise refused_by_disk(error) from error
    with target:
        while chunk := _read(stream):
            size_bytes += len(chunk)
            if size_bytes > limit:
                raise TooLargeError(
                    f"The file is larger than {size_text(limit)}.",
                    hint="Export fewer tiles or time points, or ask your administrator to raise the limit.",
                    max_bytes=limit,
                )
            digest.update(chunk)
            _write(target, chunk)
        try:
            os.fsync(target.fileno())
        except OSError as error:
            raise refused_by_disk(error) from error
    return digest.hexdigest(), size_bytes


def _read(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(CHUNK_BYTES)
    except OSError as error:
        raise InputError(
            "The file broke off while it was read.", hint="Nothing was kept; send it again.", reason=str(error)
        ) from error


def _write(target: Any, chunk: bytes) -> None:
    """Write all of a chunk: a full disk may take a part of it before it refuses."""
    left = memoryview(chunk)
    try:
        while left:
            left = left[target.write(left) :]
    except OSError as error:
        raise refused_by_disk(error) from error


def _put_in_place(part: Path, final: Path) -> None:
    """Move a whole file to its place in one step, and make the step survive a power cut."""
    folder = _folder(final.parent)
    try:
        part.replace(final)
        directory = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise refused_by_disk(error) from error


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    except OSError as error:
        raise refused_by_disk(error) from error
    return path


def refused_by_disk(error: OSError, *, hint: str = LOST) -> StorageError:
    """Say what the disk said."""
    return StorageError(
        "The disk of the facility is full or cannot be written.",
        hint=hint,
        reason=error.strerror or str(error),
    )
