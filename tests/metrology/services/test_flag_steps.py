"""A flag moves only along its path, only by those who may, and every step is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from common.errors import AccessError, InputError, NotFoundError, StateError
from common.permissions import Role
from instruments.models import ServiceEvent
from metrology.models import FlagState
from metrology.services import flag_steps
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def flag():
    return monitor.flag()


@pytest.fixture
def operator(flag):
    return catalogue.member(Role.OPERATOR, of=flag.instrument.facility)


@pytest.fixture
def staff(flag):
    return catalogue.member(Role.STAFF, of=flag.instrument.facility)


@pytest.fixture
def sent(monkeypatch):
    calls = []
    monkeypatch.setattr("metrology.services.flag_steps.assessment_request", calls.append)
    return calls


def event_of(flag, *, days_after):
    when = flag.raised_at + timedelta(days=days_after)
    return ServiceEvent.objects.create(instrument=flag.instrument, started_at=when, ended_at=when)


def test_acknowledging_keeps_who_did_it_and_why(flag, operator):
    moved = flag_steps.flag_acknowledge(user=operator, flag_id=flag.pk, text="Lamp ordered.")
    step = moved.transitions.get()
    assert moved.state == FlagState.ACKNOWLEDGED
    assert (step.from_state, step.to_state, step.user, step.text) == ("open", "acknowledged", operator, "Lamp ordered.")


def test_acknowledging_twice_is_refused_and_leaves_one_step(flag, operator):
    flag_steps.flag_acknowledge(user=operator, flag_id=flag.pk)
    with pytest.raises(StateError, match="acknowledged cannot become acknowledged"):
        flag_steps.flag_acknowledge(user=operator, flag_id=flag.pk)
    assert flag.transitions.count() == 1


def test_a_viewer_may_take_no_step(flag):
    viewer = catalogue.member(Role.VIEWER, of=flag.instrument.facility)
    for step in (
        lambda: flag_steps.flag_acknowledge(user=viewer, flag_id=flag.pk),
        lambda: flag_steps.flag_confirm(user=viewer, flag_id=flag.pk),
        lambda: flag_steps.flag_resolve(user=viewer, flag_id=flag.pk, service_event_id=1),
        lambda: flag_steps.flag_comment(user=viewer, flag_id=flag.pk, text="hm"),
        lambda: flag_steps.flag_dismiss(user=viewer, flag_id=flag.pk, reason="hm"),
    ):
        with pytest.raises(AccessError, match="your role is viewer"):
            step()


def test_only_staff_may_dismiss_and_only_with_a_reason(flag, operator, staff, sent):
    with pytest.raises(AccessError, match="Only staff may dismiss a flag"):
        flag_steps.flag_dismiss(user=operator, flag_id=flag.pk, reason="bad slide")
    with pytest.raises(InputError, match="only with a reason"):
        flag_steps.flag_dismiss(user=staff, flag_id=flag.pk, reason="  ")
    dismissed = flag_steps.flag_dismiss(user=staff, flag_id=flag.pk, reason="bad slide")
    assert dismissed.state == FlagState.DISMISSED
    assert dismissed.closed_at is not None
    assert sent == [flag.instrument_id]


def test_a_dismissed_flag_takes_no_further_step_but_a_comment(flag, operator, staff):
    flag_steps.flag_dismiss(user=staff, flag_id=flag.pk, reason="bad slide")
    with pytest.raises(StateError, match="It is closed"):
        flag_steps.flag_acknowledge(user=operator, flag_id=flag.pk)
    with pytest.raises(StateError, match="It is closed"):
        flag_steps.flag_resolve(user=operator, flag_id=flag.pk, service_event_id=event_of(flag, days_after=1).pk)
    remark = flag_steps.flag_comment(user=operator, flag_id=flag.pk, text=" see log ")
    assert (remark.from_state, remark.to_state, remark.text) == ("dismissed", "dismissed", "see log")


def test_a_service_after_the_finding_resolves_the_flag(flag, operator, sent):
    event = event_of(flag, days_after=3)
    resolved = flag_steps.flag_resolve(user=operator, flag_id=flag.pk, service_event_id=event.pk)
    assert (resolved.state, resolved.resolved_by) == (FlagState.RESOLVED, event)
    assert resolved.closed_at == event.ended_at
    assert sent == [flag.instrument_id]


def test_a_service_before_the_finding_cannot_have_mended_it(flag, operator):
    with pytest.raises(InputError, match="ended before the flag was raised"):
        flag_steps.flag_resolve(user=operator, flag_id=flag.pk, service_event_id=event_of(flag, days_after=-1).pk)
    flag.refresh_from_db()
    assert (flag.state, flag.resolved_by) == (FlagState.OPEN, None)


def test_the_service_of_another_instrument_is_not_found(flag, operator):
    other = monitor.flag(catalogue.instrument(flag.instrument.facility))
    with pytest.raises(NotFoundError):
        flag_steps.flag_resolve(user=operator, flag_id=flag.pk, service_event_id=event_of(other, days_after=3).pk)


def test_a_repeat_confirms_and_is_named(flag, operator):
    repeat = monitor.acquisition(flag.instrument, week=5)
    confirmed = flag_steps.flag_confirm(user=operator, flag_id=flag.pk, repeat_id=repeat.pk, text="Same dim channel.")
    assert confirmed.state == FlagState.CONFIRMED
    assert f"acquisition {repeat.pk}" in confirmed.transitions.get().text
    assert "Same dim channel." in confirmed.transitions.get().text


def test_a_flag_that_was_acknowledged_first_can_still_be_confirmed(flag, operator):
    flag_steps.flag_acknowledge(user=operator, flag_id=flag.pk)
    assert flag_steps.flag_confirm(user=operator, flag_id=flag.pk).state == FlagState.CONFIRMED


@pytest.mark.parametrize("fault", [{"week": 3}, {"week": 5, "validity": "invalid"}, {"week": 5, "acquired_at": None}])
def test_a_scan_that_is_no_later_valid_scan_confirms_nothing(flag, operator, fault):
    scan = monitor.acquisition(flag.instrument, **fault)
    with pytest.raises(InputError, match="not a valid scan made after"):
        flag_steps.flag_confirm(user=operator, flag_id=flag.pk, repeat_id=scan.pk)


def test_a_scan_of_another_instrument_or_facility_confirms_nothing(flag, operator):
    neighbour = monitor.acquisition(catalogue.instrument(flag.instrument.facility), week=5)
    with pytest.raises(InputError, match="is not of"):
        flag_steps.flag_confirm(user=operator, flag_id=flag.pk, repeat_id=neighbour.pk)
    foreign = monitor.acquisition(catalogue.instrument(), week=5)
    with pytest.raises(NotFoundError):
        flag_steps.flag_confirm(user=operator, flag_id=flag.pk, repeat_id=foreign.pk)


def test_the_flag_of_another_facility_does_not_exist(flag):
    stranger = catalogue.member(Role.STAFF)
    with pytest.raises(NotFoundError):
        flag_steps.flag_acknowledge(user=stranger, flag_id=flag.pk)
    with pytest.raises(NotFoundError):
        flag_steps.flag_comment(user=stranger, flag_id=flag.pk, text="hello")


def test_an_empty_comment_is_refused(flag, operator):
    with pytest.raises(InputError, match="empty"):
        flag_steps.flag_comment(user=operator, flag_id=flag.pk, text=" \n")


def test_a_worker_moves_a_flag_without_a_person(flag):
    event = event_of(flag, days_after=2)
    moved = flag_steps.flag_move(
        flag_id=flag.pk, facility=flag.instrument.facility, to=FlagState.RESOLVED, text="Recovered.", resolved_by=event
    )
    assert (moved.resolved_by, moved.transitions.get().user) == (event, None)
