"""Choose, or withdraw, the acquisition that later ones of the same instrument, path and standard are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from common.errors import NotFoundError, StateError
from common.models import JobState
from common.permissions import Role
from instruments.selectors.membership import require_role
from metrology.models import ReferenceAcquisition, Validity
from metrology.selectors.standards import reference_of, references_chosen

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
        The choice, dated; earlier choices stay and explain earlier figures. Choosing the one in force changes nothing.

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
    in_force = reference_of(acquisition)
    if in_force is not None:
        return in_force
    return ReferenceAcquisition.objects.create(
        instrument=acquisition.instrument,
        optical_path=acquisition.optical_path,
        standard=acquisition.standard,
        acquisition=acquisition,
        valid_from=timezone.now(),
        chosen_by_id=None if user is None else user.pk,
    )


@transaction.atomic
def reference_withdraw(choice: ReferenceAcquisition, *, user: User | AnonymousUser) -> ReferenceAcquisition:
    """End the comparison with a reference: scans measured from now on have none, until another one is chosen.

    Parameters
    ----------
    choice : ReferenceAcquisition
        The choice that is in force.
    user
        A member of staff.

    Returns
    -------
    ReferenceAcquisition
        The choice with its end; it stays and explains the figures that were measured against it.

    Raises
    ------
    AccessError
        The user is not staff.
    NotFoundError
        The choice is of another facility.
    StateError
        It is not in force: withdrawn already, or replaced by a later choice.
    """
    membership = require_role(user, Role.STAFF, action="withdraw the reference of an instrument")
    fresh = (
        ReferenceAcquisition.objects.select_for_update(of=("self",))
        .select_related("acquisition", "instrument", "standard")
        .get(pk=choice.pk)
    )
    if fresh.instrument.facility_id != membership.facility_id:
        raise NotFoundError("There is no such reference.", hint="Choose one of your facility.", id=choice.pk)
    latest = references_chosen(fresh.instrument_id, fresh.optical_path_id, fresh.standard_id).first()
    if latest != fresh or fresh.ended_at is not None:
        raise StateError(
            f"{fresh.acquisition} is not the reference of {fresh.standard} on {fresh.instrument} any more.",
            hint="Look in the list of references for the one that is.",
            reference=fresh.pk,
        )
    fresh.ended_at = timezone.now()
    fresh.ended_by_id = user.pk
    fresh.save(update_fields=["ended_at", "ended_by"])
    return fresh


def references_end(acquisition: Acquisition) -> None:
    """End the choices of an acquisition that turned out to be of something else."""
    ReferenceAcquisition.objects.filter(acquisition=acquisition, ended_at=None).update(ended_at=timezone.now())
