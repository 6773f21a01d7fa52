"""The pages of restored images, and their list on the page of an acquisition."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from django.http import FileResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from enhancement.selectors.comparison import named_ranges
from enhancement.selectors.files import restored_file, restored_picture_file
from enhancement.selectors.models import (
    acquisition_for_restoration,
    released_model_for,
    restored_get,
    restored_list,
)
from enhancement.services import restoration
from instruments.selectors.membership import facility_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase


PRIVATE = {"Cache-Control": "private, max-age=3600"}


@require_GET
def restored_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show raw and restored at the same contrast, what changed, and where not to trust it."""
    image = restored_get(facility_of(request.user), pk)
    if request.htmx and not image.is_active:  # type: ignore[attr-defined]  # set by django-htmx
        return HttpResponseClientRefresh()
    template = "enhancement/_restored_state.html" if request.htmx else "enhancement/restored.html"  # type: ignore[attr-defined]  # set by django-htmx
    figures = {name: (pair["raw"], pair["restored"]) for name, pair in image.scores.get("attributes", {}).items()}
    return render(request, template, {"image": image, "figures": named_ranges(figures)})


@require_GET
def restored_picture(request: HttpRequest, pk: int, name: str) -> HttpResponseBase:
    """Answer with one of the pictures of a restored image."""
    image = restored_get(facility_of(request.user), pk)
    picture = restored_picture_file(image, name)
    return FileResponse(picture.open("rb"), content_type="image/webp", headers=PRIVATE)


@require_GET
def restored_download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Answer with the OME-TIFF."""
    image = restored_get(facility_of(request.user), pk)
    stem = Path(image.acquisition.original_name).name.split(".")[0]
    return FileResponse(
        restored_file(image).open("rb"),
        content_type="image/tiff",
        as_attachment=True,
        filename=f"{stem}_restored_{image.pk}.ome.tif",
    )


@require_POST
def restored_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the end of a restoration."""
    image = restored_get(facility_of(request.user), pk)
    restoration.restoration_cancel(user=request.user, image=image)
    return HttpResponseClientRefresh() if request.htmx else redirect(image)  # type: ignore[attr-defined]  # set by django-htmx


@require_GET
def restorations_of(request: HttpRequest, pk: int) -> HttpResponse:
    """List the restorations of an acquisition, with the button to make one; a fragment of its page."""
    facility = facility_of(request.user)
    acquisition = acquisition_for_restoration(facility, pk)
    context = {
        "acquisition": acquisition,
        "images": restored_list(facility).filter(acquisition=acquisition),
        "model": released_model_for(acquisition),
    }
    return render(request, "enhancement/_restorations.html", context)


@require_POST
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for an acquisition to be restored by the released model."""
    acquisition = acquisition_for_restoration(facility_of(request.user), pk)
    image, _ = restoration.restoration_request(user=request.user, acquisition=acquisition)
    return redirect(image)
