"""What every page knows: the facility and the role of who is looking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from instruments.selectors.membership import membership_of

if TYPE_CHECKING:
    from django.http import HttpRequest


def membership(request: HttpRequest) -> dict[str, Any]:
    """Return `facility` and `membership` for the templates; both None for those who are not signed in."""
    found = membership_of(request.user) if request.user.is_authenticated else None
    return {"membership": found, "facility": found.facility if found else None}
