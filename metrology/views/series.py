"""The pages of a series: chart, table, CSV, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods

from common.permissions import Role
from instruments.selectors.membership import facility_of, require_role
from metrology.forms import LimitsForm
from metrology.selectors.limits import limits_history
from metrology.selectors.series import series_csv, series_figure, series_get
from metrology.services.limits import limits_set

if TYPE_CHECKING:
    from django.http import HttpRequest

ROWS_A_PAGE = 50


@require_GET
def series(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the control chart of a series with everything that is known of it."""
    record = series_get(facility_of(request.user), pk)
    rows = Paginator(list(reversed(record.rows)), ROWS_A_PAGE)
    context = {
        "record": record,
        "rows": rows.get_page(request.GET.get("page")),
        "history": limits_history(record.series)[:ROWS_A_PAGE],
        "form": LimitsForm(initial=record.limits),
    }
    return render(request, "metrology/series.html", context)


@require_GET
def series_chart(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer with the control chart's figure."""
    return JsonResponse(series_figure(series_get(facility_of(request.user), pk)))


@require_GET
def series_values(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer with the values as a CSV file."""
    record = series_get(facility_of(request.user), pk)
    name = f"{record.series.instrument.slug}-{record.series.attribute_id}-{slugify(record.series.place)}.csv"
    return HttpResponse(
        series_csv(record),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_http_methods(["GET", "POST"])
def series_limits(request: HttpRequest, pk: int) -> HttpResponse:
    """Set new absolute limits of a series' attribute."""
    record = series_get(facility_of(request.user), pk)
    require_role(request.user, Role.STAFF, action="change limits")
    form = LimitsForm(request.POST or None, initial=record.limits)
    if request.method == "POST" and form.is_valid():
        limits_set(
            user=request.user,
            series=record.series,
            values=form.values(),
            whole_facility=form.cleaned_data["whole_facility"],
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, "The new limits hold from now on; the instrument is being judged anew.")
        return redirect(record.series)
    return render(request, "metrology/series_limits.html", {"record": record, "form": form})
