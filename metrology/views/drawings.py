"""The drawings of a standard sample: the part of an acquisition's page that holds them, and their numbers as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from common.permissions import Role, includes
from instruments.selectors.membership import facility_of, membership_of
from metrology.selectors.acquisitions import acquisition_get
from metrology.selectors.figures import drawing_get, drawings_of

if TYPE_CHECKING:
    from django.http import HttpRequest

ROWS_SHOWN = 120
"""Longer tables are only given as CSV."""


@require_GET
def acquisition_drawings(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the drawings of an acquisition, channel by channel."""
    row = acquisition_get(facility_of(request.user), pk)
    membership = membership_of(request.user)
    context = {
        "acquisition": row,
        "channels": drawings_of(row),
        "may_measure": includes(membership.role if membership else Role.VIEWER, Role.OPERATOR),
        "rows_shown": ROWS_SHOWN,
    }
    return render(request, "metrology/_acquisition_figures.html", context)


@require_GET
def drawing_values(request: HttpRequest, pk: int, channel: int, name: str) -> HttpResponse:
    """Answer with the numbers of one drawing as a CSV file."""
    drawing = drawing_get(acquisition_get(facility_of(request.user), pk), channel, name)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(drawing.headings)
    writer.writerows(drawing.rows)
    return HttpResponse(
        text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="acquisition-{pk}-channel-{channel}-{drawing.name}.csv"'
        },
    )
