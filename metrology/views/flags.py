"""The pages of flags: the inbox, the evidence, the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from common.errors import InputError
from instruments.selectors.membership import facility_of, membership_of
from metrology.models import FlagState
from metrology.selectors.flags import flag_get, flag_list, steps_allowed
from metrology.services import flag_steps

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

FLAGS_A_PAGE = 50


@require_GET
def flag_inbox(request: HttpRequest) -> HttpResponse:
    """List the flags by urgency."""
    state = request.GET.get("state", "unresolved")
    if state not in {"all", "unresolved", *FlagState.values}:
        state = "unresolved"
    flags = flag_list(facility_of(request.user), state="" if state == "all" else state)
    context = {
        "flags": Paginator(flags, FLAGS_A_PAGE).get_page(request.GET.get("page")),
        "state": state,
        "states": [("unresolved", "unresolved"), *FlagState.choices, ("all", "all")],
    }
    return render(request, "metrology/flag_list.html", context)


@require_GET
def flag(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the evidence for a flag and what may be done about it."""
    record = flag_get(facility_of(request.user), pk)
    member = membership_of(request.user)
    context = {
        "record": record,
        "flag": record.flag,
        "steps": steps_allowed(record.flag, member.role if member else None),
    }
    return render(request, "metrology/flag.html", context)


@require_POST
def flag_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Take care of a flag."""
    flag_steps.flag_acknowledge(user=request.user, flag_id=pk, text=_text(request))
    return _done(request, pk, "The flag is acknowledged.")


@require_POST
def flag_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm a flag by a repeat."""
    repeat = _number(request, "repeat", "acquisition") if request.POST.get("repeat") else None
    flag_steps.flag_confirm(user=request.user, flag_id=pk, repeat_id=repeat, text=_text(request))
    return _done(request, pk, "The flag is confirmed.")


@require_POST
def flag_dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a flag with a reason."""
    flag_steps.flag_dismiss(user=request.user, flag_id=pk, reason=_text(request))
    return _done(request, pk, "The flag is dismissed.")


@require_POST
def flag_resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a flag by a service event."""
    event = _number(request, "service_event", "service event")
    flag_steps.flag_resolve(user=request.user, flag_id=pk, service_event_id=event, text=_text(request))
    return _done(request, pk, "The flag is resolved.")


@require_POST
def flag_comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a remark."""
    flag_steps.flag_comment(user=request.user, flag_id=pk, text=_text(request))
    return _done(request, pk, "The comment is kept.")


def _text(request: HttpRequest) -> str:
    return request.POST.get("text", "").strip()


def _number(request: HttpRequest, field: str, noun: str) -> int:
    """Return the id that was chosen."""
    given = request.POST.get(field, "")
    if not (given.isascii() and given.isdigit()):
        raise InputError(f"No {noun} was chosen.", hint="Go back and choose one from the list.", field=field)
    return int(given)


def _done(request: HttpRequest, pk: int, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return redirect("metrology:flag", pk)
