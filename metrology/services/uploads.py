"""Resumable uploads: announced, added to, and taken in with the last byte."""

from __future__ import annotations

import shutil
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from common.errors import (
    AccessError,
    ChecksumError,
    GoneError,
    InputError,
    NotFoundError,
    StorageError,
    StrehlError,
    TooLargeError,
)
from common.image_formats import HEAD_BYTES, check_head
from common.permissions import Role
from common.templatetags.formatting import size_text
from instruments.models import Instrument, OpticalPath
from instruments.selectors.membership import require_role
from metrology.models import Standard, Upload, UploadState
from metrology.services import partial_file
from metrology.services.given import Given, stated
from metrology.services.ingest import acquisition_ingest, plain_name
from metrology.services.storage import Whole, incoming_folder

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

    from metrology.services.partial_file import Checksum, Stream

SPARE_BYTES = 64 * 1024**2
"""What must stay free on the disk beside an announced file: the database lives there too."""

_ROWS: dict[str, Any] = {"instrument": Instrument, "optical_path": OpticalPath, "standard": Standard}


def upload_create(
    *,
    user: User | AnonymousUser,
    size_bytes: int,
    original_name: str,
    given: Given,
    head: bytes = b"",
    **sent: str,
) -> Upload:
    """Announce a file: whatever can be refused before its bytes are sent is refused now.

    Parameters
    ----------
    user
        Who brings it.
    size_bytes : int
        How large it is [bytes].
    original_name : str
        Its name where it comes from.
    given : Given
        What they say about it.
    head : bytes
        Its first bytes, if the sender shows them beforehand.
    **sent
        `tus_metadata` as it was sent, and `promised_sha256` of the whole file if it is known.

    Returns
    -------
    Upload
        Its row; nothing of the file is here yet.

    Raises
    ------
    AccessError
        The user is not an operator.
    NotFoundError, InputError, InvalidDateError
        What they say is wrong; see `metrology.services.given.stated`.
    UnreadableImageError
        Empty, or its first bytes are those of no format that is read.
    TooLargeError, StorageError
        Larger than allowed, or than what is free on the disk.
    """
    member = require_role(user, Role.OPERATOR, action="upload images")
    facility = member.facility
    said = stated(given, facility)
    name = plain_name(original_name)
    if head or size_bytes == 0:
        check_head(head[:HEAD_BYTES], name=name)
    if size_bytes > settings.MAX_UPLOAD_BYTES:
        raise TooLargeError(
            f"The file has {size_text(size_bytes)}, more than {size_text(settings.MAX_UPLOAD_BYTES)}.",
            hint="Export fewer tiles or time points, or ask your administrator to raise the limit.",
            max_bytes=settings.MAX_UPLOAD_BYTES,
        )
    free = shutil.disk_usage(incoming_folder()).free - SPARE_BYTES
    if size_bytes > free:
        raise StorageError(
            f"The disk of the facility has no room for {size_text(size_bytes)}.",
            hint="Tell your administrator to free space, then send the file again.",
            free_bytes=max(0, free),
        )
    upload = Upload(
        facility=facility, user_id=member.user_id, original_name=name, size_bytes=size_bytes, said=_kept(said), **sent
    )
    partial_file.begin(upload.path)
    upload.save(force_insert=True)
    return upload


def upload_append(
    upload: Upload, stream: Stream, *, offset: int, length: int, checksum: Checksum | None = None
) -> Upload:
    """Add the bytes of one request; the last byte of the file makes its acquisition.

    Parameters
    ----------
    upload : Upload
        Where they belong.
    stream
        Where they come from.
    offset : int
        Where the sender believes the upload stands [bytes].
    length : int
        How many it sends [bytes].
    checksum : Checksum, optional
        What they must hash to.

    Returns
    -------
    Upload
        The row as it is now.

    Raises
    ------
    AccessError
        The user is no operator any more.
    TooLargeError
        More than was announced.
    UnreadableImageError
        The first bytes are those of no format that is read; the upload is removed.
    StrehlError
        As `metrology.services.partial_file.append` and `upload_finish`.
    """
    require_role(upload.user, Role.OPERATOR, action="upload images")
    if offset + length > upload.size_bytes:
        raise TooLargeError(
            f"These bytes would end at {offset + length}, beyond the {upload.size_bytes} that were announced.",
            hint="The file was changed while it was sent: start its upload again.",
        )
    if offset != upload.offset:
        raise partial_file.elsewhere(upload.offset, offset)
    if length > 0:
        check = partial(_check_head, upload)
        try:
            partial_file.append(upload.path, stream, offset=offset, length=length, checksum=checksum, check_head=check)
        finally:
            open_still = Upload.objects.filter(pk=upload.pk, state=UploadState.OPEN)
            open_still.update(active_at=timezone.now())
            upload.active_at = timezone.now()
    return upload_finish(upload)


