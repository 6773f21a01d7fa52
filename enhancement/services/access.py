"""Who may do what in a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.errors import NotFoundError
from instruments.selectors.membership import require_role

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from common.permissions import Role
    from instruments.models import Instrument, Membership


def require_role_at(
    instrument: Instrument, user: AbstractBaseUser | AnonymousUser, needed: Role, *, action: str
) -> Membership:
    """Return the user's membership if it allows the action on this instrument.

    Parameters
    ----------
    instrument : Instrument
        The instrument concerned.
    user
        Who asks.
    needed : Role
        The least role that may.
    action : str
        What was asked for, to be read after "may".

    Raises
    ------
    AccessError
        If the role is too low; the sentence says who may.
    NotFoundError
        If the instrument belongs to another facility.
    """
    membership = require_role(user, needed, action=action)
    if instrument.facility_id != membership.facility_id:
        raise NotFoundError(
            "There is no such instrument in your facility.",
            hint="Choose one from the fleet page.",
            instrument=instrument.pk,
        )
    return membership
