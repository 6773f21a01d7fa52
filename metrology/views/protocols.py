"""Pages of protocols: the list, one of them, and the form that opens a new version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from common.errors import InputError
from common.permissions import Role
from instruments.selectors.membership import facility_of, require_role
from metrology.forms import ProtocolForm
from metrology.selectors.acquisitions import acquisition_get
from metrology.selectors.protocols import (
    protocol_get,
    protocol_versions,
    protocols_in_force,
    scans_outside,
    settings_offered,
)
from metrology.services.protocols import protocol_open

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_GET
def protocol_index(request: HttpRequest) -> HttpResponse:
    """List the protocols in force."""
    return render(request, "metrology/protocol_list.html", {"protocols": protocols_in_force(facility_of(request.user))})


@require_GET
def protocol(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a protocol asks for, and its versions."""
    row = protocol_get(facility_of(request.user), pk)
    versions = list(protocol_versions(row))
    context = {"protocol": row, "versions": versions, "latest": versions[0], "outside": scans_outside(row)}
    return render(request, "metrology/protocol.html", context)


@require_http_methods(["GET", "POST"])
def protocol_new(request: HttpRequest) -> HttpResponse:
    """Open a new version of a protocol, from a scan or from the version before."""
    facility = facility_of(request.user)
    require_role(request.user, Role.STAFF, action="open a protocol")
    scan = _named(request, "acquisition")
    acquisition = acquisition_get(facility, scan) if scan is not None else None
    before = _named(request, "protocol")
    earlier = protocol_get(facility, before) if before is not None else None
    if earlier is None and acquisition is not None:
        earlier = acquisition.protocol
    form = ProtocolForm(
        request.POST or None,
        facility=facility,
        acquisition=acquisition,
        earlier=earlier,
        offered=settings_offered(acquisition, earlier),
    )
    if request.method == "POST" and form.is_valid():
        try:
            opened = protocol_open(user=request.user, **form.said)
        except InputError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{opened} is in force; scans made by it are measured anew.")
            return redirect(opened)
    context = {"form": form, "acquisition": acquisition, "earlier": earlier}
    return render(request, "metrology/protocol_new.html", context, status=400 if form.errors else 200)


def _named(request: HttpRequest, name: str) -> int | None:
    """Return the row that the address names, None where it names none."""
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() else None
