"""Adding standard samples, and correcting what is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

from django.db import transaction

from common.errors import InputError, NotFoundError, StateError
from common.permissions import Role
from instruments.models import Facility
from instruments.selectors.membership import require_role
from metrology.models import Standard, StandardKind
from metrology.selectors.standards import standard_is_scanned

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

FIXED_ONCE_SCANNED = ("kind", "bead_diameter_um")
"""They decide what was measured on a sample; its figures would lose their meaning."""

LARGEST_BEAD_UM = 1000.0


class StandardFields(TypedDict, total=False):
    """What is known of a sample: its name, a `StandardKind`, the lot, the nominal diameter of its beads [µm]."""

    name: str
    kind: str
    lot: str
    bead_diameter_um: float | None


def standard_add(*, user: AbstractBaseUser | AnonymousUser, **fields: Unpack[StandardFields]) -> Standard:
    """Add a sample to the standards of the user's facility.

    Parameters
    ----------
    user
        Staff.
    **fields
        What is known of it (see `StandardFields`); name and kind are needed.

    Returns
    -------
    Standard
        The new row.

    Raises
    ------
    AccessError
        If the user is not staff.
    InputError
        If the name is empty, taken or too long, the kind unknown, or the diameter not a positive number.
    """
    member = require_role(user, Role.STAFF, action="add a standard")
    with transaction.atomic():
        standard = Standard(facility=_locked(member.facility_id), **fields)
        _check(standard)
        standard.save(force_insert=True)
    return standard


def standard_change(
    standard: Standard, *, user: AbstractBaseUser | AnonymousUser, **fields: Unpack[StandardFields]
) -> Standard:
    """Correct what is known of a sample; what is left out stays.

    Parameters
    ----------
    standard : Standard
        The sample.
    user
        Staff of its facility.
    **fields
        What is to be changed (see `StandardFields`).

    Returns
    -------
    Standard
        The changed row.

    Raises
    ------
    AccessError
        If the user is not staff.
    NotFoundError
        If the sample is another facility's.
    InputError
        As for `standard_add`.
    StateError
        If it has been scanned, and its kind or its diameter would change.
    """
    member = require_role(user, Role.STAFF, action="change a standard")
    if standard.facility_id != member.facility_id:
        raise NotFoundError(f"There is no standard {standard.pk} in {member.facility}.", hint="Choose one of your own.")
    with transaction.atomic():
        _locked(member.facility_id)
        fresh = Standard.objects.select_for_update().get(pk=standard.pk)
        changed = [name for name, value in fields.items() if getattr(fresh, name) != value]
        for name in changed:
            setattr(fresh, name, fields[name])  # type: ignore[literal-required]  # the names of the same dictionary
        _check(fresh)
        fixed = [name for name in changed if name in FIXED_ONCE_SCANNED]
        if fixed and standard_is_scanned(fresh):
            raise StateError(
                f"{standard} has been scanned: its figures were measured by its kind and its bead diameter.",
                hint="Add a new standard for what is different.",
                standard=fresh.pk,
                fields=fixed,
            )
        fresh.save(update_fields=changed)
    return fresh


def _locked(facility_id: int) -> Facility:
    """Hold the facility until the transaction ends: two people at once cannot give the same name."""
    return Facility.objects.select_for_update(no_key=True).get(pk=facility_id)


def _check(standard: Standard) -> None:
    """Refuse what cannot be kept."""
    standard.name = standard.name.strip()
    if not standard.name:
        raise InputError("A standard needs a name.", hint="Give it the one that is written on the sample.")
    for field, text in (
        (Standard._meta.get_field("name"), standard.name),
        (Standard._meta.get_field("lot"), standard.lot),
    ):
        longest = field.max_length or 0
        if len(text) > longest:
            raise InputError(
                f"The {field.name} takes {len(text)} characters; {longest} are kept.", hint="Say it shorter."
            )
    if standard.kind not in StandardKind.values:
        raise InputError(
            f"'{standard.kind}' is not a kind of standard.", hint=f"Use one of {', '.join(StandardKind.values)}."
        )
    diameter = standard.bead_diameter_um
    if diameter is not None and not 0 < diameter <= LARGEST_BEAD_UM:
        raise InputError(
            f"A bead diameter lies between 0 and {LARGEST_BEAD_UM:g} µm.",
            hint="Give it in µm, or leave it out.",
            given=repr(diameter),
        )
    namesake = Standard.objects.filter(facility=standard.facility_id, name=standard.name).exclude(pk=standard.pk)
    if namesake.exists():
        raise InputError(
            f"There is a standard '{standard.name}' already.", hint="Choose another name.", name=standard.name
        )
