"""The page of all quantities, written from their declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_GET

from metrology.selectors.vocabulary import quantities_by_group

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_GET
def quantity_index(request: HttpRequest) -> HttpResponse:
    """List what is measured, exactly."""
    return render(request, "metrology/quantity_list.html", {"groups": quantities_by_group()})
