"""Pages of errors that no view answered; programs get the API's envelope instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from common.middleware import wants_json

if TYPE_CHECKING:
    from collections.abc import Callable

_MESSAGES = {
    400: ("input", "The request could not be understood. Go back and try again."),
    403: ("access", "This is not allowed. Sign in again, or ask a member of staff of your facility."),
    404: ("not_found", "There is nothing at this address. Start from the fleet page or from /api/docs/."),
    500: (
        "internal",
        "Something went wrong inside Strehl. Its log has the details; try again, and report it if it stays.",
    ),
}


def _page(status: int) -> Callable[..., HttpResponse]:
    code, message = _MESSAGES[status]

    def answer(request: HttpRequest, exception: Exception | None = None, **_more: object) -> HttpResponse:  # noqa: ARG001 - Django's signature
        if request.path.startswith("/api/v1/") or wants_json(request):
            return JsonResponse({"code": code, "message": message, "details": {}}, status=status)
        return render(request, f"errors/{status}.html", status=status)

    return answer


bad_request = _page(400)
permission_denied = _page(403)
not_found = _page(404)
server_error = _page(500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is missing or old."""
    return permission_denied(request, reason=reason)
