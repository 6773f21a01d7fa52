"""Starting, cancelling and resuming a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from common import jobs
from common.errors import InputError, StateError
from common.models import ACTIVE_STATES
from common.permissions import Role
from enhancement.models import Case, CaseState, TrainingRun
from enhancement.networks.catalogue import architecture as declared
from enhancement.services.access import require_role_at
from enhancement.services.cases import case_settle
from enhancement.services.training_sets import training_set_freeze
from enhancement.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping


@transaction.atomic
def training_start(
    *,
    user: Any,
    case: Case,
    architecture: str | None = None,
    preset: str = "quick",
    config: Mapping[str, Any] | None = None,
    pair_source: str | None = None,
    seed: int = 0,
) -> TrainingRun:
    """Freeze the pairs of a case and put a training on them into the queue.

    Parameters
    ----------
    user
        Staff.
    case : Case
        A case that is not closed and in which nothing is being trained.
    architecture : str, optional
        Id in the catalogue of networks; the preset's own where left out.
    preset : str
        A named set of settings.
    config : mapping, optional
        Settings that replace those of the preset.
    pair_source : str, optional
        One of `PairSource`; the best that is enough where left out.
    seed : int
        Seed of the split, the weights and the patches.

    Returns
    -------
    TrainingRun
        Waiting in the queue `train`.

    Raises
    ------
    AccessError
        If the user is not staff.
    StateError
        If the case is closed or a training of it is not finished.
    TrainingDataError
        If there are too few fields.
    NotFoundError
        If no network has this id.
    InputError
        If a setting is not a setting, or not a positive number.
    """
    require_role_at(case.instrument, user, Role.STAFF, action="start a training")
    fresh = Case.objects.select_for_update().select_related("instrument").get(pk=case.pk)
    _refuse_unless_free(fresh)
    chosen = {"architecture": architecture} if architecture else {}
    settings = _settings(preset, {**(config or {}), **chosen, "seed": seed})
    declared(settings.architecture)
    frozen = training_set_freeze(user=user, case=fresh, fractions=settings.split, seed=seed, pair_source=pair_source)
    run = TrainingRun.objects.create(
        case=fresh,
        training_set=frozen,
        architecture=settings.architecture,
        config=settings.as_dict(),
        seed=seed,
        started_by=user,
        epochs_planned=settings.epochs,
    )
    case_settle(fresh.pk)
    jobs.enqueue(run)
    return run


def run_cancel(*, user: Any, run: TrainingRun) -> None:
    """End a waiting training at once, a running one at its next step; the best weights so far stay in its folder.

    Raises
    ------
    AccessError
        If the user is not staff.
    StateError
        If it has ended.
    """
    require_role_at(run.case.instrument, user, Role.STAFF, action="cancel a training")
    jobs.cancel(run)
    case_settle(run.case_id)


@transaction.atomic
def run_resume(*, user: Any, run: TrainingRun) -> None:
    """Put a failed or cancelled training back in the queue; it goes on from its last checkpoint.

    Raises
    ------
    AccessError
        If the user is not staff.
    StateError
        If it is done, waiting or running, or another training of the case is.
    """
    require_role_at(run.case.instrument, user, Role.STAFF, action="resume a training")
    case = Case.objects.select_for_update().get(pk=run.case_id)
    run.refresh_from_db()
    if run.state == "done":
        raise StateError("This training is complete.", hint="Start another one to train further.", run=run.pk)
    _refuse_unless_free(case)
    jobs.requeue(run)
    case_settle(case.pk)


def _refuse_unless_free(case: Case) -> None:
    if case.state == CaseState.CLOSED:
        raise StateError("This case is closed.", hint="Open a new case for the instrument.", case=case.pk)
    unfinished = case.runs.filter(state__in=ACTIVE_STATES).first()
    if unfinished is not None:
        raise StateError(
            "A training of this case is not finished.",
            hint="Wait for its end or cancel it.",
            case=case.pk,
            run=unfinished.pk,
        )


def _settings(preset: str, changes: dict[str, Any]) -> TrainingConfig:
    try:
        return TrainingConfig.preset(preset, **changes)
    except TypeError as error:
        raise InputError(
            "One of the training settings does not exist or has the wrong type.",
            hint="See the list of settings in the documentation of the training.",
            reason=str(error).removeprefix("replace() ").removeprefix("TrainingConfig.__init__() "),
        ) from error
