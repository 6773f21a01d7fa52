"""Opening and closing a case, and what state it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from common.errors import InputError, StateError
from common.models import ACTIVE_STATES
from common.permissions import Role
from enhancement.models import Case, CaseState, ModelState
from enhancement.selectors.cases import open_case_of
from enhancement.services.access import require_role_at
from instruments.models import Instrument

if TYPE_CHECKING:
    from metrology.models import Flag


@transaction.atomic
def case_open(*, user: Any, instrument: Instrument | None = None, flag: Flag | None = None, title: str = "") -> Case:
    """Open a restoration case for an instrument, or return the open one of the same flag.

    Parameters
    ----------
    user
        An operator or staff.
    instrument : Instrument, optional
        May be left out where a flag is given.
    flag : Flag, optional
        The flag that calls for it.
    title : str
        Made from the instrument and the date where empty.

    Returns
    -------
    Case
        A new case, or the one that is already open for this flag.

    Raises
    ------
    InputError
        If neither instrument nor flag is given, or they do not belong together.
    StateError
        If the flag was dismissed or resolved.
    AccessError
        If the user's role is too low.
    """
    chosen = instrument or (flag.instrument if flag else None)
    if chosen is None or (flag is not None and flag.instrument_id != chosen.pk):
        raise InputError(
            "A case needs an instrument, and a flag of that same instrument if any.",
            hint="Open the case from the instrument's or the flag's page.",
        )
    require_role_at(chosen, user, Role.OPERATOR, action="open a case")
    Instrument.objects.select_for_update().get(pk=chosen.pk)  # two people at once open one case
    if flag is not None:
        existing = open_case_of(flag)
        if existing is not None:
            return existing
        if not flag.is_unresolved:
            raise StateError(
                f"This flag is {flag.get_state_display()}.",
                hint="Open a case for the instrument instead if it still needs one.",
                flag=flag.pk,
            )
    made = f"{chosen.name}, flag of {flag.raised_at:%Y-%m-%d}" if flag else f"{chosen.name}, {timezone.now():%Y-%m-%d}"
    return Case.objects.create(instrument=chosen, flag=flag, title=title.strip() or made, opened_by=user)


@transaction.atomic
def case_close(*, user: Any, case: Case) -> Case:
    """End a case; its models and restored images stay.

    Raises
    ------
    StateError
        If a training of it is still waiting or running.
    """
    require_role_at(case.instrument, user, Role.OPERATOR, action="close a case")
    fresh = Case.objects.select_for_update().get(pk=case.pk)
    if fresh.runs.filter(state__in=ACTIVE_STATES).exists():
        raise StateError(
            "A training of this case is not finished.", hint="Cancel it first, or wait for its end.", case=case.pk
        )
    fresh.state = CaseState.CLOSED
    fresh.closed_at = timezone.now()
    fresh.save(update_fields=["state", "closed_at"])
    return fresh


@transaction.atomic
def case_settle(case_id: int, *, ended: int | None = None) -> CaseState:
    """Write the state that follows from the case's trainings and models; a closed case stays closed.

    Parameters
    ----------
    case_id : int
        The case.
    ended : int, optional
        A training that is about to end, whatever its row still says.

    Returns
    -------
    CaseState
        The state written.
    """
    case = Case.objects.select_for_update().get(pk=case_id)
    if case.state == CaseState.CLOSED:
        return CaseState.CLOSED
    verdicts = set(case.models.values_list("state", flat=True))
    unfinished = set(case.runs.filter(state__in=ACTIVE_STATES).values_list("pk", flat=True)) - {ended}
    if unfinished:
        state = CaseState.TRAINING
    elif ModelState.RELEASED in verdicts:
        state = CaseState.RELEASED
    elif ModelState.CANDIDATE in verdicts:
        state = CaseState.COMPARED
    elif ModelState.REJECTED in verdicts:
        state = CaseState.REJECTED
    else:
        state = CaseState.OPEN
    case.state = state
    case.save(update_fields=["state"])
    return state
