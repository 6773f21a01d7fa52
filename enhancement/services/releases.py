"""The verdict on a model: released, rejected, expired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from common.errors import StateError
from common.permissions import Role
from enhancement.models import ModelState, RestorationModel
from enhancement.services.access import require_role_at
from enhancement.services.cases import case_settle
from instruments.models import Instrument

if TYPE_CHECKING:
    from datetime import datetime

    from instruments.models import ServiceEvent


@transaction.atomic
def model_release(*, user: Any, model: RestorationModel, text: str = "") -> RestorationModel:
    """Allow a model to be used; the one released before for the same channel expires.

    Parameters
    ----------
    user
        Staff.
    model : RestorationModel
        A candidate.
    text : str
        Why, for the record.

    Raises
    ------
    AccessError
        If the user is not staff.
    StateError
        If it is not a candidate, or a network that did not pass the gate.
    """
    require_role_at(model.instrument, user, Role.STAFF, action="release a model")
    # two releases at once would not see each other's model: the second waits here for the first
    Instrument.objects.select_for_update(of=("self",)).get(pk=model.instrument_id)
    fresh = _candidate(model)
    if fresh.kind == RestorationModel.Kind.NETWORK and not fresh.gate_passed:
        checks = fresh.card.get("gate", {}).get("checks", [])
        reasons = [str(check["sentence"]) for check in checks if not check["passed"]]
        raise StateError(
            f"The release gate did not pass {fresh.name}: {' '.join(reasons) or 'it was not judged.'}",
            hint="Release the tuned filter instead, or acquire more fields and train again.",
            model=fresh.pk,
            reasons=reasons,
        )
    earlier = RestorationModel.objects.filter(
        instrument=fresh.instrument_id, input_channel=fresh.input_channel, state=ModelState.RELEASED
    )
    cases = set(earlier.values_list("case_id", flat=True))
    _expire(earlier, because=f"replaced by {fresh.name}"[:200])
    _decide(fresh, ModelState.RELEASED, user=user, text=text)
    for case_id in sorted(cases | {fresh.case_id}):
        case_settle(case_id)
    return fresh


@transaction.atomic
def model_reject(*, user: Any, model: RestorationModel, text: str = "") -> RestorationModel:
    """Refuse a candidate for good.

    Raises
    ------
    AccessError
        If the user is not staff.
    StateError
        If it is not a candidate.
    """
    require_role_at(model.instrument, user, Role.STAFF, action="reject a model")
    fresh = _candidate(model)
    _decide(fresh, ModelState.REJECTED, user=user, text=text)
    case_settle(fresh.case_id)
    return fresh


def models_expire_after(*, event: ServiceEvent, **_signal: Any) -> int:
    """End the use of the models that were released before a service ended, if it changed anything; return how many."""
    if not event.resets:
        return 0
    return models_expire(event.instrument, because=f"serviced: {event}", released_before=event.ended_at)


@transaction.atomic
def models_expire(instrument: Instrument, *, because: str, released_before: datetime | None = None) -> int:
    """End the use of the released models of an instrument that is no longer the one they learned from.

    Called when a service event is recorded or the instrument drifted on; no user is asked.

    Parameters
    ----------
    instrument : Instrument
        The instrument.
    because : str
        Shown on the model's page: "serviced on 2026-03-02: realignment of optics".
    released_before : datetime, optional
        Models released at this moment or later stay in use: a service may be recorded long after it was done. All
        expire where left out.

    Returns
    -------
    int
        How many models expired.
    """
    released = RestorationModel.objects.filter(instrument=instrument, state=ModelState.RELEASED)
    if released_before is not None:
        released = released.exclude(decided_at__gte=released_before)
    cases = set(released.values_list("case_id", flat=True))
    expired = _expire(released, because=because[:200])
    for case_id in sorted(cases):
        case_settle(case_id)
    return expired


def _candidate(model: RestorationModel) -> RestorationModel:
    fresh = RestorationModel.objects.select_for_update(of=("self",)).select_related("instrument").get(pk=model.pk)
    if fresh.state != ModelState.CANDIDATE:
        raise StateError(
            f"{fresh.name} is {fresh.get_state_display()}.",
            hint="Only a model that awaits a verdict can be released or rejected.",
            model=fresh.pk,
        )
    return fresh


def _decide(model: RestorationModel, state: ModelState, *, user: Any, text: str) -> None:
    model.state = state
    model.decided_by = user
    model.decided_at = timezone.now()
    model.decision_text = text
    model.save(update_fields=["state", "decided_by", "decided_at", "decision_text"])


def _expire(models: Any, *, because: str) -> int:
    return int(models.update(state=ModelState.EXPIRED, expires_at=timezone.now(), expired_because=because))
