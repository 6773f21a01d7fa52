"""The inbox puts the most urgent flag first; a flag's page holds its evidence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from common.errors import NotFoundError
from common.permissions import Role
from instruments.models import ServiceEvent
from metrology.models import FlagState
from metrology.selectors.flags import FOLLOWING, NEEDED, flag_get, flag_list, steps_allowed
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def facility():
    return catalogue.facility()


def test_unresolved_flags_come_first_and_those_beyond_an_action_limit_before_others(facility):
    closed = monitor.flag(catalogue.instrument(facility), state=FlagState.RESOLVED, signals=3)
    mild = monitor.flag(catalogue.instrument(facility), signals=1)
    grave = monitor.flag(catalogue.instrument(facility), signals=3)
    monitor.flag()  # of another facility
    assert list(flag_list(facility)) == [grave, mild, closed]
    assert [flag.series_moved for flag in flag_list(facility)] == [1, 1, 1]
    assert list(flag_list(facility, state="unresolved")) == [grave, mild]
    assert list(flag_list(facility, state="resolved")) == [closed]


def test_a_flag_holds_its_signals_charts_and_what_may_be_linked(facility):
    series = monitor.series(catalogue.instrument(facility))
    monitor.assessment(series)
    flag = monitor.flag(at=series, signals=2)
    later = flag.raised_at + timedelta(days=2)
    event = ServiceEvent.objects.create(instrument=series.instrument, started_at=later, ended_at=later)
    before = flag.raised_at - timedelta(days=2)
    ServiceEvent.objects.create(instrument=series.instrument, started_at=before, ended_at=before)
    repeat = monitor.acquisition(series.instrument, week=6)
    monitor.acquisition(series.instrument, week=7, validity="invalid")
    record = flag_get(facility, flag.pk)
    assert [(row.title, row.words) for row in record.evidence] == [("Sharpness", ("drift (EWMA)", "beyond tolerance"))]
    assert [(chart.series_id, chart.name) for chart in record.charts] == [(series.pk, "Sharpness, channel 0")]
    assert (record.events, record.repeats) == ((event,), (repeat,))


def test_the_flag_of_another_facility_does_not_exist(facility):
    with pytest.raises(NotFoundError):
        flag_get(facility, monitor.flag().pk)


def test_before_and_after_share_one_intensity_scale(facility):
    series = monitor.series(catalogue.instrument(facility))
    healthy = monitor.acquisition(
        series.instrument, path=series.optical_path, sample=series.standard, week=0, preview_window=[[0.0, 400.0]]
    )
    monitor.acquisition(series.instrument, path=series.optical_path, sample=series.standard, week=1, validity="invalid")
    flag = monitor.flag(at=series)
    pair = flag_get(facility, flag.pk).comparison
    assert (pair.before.acquisition, pair.after.acquisition) == (healthy, flag.raised_by)
    assert (pair.black, pair.white) == (0.0, 400.0)
    assert (pair.before.slope, pair.before.intercept) == (1.0, 0.0)
    # the later preview shows 10 to 200 counts: its black lies at 10/400, its white at 200/400
    assert pair.after.intercept == pytest.approx(10 / 400)
    assert pair.after.slope + pair.after.intercept == pytest.approx(200 / 400)


def test_without_an_earlier_scan_only_the_later_is_shown_and_without_a_picture_nothing(facility):
    series = monitor.series(catalogue.instrument(facility))
    flag = monitor.flag(at=series)
    assert flag_get(facility, flag.pk).comparison.before is None
    flag.raised_by.preview_window = []
    flag.raised_by.save()
    assert flag_get(facility, flag.pk).comparison is None


def test_steps_depend_on_state_and_role():
    flag = monitor.flag()
    assert steps_allowed(flag, Role.STAFF) == {"confirmed", "acknowledged", "resolved", "dismissed"}
    assert steps_allowed(flag, Role.OPERATOR) == {"confirmed", "acknowledged", "resolved"}
    assert steps_allowed(flag, Role.VIEWER) == frozenset()
    assert steps_allowed(flag, None) == frozenset()
    flag.state = FlagState.DISMISSED
    assert steps_allowed(flag, Role.STAFF) == frozenset()


def test_every_state_has_its_followers_and_every_step_its_role():
    assert set(FOLLOWING) == set(FlagState)
    assert {state for following in FOLLOWING.values() for state in following} == set(NEEDED)


def test_evidence_is_gathered_by_series_in_the_order_of_first_signals_and_charts_by_how_far(facility):
    one = catalogue.instrument(facility)
    flag = monitor.flag(at=monitor.series(one))
    for attribute, magnitude, days in (("noise", -3.0, 5), ("mean", 2.0, 0), ("cv", 9.0, 7)):
        signal = flag.signals.first()
        signal.pk, signal.series, signal.magnitude_sigma = None, monitor.series(one, attribute_id=attribute), magnitude
        signal.signalled_at = flag.raised_at + timedelta(days=days)
        monitor.assessment(signal.series)
        signal.save()
    record = flag_get(facility, flag.pk)
    assert [row.title for row in record.evidence] == [
        "Mean intensity",
        "Sharpness",
        "Noise",
        "Coefficient of variation",
    ]
    assert [chart.name.split(",")[0] for chart in record.charts] == [
        "Coefficient of variation",
        "Noise",
        "Mean intensity",
    ]