def upload_finish(upload: Upload) -> Upload:
    """Take in an upload whose bytes are all here; leave any other as it is.

    Safe to repeat and to be killed in: a server that died between the last byte and the acquisition goes on at the
    next question about the upload.

    Parameters
    ----------
    upload : Upload
        The row.

    Returns
    -------
    Upload
        The row as it is now; with its acquisition if the file is whole.

    Raises
    ------
    ChecksumError
        The file is not the one whose SHA-256 was promised; it is removed.
    StorageError
        The disk refuses; the upload stays.
    StrehlError
        As `metrology.services.ingest.acquisition_ingest`; the upload is removed, and remembers why.
    """
    if upload.state != UploadState.OPEN or upload.offset != upload.size_bytes:
        return upload
    try:
        _hash(upload)
        with transaction.atomic():
            locked = Upload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
            if locked.state == UploadState.OPEN:
                _take_in(locked)
    except (StorageError, AccessError):
        raise
    except StrehlError as error:
        _remove(upload, reason=str(error))
        raise
    if locked.state == UploadState.GONE:
        raise GoneError(f"This upload was removed. {locked.reason}", hint="Start it again.")
    return locked


def upload_terminate(upload: Upload) -> None:
    """Give up an upload and free its space; what is in already stays.

    Parameters
    ----------
    upload : Upload
        The row.
    """
    _remove(upload, reason="You gave it up.")


def _take_in(upload: Upload) -> None:
    """Make the acquisition, with its row locked."""
    ingested = acquisition_ingest(
        facility=upload.facility,
        source=Whole(upload.path, upload.sha256, upload.size_bytes),
        original_name=upload.original_name,
        user=upload.user,
        **_given(upload),
    )
    upload.acquisition, upload.duplicate, upload.message = ingested.acquisition, ingested.duplicate, ingested.message
    upload.state, upload.active_at = UploadState.DONE, timezone.now()
    upload.save(update_fields=["acquisition", "duplicate", "message", "state", "active_at", "sha256"])


def _hash(upload: Upload) -> None:
    """Hash the whole file once, and note the hash before the file is moved under it."""
    if not upload.sha256:
        try:
            upload.sha256 = partial_file.sha256_of(upload.path)
        except FileNotFoundError:  # another request of the same upload was faster, and has noted it
            upload.refresh_from_db(fields=["sha256", "state"])
            return
        Upload.objects.filter(pk=upload.pk).update(sha256=upload.sha256)
    if upload.promised_sha256 and upload.promised_sha256 != upload.sha256:
        raise ChecksumError(
            f"{upload.original_name} arrived whole, but it is not the file that was announced.",
            hint="It was changed while it was sent, or damaged on the way: send it again.",
            received=upload.sha256,
            promised=upload.promised_sha256,
        )


def _check_head(upload: Upload, head: bytes) -> None:
    """Refuse the file by its first bytes, and remove what is here of it."""
    try:
        check_head(head, name=upload.original_name)
    except InputError as error:
        _remove(upload, reason=str(error))
        raise


def _remove(upload: Upload, *, reason: str) -> None:
    """Remove the part and remember why."""
    Upload.objects.filter(pk=upload.pk, state=UploadState.OPEN).update(
        state=UploadState.GONE, reason=reason[:500], active_at=timezone.now()
    )
    upload.path.unlink(missing_ok=True)


def _kept(said: Given) -> dict[str, Any]:
    """Write what was said as JSON: rows by their ids."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else getattr(value, "pk", value)
        for name, value in said.items()
    }


def _given(upload: Upload) -> Given:
    """Read what was said again; what was deleted meanwhile refuses the file."""
    given: dict[str, Any] = dict(upload.said)
    for name in given.keys() & _ROWS.keys():
        row = _ROWS[name].objects.filter(pk=given[name]).first()
        if row is None:
            raise NotFoundError(
                f"The {name.replace('_', ' ')} of this upload was deleted while the file was sent.",
                hint="Send the file again with another one.",
            )
        given[name] = row
    if "acquired_at" in given:
        given["acquired_at"] = datetime.fromisoformat(given["acquired_at"])
    return given  # type: ignore[return-value]  # the keys are those of a Given, as _kept wrote them
