"""Errors of the tree become a page, or an envelope, with the same sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from common.errors import StrehlError

if TYPE_CHECKING:
    from collections.abc import Callable


class StrehlErrorMiddleware:
    """Answers a `StrehlError` raised by a view: JSON where JSON was asked for, else a page (a fragment under htmx)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer errors of the tree; leave all others to Django."""
        if not isinstance(error, StrehlError):
            return None
        if wants_json(request):
            return JsonResponse(error.envelope(), status=error.http_status)
        context = {"error": error, "status": error.http_status}
        return render(request, "errors/strehl_error.html", context, status=error.http_status)


def wants_json(request: HttpRequest) -> bool:
    """Say whether the client prefers JSON to a page."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
