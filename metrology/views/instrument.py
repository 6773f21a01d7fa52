"""The page of an instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_GET

from instruments.selectors.membership import facility_of
from metrology.selectors.instrument_page import instrument_page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_GET
def instrument(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how an instrument is, and since when."""
    context = {"page": instrument_page(facility_of(request.user), slug)}
    fragment = request.htmx  # type: ignore[attr-defined]  # set by the middleware of django-htmx
    return render(request, "metrology/_instrument.html" if fragment else "metrology/instrument.html", context)
