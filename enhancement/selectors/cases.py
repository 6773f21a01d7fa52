"""Reads of cases and their trainings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.db.models import Count, OuterRef, Prefetch, Subquery

from common.errors import NotFoundError
from common.models import JobState
from enhancement.models import Case, CaseState, ModelState, RestorationModel, TrainingRun
from metrology.models import Flag

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from instruments.models import Facility

StageState = Literal["done", "current", "todo", "failed"]


@dataclass(frozen=True, slots=True)
class Stages:
    """Where a case stands, as a checklist."""

    data: StageState
    training: StageState
    comparison: StageState
    trust: StageState
    verdict: StageState


def case_list(facility: Facility, *, state: str = "") -> QuerySet[Case]:
    """Return the facility's cases, latest first, each with its latest training's state and progress."""
    latest = TrainingRun.objects.filter(case=OuterRef("pk")).order_by("-queued_at", "-pk")
    found = Case.objects.filter(instrument__facility=facility).select_related("instrument", "flag", "opened_by")
    if state in CaseState.values:
        found = found.filter(state=state)
    return found.annotate(
        run_count=Count("runs", distinct=True),
        run_state=Subquery(latest.values("state")[:1]),
        run_progress=Subquery(latest.values("progress")[:1]),
    ).order_by("-opened_at", "-pk")


def case_get(facility: Facility, pk: int) -> Case:
    """Return one case of the facility.

    Raises
    ------
    NotFoundError
        If the facility has none of that number.
    """
    runs = TrainingRun.objects.select_related("training_set", "started_by").order_by("-queued_at", "-pk")
    models = RestorationModel.objects.select_related("decided_by").order_by("-made_at", "kind")
    found = (
        Case.objects.filter(instrument__facility=facility, pk=pk)
        .select_related("instrument", "flag", "opened_by")
        .prefetch_related(Prefetch("runs", runs), Prefetch("models", models))
        .first()
    )
    if found is None:
        raise NotFoundError(
            "There is no such case in your facility.", hint="Choose one from the list of cases.", case=pk
        )
    return found


def open_case_of(flag: Flag) -> Case | None:
    """Return the case that is open for a flag; there is at most one."""
    return Case.objects.filter(flag=flag).exclude(state=CaseState.CLOSED).order_by("-opened_at", "-pk").first()


def run_list(facility: Facility) -> QuerySet[TrainingRun]:
    """Return the facility's trainings, latest first, without their long histories."""
    return (
        TrainingRun.objects.filter(case__instrument__facility=facility)
        .select_related("case__instrument", "training_set", "started_by")
        .defer("history", "comparison", "training_set__manifest")
    )


def run_get(facility: Facility, pk: int) -> TrainingRun:
    """Return one training of the facility.

    Raises
    ------
    NotFoundError
        If the facility has none of that number.
    """
    found = (
        TrainingRun.objects.filter(case__instrument__facility=facility, pk=pk)
        .select_related("case__instrument", "training_set", "started_by")
        .first()
    )
    if found is None:
        raise NotFoundError(
            "There is no such training in your facility.", hint="Choose one from the page of its case.", run=pk
        )
    return found


def flag_for_case(facility: Facility, pk: int) -> Flag:
    """Return a flag of the facility, to open a case for it.

    Raises
    ------
    NotFoundError
        If the facility has none of that number.
    """
    found = Flag.objects.filter(instrument__facility=facility, pk=pk).select_related("instrument").first()
    if found is None:
        raise NotFoundError(
            "There is no such flag in your facility.", hint="Choose one from the list of flags.", flag=pk
        )
    return found


def case_stages(case: Case, run: TrainingRun | None) -> Stages:
    """Say which steps of the case are done, from its latest training and its models."""
    if run is None:
        return Stages("current", "todo", "todo", "todo", "todo")
    if run.state != JobState.DONE:
        ended = run.state in {JobState.FAILED, JobState.CANCELLED}
        return Stages("done", "failed" if ended else "current", "todo", "todo", "todo")
    verdicts = {model.state for model in case.models.all() if model.run_id == run.pk}
    trust: StageState = "done" if run.gate.get("passed") else "failed"
    verdict: StageState = "done" if verdicts & {ModelState.RELEASED, ModelState.EXPIRED} else "current"
    if verdicts == {ModelState.REJECTED}:
        verdict = "failed"
    return Stages("done", "done", "done", trust, verdict)
