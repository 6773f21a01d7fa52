"""Pages of acquisitions: the list, one of them, its original and its previews."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST

from common.permissions import Role, includes
from instruments.selectors.membership import facility_of, membership_of
from metrology.charts.bead_charts import WHY
from metrology.forms import AcquisitionFilters, ConfirmForm
from metrology.selectors.acquisitions import (
    acquisition_get,
    acquisition_list,
    figures_told,
    identity_rows,
    metadata_rows,
)
from metrology.selectors.figures import figures_wanted
from metrology.selectors.files import opened
from metrology.selectors.protocols import settings_beside
from metrology.selectors.standards import reference_get, reference_of
from metrology.selectors.tiles import Tile, beads_of, tile_read, tiles_of
from metrology.services.confirm import acquisition_confirm, acquisition_remeasure
from metrology.services.references import reference_set, reference_withdraw

if TYPE_CHECKING:
    import uuid
    from typing import Any

    from django.http import HttpRequest

    from metrology.models import Acquisition

PAGE_SIZE = 50
YEAR_S = 31_536_000


@require_GET
def acquisition_index(request: HttpRequest) -> HttpResponse:
    """List the facility's acquisitions."""
    rows = acquisition_list(facility_of(request.user))
    filters = AcquisitionFilters(request.GET, queryset=rows, request=request)
    page = Paginator(filters.qs, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"filters": filters, "page": page, "any_filter": any(request.GET.get(name) for name in filters.filters)}
    return render(request, "metrology/acquisition_list.html", context)


@require_GET
def acquisition(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one acquisition; under htmx only the part that changes while it is measured."""
    row = _row(request, pk)
    if row.light_setting_id is not None:
        return redirect(row.power_record)
    context = _context(request, row)
    if request.htmx:  # type: ignore[attr-defined]  # set by the middleware of django-htmx
        return render(request, "metrology/_acquisition.html", context)
    context["form"] = ConfirmForm.of(row)
    return render(request, "metrology/acquisition.html", context)


@require_GET
def acquisition_state(request: HttpRequest, pk: int) -> HttpResponse:
    """Say in one line how far an acquisition is; asks again by itself until it is done."""
    return render(request, "metrology/_acquisition_state.html", {"acquisition": _row(request, pk)})


@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm or correct what is known of an acquisition."""
    row = _row(request, pk)
    form = ConfirmForm(request.POST, facility=row.facility)
    if not form.is_valid():
        context = {**_context(request, row), "form": form}
        return render(request, "metrology/acquisition.html", context, status=400)
    said = {name: value for name, value in form.cleaned_data.items() if name in request.POST}
    if row.acquired_at is not None and said.get("acquired_at") == row.acquired_at.replace(microsecond=0):
        said["acquired_at"] = row.acquired_at  # the browser's field knows whole seconds only
    after = acquisition_confirm(row, user=request.user, **said)
    messages.success(request, "Noted; it is measured anew." if after.is_active else "Noted.")
    return redirect(row)


@require_POST
def remeasure(request: HttpRequest, pk: int) -> HttpResponse:
    """Measure an acquisition again."""
    row = _row(request, pk)
    acquisition_remeasure(row, user=request.user)
    messages.success(request, "It waits to be measured again.")
    return redirect(row)


@require_POST
def make_reference(request: HttpRequest, pk: int) -> HttpResponse:
    """Compare later acquisitions with this one."""
    row = _row(request, pk)
    chosen = reference_set(row, user=request.user)
    messages.success(
        request, f"From now on scans of {chosen.standard} on {chosen.instrument} are compared with this one."
    )
    return redirect(row)


@require_POST
def withdraw_reference(request: HttpRequest, pk: int) -> HttpResponse:
    """Compare later acquisitions with none any more."""
    ended = reference_withdraw(reference_get(facility_of(request.user), pk), user=request.user)
    messages.success(
        request, f"From now on scans of {ended.standard} on {ended.instrument} are compared with none; choose another."
    )
    return redirect(ended.acquisition)


@require_GET
def original(request: HttpRequest, pk: int) -> FileResponse:
    """Give the original back, byte by byte as it came, under the name it came with."""
    row = _row(request, pk)
    return FileResponse(opened(row.stored_file.path), as_attachment=True, filename=row.original_name)


@require_GET
@cache_control(private=True, max_age=3600)
def preview(request: HttpRequest, pk: int, channel: int) -> FileResponse:
    """Give the picture of a channel."""
    return FileResponse(opened(_row(request, pk).preview_path(channel)), content_type="image/jpeg")


@require_GET
@cache_control(private=True, max_age=YEAR_S, immutable=True)
def tile(request: HttpRequest, pk: int, token: uuid.UUID, **place: int) -> HttpResponse:
    """Give the counts of one tile; what this address gives never changes."""
    counts = tile_read(_row(request, pk), token, Tile(**place))
    return HttpResponse(counts, content_type="application/octet-stream")


def _row(request: HttpRequest, pk: int) -> Acquisition:
    return acquisition_get(facility_of(request.user), pk)


def _context(request: HttpRequest, row: Acquisition) -> dict[str, Any]:
    """Return what the page of an acquisition shows."""
    membership = membership_of(request.user)
    role = membership.role if membership else Role.VIEWER
    return {
        "acquisition": row,
        "told": figures_told(row),
        "identity": identity_rows(row),
        "metadata": metadata_rows(row),
        "previews": [
            {
                "url": reverse("metrology:acquisition-preview", args=[row.pk, channel]),
                "number": channel,
                "black": black,
                "white": white,
            }
            for channel, (black, white) in enumerate(row.preview_window)
        ],
        "viewer": _viewer(row),
        "is_drawn": figures_wanted(row) != (),
        "reference": reference_of(row),
        "settings": settings_beside(row),
        "may_correct": includes(role, Role.OPERATOR),
        "may_choose_reference": includes(role, Role.STAFF),
    }


def _viewer(row: Acquisition) -> dict[str, Any] | None:
    """Return what the viewer needs to know, None while the acquisition is at work or before its tiles are made."""
    tiles = None if row.is_active else tiles_of(row)
    if tiles is None:
        return None
    first = reverse("metrology:acquisition-tile", args=[row.pk, tiles["token"], 0, 0, 0, 0, 0])
    spots = [{**spot, "reason": WHY.get(spot["reason"], spot["reason"])} for spot in beads_of(row)]
    names = [one.get("name", {}).get("value") for one in row.metadata.get("channels", [])]
    channels = [
        {**one, "window": window, "name": names[number] if number < len(names) else None}
        for number, (one, window) in enumerate(zip(tiles["channels"], row.preview_window, strict=True))
    ]
    return {
        "address": first.removesuffix("0/0/0/0/0/"),
        "tilePx": tiles["tile_px"],
        "dtype": tiles["dtype"],
        "levels": [[one["width"], one["height"]] for one in tiles["levels"]],
        "channels": channels,
        "slices": row.size_z,
        "largest": 2**row.bit_depth - 1 if row.bit_depth else None,
        "pixelSizeUm": row.pixel_size_um,
        "grid": row.tile_grid,
        "spots": spots,
        "counted": _counted(spots),
    }


def _counted(spots: list[dict[str, Any]]) -> str:
    """Say how many beads are measured, and of the others why not, over all channels."""
    reasons = Counter(spot["reason"] for spot in spots if spot["reason"])
    measured = f"○ {len(spots) - reasons.total()} measured"
    each = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    return f"{measured}, □ {reasons.total()} not: {each}" if reasons else measured
