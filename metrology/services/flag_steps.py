"""The life of a flag: open → confirmed → acknowledged → resolved or dismissed; each step keeps who took it and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from common.errors import InputError, NotFoundError, StateError
from common.permissions import Role
from instruments.models import ServiceEvent
from instruments.selectors.membership import facility_of, require_role
from metrology.models import Acquisition, Flag, FlagState, FlagTransition, Validity
from metrology.selectors.flags import FOLLOWING
from metrology.services.health import assessment_request

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from instruments.models import Facility

    Person = AbstractBaseUser | AnonymousUser

CLOSED = frozenset({FlagState.RESOLVED, FlagState.DISMISSED})


def flag_acknowledge(*, user: Person, flag_id: int, text: str = "") -> Flag:
    """Say that somebody has seen the flag and takes care of it.

    Raises
    ------
    AccessError
        If the user is only a viewer.
    NotFoundError
        If the user's facility has no such flag.
    StateError
        If the flag is acknowledged already, or closed.
    """
    require_role(user, Role.OPERATOR, action="acknowledge a flag")
    return flag_move(flag_id=flag_id, facility=facility_of(user), to=FlagState.ACKNOWLEDGED, user=user, text=text)


def flag_confirm(*, user: Person, flag_id: int, repeat_id: int | None = None, text: str = "") -> Flag:
    """Say that a repeat acquisition shows the same, so that the instrument and not one bad scan is to blame.

    Parameters
    ----------
    user
        An operator or staff.
    flag_id : int
        The flag.
    repeat_id : int, optional
        The acquisition that repeated the finding; later than the one that raised the flag, of the same instrument.
    text : str
        What was seen.

    Raises
    ------
    AccessError
        If the user is only a viewer.
    NotFoundError
        If the user's facility has no such flag or no such acquisition.
    InputError
        If the acquisition is not a repeat: of another instrument or light, not later, or not valid.
    StateError
        If the flag is confirmed already, or closed.
    """
    require_role(user, Role.OPERATOR, action="confirm a flag")
    facility = facility_of(user)
    with transaction.atomic():
        flag = _locked(flag_id, facility)
        if repeat_id is not None:
            repeat = _repeat_of(flag, repeat_id, facility)
            text = f"Repeat: {repeat} ({repeat.acquired_at:%Y-%m-%d}, acquisition {repeat.pk}). {text}".strip()
        return _step(flag, FlagState.CONFIRMED, user=user, text=text)


def flag_dismiss(*, user: Person, flag_id: int, reason: str) -> Flag:
    """Close a flag that does not concern the instrument (a bad slide, a mistake), with the reason.

    Raises
    ------
    AccessError
        If the user is not staff.
    InputError
        If no reason is given.
    NotFoundError
        If the user's facility has no such flag.
    StateError
        If the flag is closed.
    """
    require_role(user, Role.STAFF, action="dismiss a flag")
    if not reason.strip():
        raise InputError(
            "A flag is dismissed only with a reason.", hint="Say in a sentence why the instrument is not to blame."
        )
    return flag_move(
        flag_id=flag_id, facility=facility_of(user), to=FlagState.DISMISSED, user=user, text=reason.strip()
    )


def flag_resolve(*, user: Person, flag_id: int, service_event_id: int, text: str = "") -> Flag:
    """Close a flag by the service event that mended the instrument.

    Raises
    ------
    AccessError
        If the user is only a viewer.
    NotFoundError
        If the user's facility has no such flag, or its instrument no such event.
    InputError
        If the event had ended before the flag was raised: it cannot have mended what was seen after it.
    StateError
        If the flag is closed.
    """
    require_role(user, Role.OPERATOR, action="resolve a flag")
    with transaction.atomic():
        flag = _locked(flag_id, facility_of(user))
        event = ServiceEvent.objects.filter(pk=service_event_id, instrument_id=flag.instrument_id).first()
        if event is None:
            raise NotFoundError(
                f"{flag.instrument} has no service event {service_event_id}.",
                hint="Choose one of its events, or record the service first.",
                service_event=service_event_id,
            )
        if event.ended_at < flag.raised_at:
            raise InputError(
                f"The service of {event.ended_at:%Y-%m-%d} ended before the flag was raised on "
                f"{flag.raised_at:%Y-%m-%d}.",
                hint="Link a later event, or record the service that mended the instrument.",
                service_event=event.pk,
            )
        flag.resolved_by = event
        return _step(
            flag, FlagState.RESOLVED, user=user, text=text or f"Resolved by: {event}.", closed_at=event.ended_at
        )


def flag_comment(*, user: Person, flag_id: int, text: str) -> FlagTransition:
    """Add a remark to a flag, also to a closed one; its state stays.

    Raises
    ------
    AccessError
        If the user is only a viewer.
    InputError
        If the remark is empty.
    NotFoundError
        If the user's facility has no such flag.
    """
    require_role(user, Role.OPERATOR, action="comment on a flag")
    if not text.strip():
        raise InputError("The comment is empty.", hint="Write what the next person should know.")
    with transaction.atomic():
        flag = _locked(flag_id, facility_of(user))
        return FlagTransition.objects.create(
            flag=flag, from_state=flag.state, to_state=flag.state, user_id=user.pk, text=text.strip()
        )


def flag_move(
    *, flag_id: int, facility: Facility, to: FlagState, user: Person | None = None, text: str = "", **fields: Any
) -> Flag:
    """Move a flag one step and keep the step; the one door through which a flag changes its state.

    Parameters
    ----------
    flag_id : int
        The flag.
    facility : Facility
        Whose flags may be touched.
    to : FlagState
        The state that follows.
    user : optional
        Who moves it; None where a worker does.
    text : str
        Why.
    **fields
        Further fields of the flag that the step writes, for example `resolved_by`.

    Raises
    ------
    NotFoundError
        If the facility has no such flag.
    StateError
        If that state cannot follow the present one.
    """
    with transaction.atomic():
        flag = _locked(flag_id, facility)
        for name, value in fields.items():
            setattr(flag, name, value)
        return _step(flag, to, user=user, text=text)


def _locked(flag_id: int, facility: Facility) -> Flag:
    """Return the facility's flag, kept from others until the transaction ends."""
    flag = (
        Flag.objects.select_for_update(of=("self",))
        .select_related("instrument")
        .filter(pk=flag_id, instrument__facility=facility)
        .first()
    )
    if flag is None:
        raise NotFoundError(
            f"There is no flag {flag_id} in {facility}.", hint="Choose one from the list of flags.", flag=flag_id
        )
    return flag


