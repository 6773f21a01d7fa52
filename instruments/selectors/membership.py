"""Who may do what, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.errors import AccessError, NotFoundError
from common.permissions import Role, includes
from instruments.models import Membership

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from instruments.models import Facility, Instrument

_CACHE = "_strehl_membership"
_WHO = {Role.VIEWER: "members of a facility", Role.OPERATOR: "operators and staff", Role.STAFF: "staff"}


def membership_of(user: AbstractBaseUser | AnonymousUser) -> Membership | None:
    """Return the user's membership (the first by facility name), or None. Read once per user object."""
    if not user.is_authenticated:
        return None
    if _CACHE not in user.__dict__:
        rows = Membership.objects.select_related("facility").filter(user_id=user.pk)
        user.__dict__[_CACHE] = rows.order_by("facility__name").first()  # one read a request
    found: Membership | None = user.__dict__[_CACHE]
    return found


def facility_of(user: AbstractBaseUser | AnonymousUser) -> Facility:
    """Return the facility whose things the user sees.

    Raises
    ------
    AccessError
        If the user belongs to none.
    """
    found = membership_of(user)
    if found is None:
        raise AccessError(
            "You do not belong to a facility yet.", hint="Ask a member of its staff to give you a role in it."
        )
    return found.facility


def require_role(user: AbstractBaseUser | AnonymousUser, needed: Role, *, action: str) -> Membership:
    """Return the user's membership if its role includes `needed`.

    Parameters
    ----------
    user
        Who asks.
    needed : Role
        The least role that may.
    action : str
        What was asked for, to be read after "may": "start a training".

    Raises
    ------
    AccessError
        If it does not; the sentence says who may.
    """
    found = membership_of(user)
    if found is None or not includes(found.role, needed):
        have = f"your role is {found.role}" if found else "you have no role"
        raise AccessError(
            f"Only {_WHO[needed]} may {action}; {have}.",
            hint=f"Ask a member of the staff of {found.facility if found else 'the facility'}.",
            needed=str(needed),
        )
    return found


def require_role_on(
    instrument: Instrument, user: AbstractBaseUser | AnonymousUser | None, needed: Role, *, action: str
) -> None:
    """Refuse who may not do something with an instrument.

    Parameters
    ----------
    instrument : Instrument
        With which.
    user
        Who asks; None for the command line, which may.
    needed, action
        As for `require_role`.

    Raises
    ------
    AccessError
        The user's role does not include it.
    NotFoundError
        The instrument is of another facility.
    """
    if user is not None and require_role(user, needed, action=action).facility_id != instrument.facility_id:
        raise NotFoundError("There is no such instrument.", hint="Choose one of your facility.")
