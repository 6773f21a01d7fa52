"""What people say about a file: checked once, for those who bring it and for those who correct what is known of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

from django.utils import timezone

from common.errors import InputError, InvalidDateError, NotFoundError
from metrology.models import StandardKind

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

    from instruments.models import Facility, Instrument, OpticalPath
    from metrology.models import Standard

FURTHEST_ZONE = timedelta(hours=14)
"""No place on Earth is further ahead of UTC, in which dates without a time zone are taken."""

BY_COMMAND = "command line"


class Given(TypedDict, total=False):
    """What is said about a file; what is left out, None or empty is read from the file."""

    instrument: Instrument | None
    optical_path: OpticalPath | None
    standard: Standard | None
    label: str
    acquired_at: datetime | None
    field_of_view: str
    field_role: str


def said_by(user: User | AnonymousUser | None) -> str:
    """Return the source under which a person's word is kept."""
    return BY_COMMAND if user is None else f"user {user.get_username()}"


def stated(given: Given, facility: Facility) -> Given:
    """Check what is said and return what is really said: without empty fields, with the instrument of a path.

    Raises
    ------
    NotFoundError
        A thing of another facility.
    InputError
        The optical path belongs to another instrument, or the standard is a power meter.
    InvalidDateError
        The date lies in the future.
    """
    said: Given = {name: value for name, value in given.items() if value not in {None, ""}}  # type: ignore[assignment]  # a TypedDict without some of its keys
    path = said.get("optical_path")
    if path is not None:
        said.setdefault("instrument", path.instrument)
        if path.instrument_id != said["instrument"].pk:  # type: ignore[union-attr]  # None was left out above
            raise InputError(
                f"The optical path '{path}' belongs to {path.instrument}, not to {said['instrument']}.",
                hint="Choose a path of this instrument, or leave the path to be read from the file.",
            )
    standard = said.get("standard")
    if standard is not None and standard.kind == StandardKind.POWER_METER:
        raise InputError(
            f"{standard} is a power meter, which is not imaged.", hint="Record its readings on the instrument's page."
        )
    for name, thing in (("instrument", said.get("instrument")), ("standard", standard)):
        if thing is not None and thing.facility_id != facility.pk:
            raise NotFoundError(
                f"There is no such {name} in {facility}.", hint=f"Choose one of your facility's {name}s.", id=thing.pk
            )
    if "acquired_at" in said:
        said["acquired_at"] = past(said["acquired_at"])  # type: ignore[arg-type]  # None was left out above
    return said


def past(moment: datetime) -> datetime:
    """Return the date with its time zone (UTC where it has none).

    Raises
    ------
    InvalidDateError
        It lies in the future, wherever on Earth it was written.
    """
    aware = moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
    if aware > timezone.now() + FURTHEST_ZONE:
        raise InvalidDateError(
            f"The acquisition is dated {aware:%Y-%m-%d %H:%M}, which is in the future.",
            hint="Set the clock of the acquisition computer, and give the right date with the file.",
            acquired_at=aware.isoformat(),
        )
    return aware
