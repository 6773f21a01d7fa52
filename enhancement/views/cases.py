"""The pages of cases: the list, and the checklist from data to verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from common.errors import InputError
from enhancement.forms import CaseForm, DecisionForm, TrainingForm
from enhancement.models import CaseState
from enhancement.selectors.cases import case_get, case_list, case_stages, flag_for_case
from enhancement.selectors.comparison import ENDED_BY, comparison_table, gate_checks, training_sentence
from enhancement.selectors.pairs import FIELDS_NEEDED, pair_sets
from enhancement.services import cases
from instruments.selectors.instruments import instrument_get
from instruments.selectors.membership import facility_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

CASES_A_PAGE = 50


@require_GET
def case_list_page(request: HttpRequest) -> HttpResponse:
    """List the facility's cases."""
    state = request.GET.get("state", "")
    found = case_list(facility_of(request.user), state=state)
    context = {
        "page": Paginator(found, CASES_A_PAGE).get_page(request.GET.get("page")),
        "state": state,
        "states": CaseState.choices,
    }
    return render(request, "enhancement/case_list.html", context)


@require_GET
def case_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a case as a checklist: data, training, comparison, trust checks, verdict."""
    case = case_get(facility_of(request.user), pk)
    runs = list(case.runs.all())
    run = runs[0] if runs else None
    sets = pair_sets(case.instrument)
    context = {
        "case": case,
        "run": run,
        "earlier_runs": runs[1:],
        "stages": case_stages(case, run),
        "pair_sets": sets,
        "enough": any(entry.is_enough for entry in sets),
        "fields_needed": FIELDS_NEEDED,
        "checks": gate_checks(run) if run else [],
        "table": comparison_table(run) if run else None,
        "sentence": training_sentence(run) if run else "",
        "ended_by": ENDED_BY.get(run.stopped_by, "") if run else "",
        "candidates": [model for model in case.models.all() if run and model.run_id == run.pk],
        "training_form": TrainingForm(initial={"seed": len(runs)}),
        "decision_form": DecisionForm(auto_id=False),
    }
    return render(request, "enhancement/case.html", context)


@require_POST
def case_open(request: HttpRequest) -> HttpResponse:
    """Open a case for a flag or an instrument."""
    form = CaseForm(request.POST)
    if not form.is_valid():
        raise InputError("This is not a flag or an instrument.", hint="Open the case from one of their pages.")
    facility = facility_of(request.user)
    given = form.cleaned_data
    case = cases.case_open(
        user=request.user,
        instrument=instrument_get(facility, given["instrument"]) if given["instrument"] else None,
        flag=flag_for_case(facility, given["flag"]) if given["flag"] else None,
        title=given["title"],
    )
    return redirect(case)


@require_POST
def case_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a case."""
    case = cases.case_close(user=request.user, case=case_get(facility_of(request.user), pk))
    messages.success(request, "The case is closed; its models and restored images stay.")
    return redirect(case)
