"""The first page: which instrument needs hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_GET

from instruments.selectors.membership import facility_of
from metrology.models import Verdict
from metrology.selectors.fleet import FleetFilter, fleet_get

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_GET
def fleet(request: HttpRequest) -> HttpResponse:
    """Show the facility's instruments, the most urgent first."""
    wanted = FleetFilter(
        room=request.GET.get("room", ""),
        technique=request.GET.get("technique", ""),
        verdict=request.GET.get("verdict", ""),
    )
    context = {"fleet": fleet_get(facility_of(request.user), wanted), "wanted": wanted, "verdicts": Verdict.choices}
    fragment = request.htmx  # type: ignore[attr-defined]  # set by the middleware of django-htmx
    return render(request, "metrology/_fleet.html" if fragment else "metrology/fleet.html", context)
