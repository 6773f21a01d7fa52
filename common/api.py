"""The API's one envelope for errors, and its pages."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.views import set_rollback

from common.errors import StrehlError

_HINTS = {
    "not_authenticated": "Sign in, or send the header 'Authorization: Token …'.",
    "authentication_failed": "Check the token.",
    "permission_denied": "Ask a member of staff of your facility.",
    "not_found": "Check the address; things of other facilities are not shown.",
    "method_not_allowed": "See /api/docs/ for what this address accepts.",
    "throttled": "Wait a moment and try again.",
}


class Pages(PageNumberPagination):
    """Pages of fifty, up to five hundred on request."""

    page_size_query_param = "page_size"
    max_page_size = 500


def envelope_of_exception(error: Exception, _context: dict[str, Any]) -> Response | None:
    """Turn any error that a client may see into `{code, message, details}`; others stay server errors."""
    if isinstance(error, StrehlError):
        set_rollback()
        return Response(error.envelope(), status=error.http_status)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    if isinstance(error, exceptions.ValidationError):
        envelope = {
            "code": "input",
            "message": "Some fields are missing or wrong. Correct those named in details.",
            "details": {"fields": error.get_full_details()},
        }
        return Response(envelope, status=status.HTTP_400_BAD_REQUEST)
    codes = error.get_codes()
    code = codes if isinstance(codes, str) else "request"
    message = f"{str(error.detail).rstrip('.')}. {_HINTS.get(code, 'See /api/docs/.')}"
    challenge = getattr(error, "auth_header", None)
    headers = {"WWW-Authenticate": challenge} if challenge else {}
    return Response({"code": code, "message": message, "details": {}}, status=error.status_code, headers=headers)
