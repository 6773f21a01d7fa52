"""A training on the page of its case: start, live state, figure, pictures, cancel, resume."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from django.http import FileResponse, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from common.errors import InputError
from enhancement.forms import TrainingForm
from enhancement.selectors.cases import case_get, run_get
from enhancement.selectors.comparison import training_figure, training_sentence
from enhancement.selectors.files import validation_file
from enhancement.services import training
from instruments.selectors.membership import facility_of

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


@require_POST
def run_start(request: HttpRequest, pk: int) -> HttpResponse:
    """Start a training on a case."""
    case = case_get(facility_of(request.user), pk)
    form = TrainingForm(request.POST)
    if not form.is_valid():
        wrong = ", ".join(form.errors)
        raise InputError(f"Something in the form is missing or wrong: {wrong}.", hint="Correct it and send it again.")
    training.training_start(user=request.user, case=case, **form.settings())
    return redirect(case)


@require_GET
def run_state(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer with the live part of the page; when the training has ended, ask for the whole page again."""
    run = run_get(facility_of(request.user), pk)
    if not request.htmx:  # type: ignore[attr-defined]  # set by django-htmx
        return redirect(run)
    if not run.is_active:
        return HttpResponseClientRefresh()
    return render(request, "enhancement/_run.html", {"run": run, "sentence": training_sentence(run)})


@require_GET
def run_figure(request: HttpRequest, pk: int) -> JsonResponse:
    """Answer with the losses over epochs as a figure."""
    return JsonResponse(training_figure(run_get(facility_of(request.user), pk)))


@require_GET
def run_history(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer with the epochs as CSV."""
    run = run_get(facility_of(request.user), pk)
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="training-{run.pk}.csv"'},
    )
    writer = csv.writer(response)
    writer.writerow(["epoch", "seconds", "train_l1", "validation_l1", "validation_psnr_db", "validation_ssim"])
    for row in run.history:
        losses = row["train_losses"]["l1"], row["validation_losses"]["l1"]
        writer.writerow(
            [row["epoch"], f"{row['seconds']:.3f}", *losses, row["validation_psnr_db"], row["validation_ssim"]]
        )
    return response


@require_GET
def run_picture(request: HttpRequest, pk: int, epoch: int) -> HttpResponseBase:
    """Answer with the validation picture of an epoch."""
    run = run_get(facility_of(request.user), pk)
    picture = validation_file(run, epoch)
    return FileResponse(
        picture.open("rb"), content_type="image/webp", headers={"Cache-Control": "private, max-age=3600"}
    )


@require_POST
def run_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the end of a training."""
    run = run_get(facility_of(request.user), pk)
    training.run_cancel(user=request.user, run=run)
    if request.htmx:  # type: ignore[attr-defined]  # set by django-htmx
        return HttpResponseClientRefresh()
    return redirect(run)


@require_POST
def run_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a failed or cancelled training go on."""
    run = run_get(facility_of(request.user), pk)
    training.run_resume(user=request.user, run=run)
    return redirect(run)
