"""The history of an instrument's verdicts says what it would have said on each day."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from metrology.models import Baseline, Flag, Health, Measurement
from metrology.runtime.assessing import assess_instrument
from metrology.services.health_history import verdict_history
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db

START = catalogue.START


def week(number):
    return START + timedelta(weeks=number)


@pytest.fixture
def series():
    """A series whose baseline ends at its second point."""
    one = monitor.series()
    Baseline.objects.create(
        series=one, epoch=0, first_acquired_at=START, last_acquired_at=week(1), stage="tentative", centre=80, scale=1, n=2
    )  # fmt: skip
    return one


def assessed(series, statuses, *, status="in_control"):
    """Judge a series, one point a week with these statuses."""
    points = [{"date": week(number).isoformat(), "statuses": list(one)} for number, one in enumerate(statuses)]
    return monitor.assessment(series, status=status, values=(), result={"points": points})


def told(instrument, *assessments):
    steps = verdict_history(instrument, assessments)
    return [((datetime.fromisoformat(step["from"]) - START).days / 7, step["verdict"]) for step in steps]


def test_a_quiet_series_is_in_control_since_its_first_baseline(series):
    quiet = assessed(series, [(), ("baseline",), ("shewhart",), ()])
    assert told(series.instrument, quiet) == [(1, "in_control")]


def test_a_scan_far_out_is_watched_before_its_repeat_raises_the_flag(series):
    monitor.flag(at=series, week=4)
    fast = assessed(series, [(), (), (), ("repeat",), ("repeat", "confirmed")], status="degraded")
    assert told(series.instrument, fast) == [(1, "in_control"), (3, "watch"), (4, "degraded")]


def test_a_repeat_within_the_limits_ends_the_watch(series):
    once = assessed(series, [(), (), (), ("repeat",), ()])
    assert told(series.instrument, once) == [(1, "in_control"), (3, "watch"), (4, "in_control")]


def test_watching_goes_on_until_the_last_series_is_quiet(series):
    other = monitor.series(series.instrument, attribute_id="noise")
    first = assessed(series, [(), (), ("tolerance",), (), ()])
    second = assessed(other, [(), (), (), ("ewma",), ("ewma",)], status="watch")
    assert told(series.instrument, first, second) == [(1, "in_control"), (2, "watch")]


def test_a_series_that_is_still_out_when_its_flag_is_dismissed_is_watched(series):
    monitor.flag(at=series, week=2, state="dismissed", closed_at=week(3))
    out = assessed(series, [(), (), ("ewma",), ("ewma",), ("ewma",)], status="degraded")
    assert told(series.instrument, out) == [(1, "in_control"), (2, "degraded"), (3, "watch")]


def test_what_happened_before_the_first_baseline_decides_how_the_history_begins(series):
    early = assessed(series, [("tolerance",), ("tolerance",), ()])
    assert told(series.instrument, early) == [(1, "watch"), (2, "in_control")]


@pytest.mark.parametrize(
    ("attribute_id", "kind", "expected"),
    [
        ("sharpness", "other", [(1, "in_control"), (3, "watch"), (4, "in_control")]),
        ("std", "marbles", [(1, "in_control")]),
    ],
)
def test_series_that_blame_nobody_are_watched_by_absolute_limits_or_not_at_all(series, attribute_id, kind, expected):
    sample = monitor.standard(series.instrument.facility, kind=kind)
    one = monitor.series(series.instrument, sample=sample, attribute_id=attribute_id, channel=1)
    assert told(series.instrument, assessed(one, [(), (), ("ewma",), ("action",), ()])) == expected


def test_without_a_baseline_there_is_no_history():
    assert verdict_history(catalogue.instrument(), []) == []


def test_a_step_is_told_as_in_control_then_watch_then_degraded_by_a_real_judgement():
    one = monitor.series()
    for number in range(32):
        scan = monitor.acquisition(one.instrument, path=one.optical_path, sample=one.standard, week=number)
        value = 20 + 0.3 * (number % 3) if number < 30 else 10.0
        Measurement.objects.create(series=one, acquisition=scan, value=value)
    Health.objects.create(instrument=one.instrument, needs_assessment=True)
    assert assess_instrument(one.instrument_id)
    health = Health.objects.get()
    assert Flag.objects.get().raised_at == week(31)
    assert [step["verdict"] for step in health.history] == ["in_control", "watch", "degraded"]
    assert [step["from"] for step in health.history[1:]] == [week(30).isoformat(), week(31).isoformat()]
    assert health.verdict == "degraded"
