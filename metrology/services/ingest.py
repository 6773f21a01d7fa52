"""The way in: a file becomes an acquisition that waits for a worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Unpack

from django.db import transaction

from common import jobs
from common.errors import InputError, NotFoundError
from common.image_formats import HEAD_BYTES, check_head
from common.models import JobState
from common.permissions import Role
from instruments.selectors.membership import require_role
from metrology.models import Acquisition
from metrology.services.given import Given, said_by, stated
from metrology.services.storage import Whole, adopt, store

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

    from instruments.models import Facility

LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a file.

    Parameters
    ----------
    acquisition : Acquisition
        The row of the file, new or old.
    duplicate : bool
        Whether the facility had this content already.
    """

    acquisition: Acquisition
    duplicate: bool

    @property
    def message(self) -> str:
        """One sentence for whoever brought the file."""
        if not self.duplicate:
            return "It is in, and waits to be measured."
        known = self.acquisition
        message = (
            f"Already here since {known.uploaded_at:%Y-%m-%d %H:%M} UTC as {known.original_name}; nothing was added."
        )
        if known.state == JobState.FAILED:
            return f"{message} It could not be measured: open it to see why and to add what is missing."
        return message


def acquisition_ingest(
    *,
    facility: Facility,
    source: IO[bytes] | Path | Whole,
    original_name: str,
    user: User | AnonymousUser | None = None,
    **given: Unpack[Given],
) -> Ingested:
    """Take in one file: keep its original, make its row, and queue it to be read and measured.

    Parameters
    ----------
    facility : Facility
        Whose file it is.
    source : seekable binary stream, Path or Whole
        The file; it is copied, unless it is `Whole` and on our disk: then it is moved.
    original_name : str
        Its name where it came from.
    user
        Who brings it; None for the command line and for the demonstration.
    **given
        What they say about it (see `Given`): instrument, optical_path, standard, label, acquired_at, field_of_view,
        field_role. What is left out is read from the file by the worker.

    Returns
    -------
    Ingested
        The acquisition, and whether the same content was here before.

    Raises
    ------
    AccessError
        The user is not an operator.
    NotFoundError
        Instrument or standard of another facility, or the user is of another facility.
    UnreadableImageError
        Empty, or nothing that a reader opens by its first bytes.
    InvalidDateError
        The date given lies in the future.
    TooLargeError, StorageError, InputError
        As `metrology.services.storage.store`.

    Notes
    -----
    Two people who bring the same file at the same moment get the same acquisition: the database's unique index decides.
    """
    if user is not None and require_role(user, Role.OPERATOR, action="upload images").facility != facility:
        raise NotFoundError("There is no such facility.", hint="Upload to your own facility.")
    said = stated(given, facility)
    name = plain_name(original_name)
    check_head(_head(source), name=name)
    stored = adopt(source) if isinstance(source, Whole) else store(source)
    with transaction.atomic():
        acquisition, created = Acquisition.objects.get_or_create(
            facility=facility,
            stored_file=stored,
            defaults={
                "original_name": name,
                "uploaded_by_id": None if user is None else user.pk,
                "sources": dict.fromkeys(said, said_by(user)),
                **said,
            },
        )
        if created:
            jobs.enqueue(acquisition)
    return Ingested(acquisition, duplicate=not created)


def plain_name(name: str) -> str:
    """Return the last part of a name, whatever system it came from, short enough for its column."""
    plain = name.replace("\\", "/").rsplit("/", 1)[-1].replace("\x00", "").strip() or "unnamed.tif"
    return plain[-LONGEST_NAME:]


def _head(source: IO[bytes] | Path | Whole) -> bytes:
    """Read the first bytes and go back to the beginning."""
    path = source.lies_at if isinstance(source, Whole) else source
    try:
        if isinstance(path, Path):
            with path.open("rb") as stream:
                return stream.read(HEAD_BYTES)
        head = path.read(HEAD_BYTES)
        path.seek(0)
    except OSError as error:
        raise InputError(
            "The file cannot be read.", hint="Check that it exists and that you may read it.", reason=str(error)
        ) from error
    return head
