"""The page of an instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from instruments.selectors.instruments import instrument_get
from instruments.selectors.membership import facility_of
from metrology.selectors.instrument_page import instrument_page
from metrology.services.history import history_cancel, history_remeasure

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_POST
def remeasure(request: HttpRequest, slug: str) -> HttpResponse:
    """Measure the history of an instrument again."""
    row = instrument_get(facility_of(request.user), slug)
    waiting = history_remeasure(row, user=request.user)
    messages.success(request, f"{waiting} scans wait to be measured again; figures that are there stay.")
    return redirect(row)


@require_POST
def remeasure_cancel(request: HttpRequest, slug: str) -> HttpResponse:
    """Stop measuring the history of an instrument again."""
    row = instrument_get(facility_of(request.user), slug)
    stopped = history_cancel(row, user=request.user)
    messages.success(request, f"{stopped} scans are as they were before; those measured again keep what they gained.")
    return HttpResponseClientRefresh() if request.htmx else redirect(row)  # type: ignore[attr-defined]  # set by the middleware of django-htmx


@require_GET
def instrument(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how an instrument is, and since when."""
    context = {"page": instrument_page(facility_of(request.user), slug)}
    fragment = request.htmx  # type: ignore[attr-defined]  # set by the middleware of django-htmx
    return render(request, "metrology/_instrument.html" if fragment else "metrology/instrument.html", context)
