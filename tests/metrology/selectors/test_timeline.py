"""The strip of an instrument's health lies where the dates lie."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from instruments.models import ServiceEvent
from metrology.models import Flag
from metrology.selectors.timeline import timeline

START, MIDDLE, STOP = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))
HISTORY = [{"from": START.isoformat(), "verdict": "in_control"}, {"from": MIDDLE.isoformat(), "verdict": "degraded"}]


def test_spans_fill_the_strip_in_proportion_to_time():
    strip = timeline(HISTORY, events=[], flags=[], until=STOP)
    assert [(span.verdict, span.left, span.width) for span in strip.spans] == [
        ("in_control", 0.0, pytest.approx(100 * 31 / 59, abs=1e-3)),
        ("degraded", pytest.approx(100 * 31 / 59, abs=1e-3), pytest.approx(100 * 28 / 59, abs=1e-3)),
    ]
    assert strip.summary == "Since 2026-01-01: no flags and no service events; degraded since 2026-02-01."


def test_events_and_flags_stand_at_their_dates_and_earlier_ones_are_left_out():
    early, inside = (
        ServiceEvent(kind="cleaning", started_at=at, ended_at=at) for at in (START.replace(year=2025), MIDDLE)
    )
    flag = Flag(pk=7, raised_at=STOP, state="open")
    strip = timeline(HISTORY, events=[early, inside], flags=[flag], until=STOP)
    assert [(spot.kind, spot.left) for spot in strip.spots] == [("event", pytest.approx(52.542)), ("flag", 100.0)]


def test_ticks_stand_at_beginnings_of_months():
    strip = timeline(HISTORY, events=[], flags=[], until=STOP)
    assert [(tick.label, tick.left) for tick in strip.ticks] == [("Feb 2026", pytest.approx(52.542))]
    years = timeline(HISTORY, events=[], flags=[], until=datetime(2031, 1, 1, tzinfo=UTC))
    assert 3 <= len(years.ticks) <= 7


def test_without_a_history_there_is_no_strip():
    assert timeline([], events=[], flags=[], until=STOP) is None
