"""Recording what was done to an instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from common.errors import InputError, InvalidDateError, NotFoundError
from common.permissions import Role
from instruments.models import ServiceEvent, ServiceKind
from instruments.selectors.membership import require_role

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from instruments.models import Instrument

service_recorded = Signal()
"""Sent with `event` inside the transaction that records it. The apps above, which the catalogue does not know, connect
the one service each by which they note what follows: all of it is kept with the event, or nothing."""


def service_event_record(
    *,
    user: AbstractBaseUser | AnonymousUser,
    instrument: Instrument,
    kind: str,
    started_at: datetime,
    ended_at: datetime,
    text: str = "",
    components: str = "",
) -> ServiceEvent:
    """Record something done to an instrument, and have the instrument judged anew: its baselines may begin again.

    Parameters
    ----------
    user
        Who records it; an operator or staff of the instrument's facility.
    instrument : Instrument
        What was worked on.
    kind : str
        A `ServiceKind`; it decides which attributes begin a new baseline.
    started_at, ended_at : datetime
        When work began, and when the instrument was back in use.
    text, components : str
        What was done, and to which parts.

    Returns
    -------
    ServiceEvent
        The new row.

    Raises
    ------
    AccessError
        If the user is only a viewer.
    NotFoundError
        If the instrument stands in another facility.
    InputError
        If the kind is unknown, the end lies before the start, or the components are too long to keep.
    InvalidDateError
        If the end lies in the future.
    """
    member = require_role(user, Role.OPERATOR, action="record a service event")
    if instrument.facility_id != member.facility_id:
        raise NotFoundError(
            f"There is no instrument '{instrument.slug}' in {member.facility}.", hint="Choose your own."
        )
    _check(kind, started_at, ended_at, components)
    with transaction.atomic():
        event = ServiceEvent.objects.create(
            instrument=instrument,
            kind=kind,
            started_at=started_at,
            ended_at=ended_at,
            text=text,
            components=components,
            recorded_by_id=user.pk,
        )
        service_recorded.send(sender=ServiceEvent, event=event)
    return event


def _check(kind: str, started_at: datetime, ended_at: datetime, components: str) -> None:
    """Refuse an event that cannot have happened so."""
    if kind not in ServiceKind.values:
        raise InputError(
            f"'{kind}' is not a kind of service event.", hint=f"Use one of {', '.join(ServiceKind.values)}.", kind=kind
        )
    if ended_at < started_at:
        raise InputError(
            "The service ends before it starts.",
            hint="Correct one of the two times.",
            started_at=started_at.isoformat(),
            ended_at=ended_at.isoformat(),
        )
    if ended_at > timezone.now():
        raise InvalidDateError(
            "The service ends in the future.",
            hint="Record it once the instrument is back in use: its new baselines begin at that moment.",
            ended_at=ended_at.isoformat(),
        )
    longest = ServiceEvent._meta.get_field("components").max_length or 0
    if len(components) > longest:
        raise InputError(
            f"The components take {len(components)} characters; {longest} are kept.",
            hint="Name the parts only and say the rest in the text.",
        )