def _step(flag: Flag, to: FlagState, *, user: Person | None, text: str, closed_at: datetime | None = None) -> Flag:
    """Write the step; a closed flag has the instrument judged anew.

    `closed_at` is when the instrument was mended, where that is known: later scans belong to a flag of their own.
    """
    before = FlagState(flag.state)
    if to not in FOLLOWING[before]:
        raise StateError(
            f"A flag that is {before.label} cannot become {to.label}.",
            hint=_next_of(before),
            flag=flag.pk,
            state=str(before),
            wanted=str(to),
        )
    flag.state = to
    flag.closed_at = (closed_at or timezone.now()) if to in CLOSED else None
    flag.save()
    FlagTransition.objects.create(
        flag=flag, from_state=before, to_state=to, user_id=user.pk if user is not None else None, text=text
    )
    if to in CLOSED:
        assessment_request(flag.instrument_id)
    return flag


def _next_of(state: FlagState) -> str:
    """Say what may follow."""
    labels = [one.label for one in FlagState if one in FOLLOWING[state]]
    return (
        f"From here it can become {', '.join(labels)}." if labels else "It is closed; a new finding raises a new one."
    )


def _repeat_of(flag: Flag, repeat_id: int, facility: Facility) -> Acquisition:
    """Return the acquisition that repeats the one that raised the flag."""
    repeat = Acquisition.objects.filter(pk=repeat_id, facility=facility).first()
    if repeat is None:
        raise NotFoundError(
            f"There is no acquisition {repeat_id} in {facility}.",
            hint="Choose one from the list of acquisitions.",
            acquisition=repeat_id,
        )
    if repeat.instrument_id != flag.instrument_id:
        raise InputError(
            f"Acquisition {repeat_id} is not of {flag.instrument}.", hint="Name a repeat on the flagged instrument."
        )
    if repeat.light_setting_id != flag.raised_by.light_setting_id:
        raise InputError(
            f"Acquisition {repeat_id} does not repeat what raised the flag: it is of another kind or light.",
            hint="Name a scan for a scan, and for readings of a power meter those of the same light source and setting.",
        )
    if repeat.acquired_at is None or repeat.acquired_at <= flag.raised_at or repeat.validity != Validity.VALID:
        raise InputError(
            f"Acquisition {repeat_id} is not a valid scan made after the one that raised the flag.",
            hint="Scan the standard again, upload it, and name that acquisition.",
        )
    return repeat
