"""The page on which files come in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from common.errors import AccessError, InputError, StrehlError
from common.image_formats import READ_FORMATS
from common.middleware import wants_json
from common.permissions import Role
from instruments.selectors.membership import facility_of, require_role
from metrology.forms import UploadForm
from metrology.selectors.uploads import upload_unfinished
from metrology.services.ingest import acquisition_ingest

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile
    from django.http import HttpRequest, HttpResponse

    from metrology.services.ingest import Ingested


ACCEPTS = f"{READ_FORMATS}, many at once. The same file twice is kept once."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file of an upload without JavaScript."""

    name: str
    ingested: Ingested | None = None
    error: StrehlError | None = None


@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Take in the files of the plain form, or one file answered in JSON; the page's script sends to /api/v1/uploads/."""
    require_role(request.user, Role.OPERATOR, action="upload images")
    facility = facility_of(request.user)
    if request.method == "GET":
        form = UploadForm(facility=facility, initial=request.GET.dict())
        context = {"form": form, "accepts": ACCEPTS, "unfinished": upload_unfinished(request.user)}
        return render(request, "metrology/upload.html", context)
    form = UploadForm(request.POST, request.FILES, facility=facility)
    if wants_json(request):
        return _answer(request, form)
    if not form.is_valid():
        return render(request, "metrology/upload.html", {"form": form, "accepts": ACCEPTS}, status=400)
    outcomes = [_outcome(request, one, form.said) for one in form.cleaned_data["images"]]
    again = UploadForm(facility=facility, initial=form.said)
    context = {
        "form": again,
        "accepts": ACCEPTS,
        "outcomes": outcomes,
        "taken": sum(one.ingested is not None and not one.ingested.duplicate for one in outcomes),
        "known": sum(one.ingested is not None and one.ingested.duplicate for one in outcomes),
        "refused": sum(one.error is not None for one in outcomes),
    }
    return render(request, "metrology/upload.html", context)


def _answer(request: HttpRequest, form: UploadForm) -> JsonResponse:
    """Take in the one file of a request of the script."""
    if not form.is_valid():
        raise InputError(
            " ".join(
                f"{form.fields[name].label or name}: {' '.join(map(str, said))}" for name, said in form.errors.items()
            ),
            hint="Correct the fields above the files, then send the file again.",
            fields=form.errors.get_json_data(),
        )
    images = form.cleaned_data["images"]
    if len(images) != 1:
        raise InputError("One file at a time is taken here.", hint="Send each file in its own request.")
    ingested = _ingest(request, images[0], form.said)
    acquisition = ingested.acquisition
    return JsonResponse(
        {
            "id": acquisition.pk,
            "url": acquisition.get_absolute_url(),
            "status_url": reverse("metrology:acquisition-state", args=[acquisition.pk]),
            "state": acquisition.state,
            "duplicate": ingested.duplicate,
            "message": ingested.message,
        },
        status=200 if ingested.duplicate else 201,
    )


def _outcome(request: HttpRequest, image: UploadedFile, said: dict[str, Any]) -> Outcome:
    """Take in one of many files; a refusal concerns this file alone, unless it concerns the person."""
    name = image.name or "unnamed"
    try:
        return Outcome(name, ingested=_ingest(request, image, said))
    except AccessError:
        raise
    except StrehlError as error:
        return Outcome(name, error=error)


def _ingest(request: HttpRequest, image: UploadedFile, said: dict[str, Any]) -> Ingested:
    return acquisition_ingest(
        facility=facility_of(request.user),
        source=image,
        original_name=image.name or "",
        user=request.user,
        **said,
    )
