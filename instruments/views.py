"""Pages of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from common.permissions import Role
from instruments.forms import ServiceEventForm
from instruments.models import ServiceKind
from instruments.models.service_event import RESETS
from instruments.selectors.instruments import instrument_get
from instruments.selectors.membership import facility_of, require_role
from instruments.services.service_events import service_event_record

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_http_methods(["GET", "POST"])
def service_event_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Record what was done to an instrument."""
    instrument = instrument_get(facility_of(request.user), slug)
    require_role(request.user, Role.OPERATOR, action="record a service event")
    now = timezone.now().replace(second=0, microsecond=0)
    form = ServiceEventForm(request.POST or None, initial={"started_at": now, "ended_at": now})
    if request.method == "POST" and form.is_valid():
        event = service_event_record(user=request.user, instrument=instrument, **form.cleaned_data)
        messages.success(request, f"Recorded: {event}. {instrument} is being judged anew.")
        return redirect(instrument)
    context = {
        "instrument": instrument,
        "form": form,
        "resets": [(kind.label, sorted(RESETS[kind])) for kind in ServiceKind],
    }
    return render(request, "instruments/service_event_create.html", context)
