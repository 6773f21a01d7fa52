"""Pages of power readings: those of an instrument with the forms by which more come in, one record, and its correction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from common.errors import InputError
from common.permissions import Role
from instruments.selectors.instruments import instrument_get
from instruments.selectors.membership import facility_of, require_role
from metrology.power_forms import PowerCorrectionForm, PowerForm, PowerTableForm
from metrology.selectors.acquisitions import figures_told
from metrology.selectors.power import COLUMNS, instrument_of, power_record_get, power_records, records_table
from metrology.selectors.standards import power_meters
from metrology.services.power import power_correct, power_import, power_record

if TYPE_CHECKING:
    from django.forms import Form
    from django.http import HttpRequest

    from instruments.models import Instrument
    from metrology.services.power import Recorded

PAGE_SIZE = 25


@require_http_methods(["GET", "POST"])
def readings(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the power readings of an instrument; take in typed ones."""
    instrument = instrument_get(facility_of(request.user), slug)
    form = PowerForm(request.POST if request.method == "POST" else None, instrument=instrument)
    if request.method == "POST":
        require_role(request.user, Role.OPERATOR, action="record power readings")
        if form.is_valid():
            try:
                _tell(request, power_record(user=request.user, **form.said))
            except InputError as error:
                form.add_error(None, str(error))
            else:
                return redirect("metrology:power", instrument.slug)
    return _page(request, instrument, form=form)


@require_POST
def readings_table(request: HttpRequest, slug: str) -> HttpResponse:
    """Take in a table of readings, all of it or nothing."""
    instrument = instrument_get(facility_of(request.user), slug)
    require_role(request.user, Role.OPERATOR, action="record power readings")
    form = PowerTableForm(request.POST, request.FILES, instrument=instrument)
    wrong: list[dict[str, object]] = []
    if form.is_valid():
        given = form.cleaned_data
        try:
            taken = power_import(
                given["table"],
                instrument=instrument,
                meter=given["meter"],
                user=request.user,
                original_name=given["name"],
            )
        except InputError as error:
            wrong = error.details.get("lines", [])
            form.add_error(None, error.problem if wrong else str(error))
        else:
            _tell(request, *taken)
            return redirect("metrology:power", instrument.slug)
    return _page(request, instrument, table_form=form, wrong=wrong)


@require_GET
def readings_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """Give all readings that are charted as a table, which can be brought in again."""
    instrument = instrument_get(facility_of(request.user), slug)
    rows = power_records(instrument).filter(replaced_by=None).prefetch_related("readings")
    response = HttpResponse(records_table(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="power-{instrument.slug}.csv"'
    return response


@require_GET
def record(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one record: its readings, its figures, and who brought it."""
    row = power_record_get(facility_of(request.user), pk)
    context = {
        "record": row,
        "readings": Paginator(row.readings.all(), 100).get_page(request.GET.get("page")),
        "told": figures_told(row.acquisition),
        "successor": getattr(row, "replaced_by", None),
    }
    return render(request, "metrology/power_record.html", context)


@require_http_methods(["GET", "POST"])
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a corrected record in the place of one that was wrong."""
    row = power_record_get(facility_of(request.user), pk)
    require_role(request.user, Role.OPERATOR, action="correct power readings")
    instrument = instrument_of(row)
    posted = request.POST if request.method == "POST" else None
    known = {
        "meter": row.acquisition.standard_id,
        "text": records_table([row], with_meters=False).replace("\r\n", "\n"),
    }
    form = PowerCorrectionForm(posted, instrument=instrument, initial=known)
    if request.method == "POST" and form.is_valid():
        try:
            corrected = power_correct(row, user=request.user, **form.said)
        except InputError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "The corrected record is in; the earlier one is kept and not charted any more.")
            return redirect(corrected)
    context = {"record": row, "form": form}
    return render(request, "metrology/power_correct.html", context, status=400 if form.errors else 200)


def _tell(request: HttpRequest, *taken: Recorded) -> None:
    """Say what came in and what was here before."""
    for one in taken[:5]:
        (messages.warning if one.duplicate else messages.success)(request, one.message)
    if len(taken) > 5:
        known = sum(one.duplicate for one in taken[5:])
        messages.info(request, f"And {len(taken) - 5} more records, {known} of them already here.")


def _page(
    request: HttpRequest,
    instrument: Instrument,
    *,
    form: PowerForm | None = None,
    table_form: PowerTableForm | None = None,
    wrong: list[dict[str, object]] | None = None,
) -> HttpResponse:
    forms: list[Form] = [one for one in (form, table_form) if one is not None]
    records = Paginator(power_records(instrument), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "instrument": instrument,
        "form": form or PowerForm(instrument=instrument),
        "table_form": table_form or PowerTableForm(instrument=instrument),
        "wrong": wrong or [],
        "records": records,
        "busy": any(one.acquisition.is_active for one in records),
        "meters": power_meters(instrument.facility).exists(),
        "columns": ",".join(COLUMNS),
    }
    refused = any(one.errors for one in forms)
    return render(request, "metrology/power.html", context, status=400 if refused else 200)
