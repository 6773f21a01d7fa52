"""Choose the acquisition that later ones of the same instrument, path and standard are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from common.errors import NotFoundError, StateError
from common.models import JobState
from common.permissions import Role
from instruments.selectors.membership import require_role
from metrology.models import ReferenceAcquisition, Validity

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

    from metrology.models import Acquisition


def reference_set(acquisition: Acquisition, *, user: User | AnonymousUser | None) -> ReferenceAcquisition:
    """Make an acquisition the reference (SSIM, PSNR …) of those that are measured from now on.

    Parameters
    ----------
    acquisition : Acquisition
        A measured, valid acquisition of a standard.
    user
        A member of staff; None for the command line and for the demonstration.

    Returns
    -------
    ReferenceAcquisition
        The choice, dated; earlier choices stay and explain earlier figures.

    Raises
    ------
    AccessError
        The user is not staff.
    NotFoundError
        The acquisition is of another facility.
    StateError
        It is not measured, not valid, or of no standard.
    """
    if user is not None:
        membership = require_role(user, Role.STAFF, action="choose the reference of an instrument")
        if membership.facility != acquisition.facility:
            raise NotFoundError("There is no such acquisition.", hint="Choose one of your facility.", id=acquisition.pk)
    if acquisition.state != JobState.DONE or acquisition.validity != Validity.VALID:
        raise StateError(
            "Only a measured and valid acquisition can be the reference.",
            hint="Choose another one, or correct what keeps this one from being valid.",
            state=acquisition.state,
            validity=acquisition.validity,
        )
    if acquisition.instrument is None or acquisition.optical_path is None or acquisition.standard is None:
        raise StateError(
            "An acquisition without a standard cannot be the reference.",
            hint="State its instrument, optical path and standard first.",
        )
    return ReferenceAcquisition.objects.create(
        instrument=acquisition.instrument,
        optical_path=acquisition.optical_path,
        standard=acquisition.standard,
        acquisition=acquisition,
        valid_from=timezone.now(),
        chosen_by_id=None if user is None else user.pk,
    )
