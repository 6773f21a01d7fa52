"""Limits are set by staff, checked, dated and never overwritten."""

from __future__ import annotations

import pytest

from common.errors import AccessError, InputError, NotFoundError
from common.permissions import Role
from metrology.models import Limits
from metrology.services.limits import LimitValues, limits_set
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def series():
    return monitor.series()


@pytest.fixture
def staff(series):
    return catalogue.member(Role.STAFF, of=series.instrument.facility)


@pytest.fixture
def sent(monkeypatch):
    calls = []
    monkeypatch.setattr("metrology.services.limits.assessment_request", calls.append)
    return calls


def test_new_limits_are_a_new_row_and_the_old_one_stays_as_it_was(series, staff, sent):
    first = limits_set(user=staff, series=series, values=LimitValues(action_low=60.0), reason="contract")
    limits_set(user=staff, series=series, values=LimitValues(action_low=65.0))
    first.refresh_from_db()
    assert Limits.objects.count() == 2
    assert (first.action_low, first.reason, first.set_by) == (60.0, "contract", staff)
    assert sent == [series.instrument_id] * 2


def test_limits_of_the_facility_judge_all_its_instruments_anew(series, staff, sent):
    neighbour = monitor.series(catalogue.instrument(series.instrument.facility))
    monitor.series(attribute_id="sharpness")  # of another facility
    row = limits_set(user=staff, series=series, values=LimitValues(tolerance_low=50.0), whole_facility=True)
    assert row.instrument is None
    assert sorted(sent) == sorted(one.instrument_id for one in (series, neighbour))


def test_an_operator_may_not_change_limits(series):
    operator = catalogue.member(Role.OPERATOR, of=series.instrument.facility)
    with pytest.raises(AccessError, match="Only staff may change limits"):
        limits_set(user=operator, series=series, values=LimitValues(action_low=1.0))
    assert not Limits.objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        LimitValues(tolerance_low=5.0, tolerance_high=5.0),
        LimitValues(action_low=6.0, tolerance_low=5.0),
        LimitValues(tolerance_high=8.0, action_high=7.0),
        LimitValues(action_low=9.0, action_high=7.0),
    ],
)
def test_limits_that_contradict_one_another_are_refused(series, staff, values):
    with pytest.raises(InputError, match="must lie below"):
        limits_set(user=staff, series=series, values=values)


def test_a_limit_that_is_no_number_is_refused(series, staff):
    with pytest.raises(InputError, match="not a finite number"):
        limits_set(user=staff, series=series, values=LimitValues(action_high=float("nan")))


def test_tolerance_may_equal_action_on_one_side():
    LimitValues(action_low=5.0, tolerance_low=5.0, tolerance_high=9.0, action_high=9.0).check()


def test_a_reason_too_long_to_keep_is_refused(series, staff):
    with pytest.raises(InputError, match="Say it shorter"):
        limits_set(user=staff, series=series, values=LimitValues(action_low=1.0), reason="x" * 201)


def test_staff_of_another_facility_cannot_set_limits_here(series):
    with pytest.raises(NotFoundError):
        limits_set(user=catalogue.member(Role.STAFF), series=series, values=LimitValues(action_low=1.0))
