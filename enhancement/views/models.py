"""The pages of models: which are in use, and each one's card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from common.errors import InputError
from enhancement.forms import DecisionForm
from enhancement.models import ModelState
from enhancement.selectors.comparison import ENDED_BY, named_ranges
from enhancement.selectors.models import model_get, model_list
from enhancement.services import releases
from instruments.selectors.membership import facility_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

MODELS_A_PAGE = 50
IMAGES_SHOWN = 20


@require_GET
def model_list_page(request: HttpRequest) -> HttpResponse:
    """List the facility's models, those in use first."""
    state = request.GET.get("state", "")
    found = model_list(facility_of(request.user), state=state)
    context = {
        "page": Paginator(found, MODELS_A_PAGE).get_page(request.GET.get("page")),
        "state": state,
        "states": ModelState.choices,
    }
    return render(request, "enhancement/model_list.html", context)


@require_GET
def model_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a model's card, where it applies, and where it was applied."""
    model = model_get(facility_of(request.user), pk)
    applied = model.restored.select_related("acquisition", "requested_by")
    context = {
        "model": model,
        "applied": applied[:IMAGES_SHOWN],
        "applied_count": applied.count(),
        "scores": model.card.get("scores", {}),
        "ended_by": ENDED_BY.get(model.card.get("stopped_by", ""), ""),
        "envelope": named_ranges(model.envelope),
        "decision_form": DecisionForm(auto_id=False),
    }
    return render(request, "enhancement/model.html", context)


@require_POST
def model_release(request: HttpRequest, pk: int) -> HttpResponse:
    """Release a model."""
    model = releases.model_release(
        user=request.user, model=model_get(facility_of(request.user), pk), text=_reason(request)
    )
    messages.success(request, f"{model.name} is released: it may restore every image of {model.instrument}.")
    return redirect(model)


@require_POST
def model_reject(request: HttpRequest, pk: int) -> HttpResponse:
    """Reject a model."""
    model = releases.model_reject(
        user=request.user, model=model_get(facility_of(request.user), pk), text=_reason(request)
    )
    messages.success(request, f"{model.name} is rejected.")
    return redirect(model)


def _reason(request: HttpRequest) -> str:
    form = DecisionForm(request.POST)
    if not form.is_valid():
        raise InputError("The reason is too long.", hint="Keep it under 2000 characters.")
    return str(form.cleaned_data["text"])
