"""Files on their way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.errors import GoneError, NotFoundError
from metrology.models import Upload, UploadState

if TYPE_CHECKING:
    from uuid import UUID

    from django.contrib.auth.models import AnonymousUser, User


def upload_get(user: User | AnonymousUser, upload_id: UUID) -> Upload:
    """Return an upload of this person.

    Raises
    ------
    NotFoundError
        There is none, or it is another person's.
    GoneError
        It was removed; the sentence says why.
    """
    found = Upload.objects.select_related("facility", "acquisition").filter(user_id=user.pk or 0, pk=upload_id).first()
    if found is None:
        raise NotFoundError(
            "There is no such upload of yours.", hint="Start it again, as the person who goes on with it."
        )
    if found.state == UploadState.GONE:
        raise GoneError(f"This upload was removed. {found.reason}", hint="Start it again.")
    return found


def upload_unfinished(user: User | AnonymousUser) -> list[Upload]:
    """Return the uploads that this person may go on with, the latest first."""
    return list(Upload.objects.filter(user_id=user.pk or 0, state=UploadState.OPEN)[:50])
