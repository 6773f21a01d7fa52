"""Filters and tags of every page: quantities, status, sizes, times, the navigation's present place.

To keep the filters of a list while paging use Django's own `{% querystring page=2 %}`; `{% query_string … %}` is the
same tag.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from django import template
from django.template.defaulttags import querystring
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince, timeuntil

from common.errors import InputError
from common.templatetags.formatting import NO_VALUE, duration_text, number_text, quantity_text, size_text

if TYPE_CHECKING:
    from django.urls import ResolverMatch
    from django.utils.safestring import SafeString

register = template.Library()
register.simple_tag(querystring, takes_context=True, name="query_string")

_STATUS = {
    "in_control": ("control", "●", "In control"),
    "watch": ("watch", "▲", "Watch"),
    "degraded": ("degraded", "■", "Degraded"),
    "no_data": ("none", "○", "No data"),
}
_TONES = {
    "strong": {"running", "open", "training", "measuring", "new"},
    "good": {"done", "released", "in_control", "measured", "active", "passed"},
    "bad": {"failed", "rejected", "degraded", "refused", "confirmed"},
}
_SOURCES = {"file": "from the file", "user": "typed", "default": "assumed", "none": "unknown"}


@register.simple_tag
def quantity(value: float | None, unit: str = "", uncertainty: float | None = None) -> str:
    """Write `{% quantity value "µm" uncertainty %}` as ``1.302 ± 0.012 µm``; a missing value as a dash."""
    return quantity_text(value, unit, uncertainty)


@register.filter
def significant(value: float | None, digits: int = 4) -> str:
    """Write a number with so many significant digits."""
    return number_text(value, digits=digits)


@register.filter
def file_size(size_bytes: int) -> str:
    """Write a file size [bytes] in decimal units: ``52.4 MB``."""
    return size_text(size_bytes)


@register.filter
def duration(span: datetime.timedelta | float | None) -> str:
    """Write a time span (seconds or timedelta) with the two units that matter: ``2 min 05 s``."""
    return duration_text(span.total_seconds() if isinstance(span, datetime.timedelta) else span)


@register.filter
def since(moment: datetime.datetime | datetime.date | None) -> SafeString | str:
    """Write how long ago a moment was, or how far ahead it is, with the exact time on hover."""
    if moment is None:
        return NO_VALUE
    if not isinstance(moment, datetime.datetime):
        return _time(moment, exact=f"{moment:%Y-%m-%d}", words=_days_away(moment))
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    now = timezone.now() if timezone.is_aware(moment) else timezone.make_naive(timezone.now())
    gap_s = (now - moment).total_seconds()
    if abs(gap_s) < 60:
        words = "just now" if gap_s >= 0 else "in a moment"
    elif gap_s > 0:
        words = f"{timesince(moment, now, depth=1)} ago"
    else:
        words = f"in {timeuntil(moment, now, depth=1)}"
    return _time(moment, exact=f"{local:%Y-%m-%d %H:%M %Z}".strip(), words=words)


@register.filter
def status_symbol(verdict: str | None) -> str:
    """Return the symbol of a verdict: ● in control, ▲ watch, ■ degraded, ○ no data."""
    return _status(verdict)[1]


@register.filter
def status_word(verdict: str | None) -> str:
    """Return the words of a verdict."""
    return _status(verdict)[2]


@register.filter
def status_class(verdict: str | None) -> str:
    """Return the last part of a verdict's CSS classes: ``badge-…``, ``tile-…``, ``instrument-…``."""
    return _status(verdict)[0]


@register.filter
def state_tone(state: str) -> str:
    """Return how loud a state is shown: strong, good, bad, or nothing."""
    return next((tone for tone, states in _TONES.items() if state in states), "")


@register.filter
def source_word(source: str | None) -> str:
    """Return the words for where a metadata field came from; an unknown source is shown as it is."""
    key = source or "none"
    return _SOURCES.get(key, spaced(key))


@register.filter
def spaced(name: str) -> str:
    """Write an identifier as words: ``not_comparable`` as ``not comparable``."""
    return name.replace("_", " ")


@register.filter
def in_section(match: ResolverMatch | None, beginnings: str) -> bool:
    """Tell whether the page shown belongs to a part of the navigation, by the beginning of its URL name."""
    return match is not None and match.view_name.startswith(tuple(beginnings.split()))


def _status(verdict: str | None) -> tuple[str, str, str]:
    """Return class, symbol and words of a verdict; nothing measured yet is "no data"."""
    key = str(verdict or "no_data")
    if key not in _STATUS:
        raise InputError(f"“{key}” is not a verdict.", hint=f"Use one of {', '.join(_STATUS)}.", verdict=key)
    return _STATUS[key]


def _time(moment: datetime.date, *, exact: str, words: str) -> SafeString:
    """Make the <time> element."""
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, words)


def _days_away(day: datetime.date) -> str:
    """Say how far a calendar day is from today."""
    days = (timezone.localdate() - day).days
    near = {0: "today", 1: "yesterday", -1: "tomorrow"}
    if days in near:
        return near[days]
    midnight = datetime.datetime.combine(day, datetime.time.min)
    today = datetime.datetime.combine(timezone.localdate(), datetime.time.min)
    return f"{timesince(midnight, today, depth=1)} ago" if days > 0 else f"in {timeuntil(midnight, today, depth=1)}"
