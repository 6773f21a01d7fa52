"""A case is opened once for a flag, and its state follows from what happened in it."""

from __future__ import annotations

import pytest

from common.errors import AccessError, InputError, NotFoundError, StateError
from common.permissions import Role
from enhancement.models import Case, CaseState
from enhancement.services.cases import case_close, case_open, case_settle
from metrology.models import Flag
from tests.factories import catalogue
from tests.factories import enhancement as made

pytestmark = pytest.mark.django_db


@pytest.fixture
def flag(tmp_path):
    instrument = made.two_detector_instrument(tmp_path, fields=1)
    scan = instrument.acquisitions.get()
    return Flag.objects.create(instrument=instrument, raised_at=scan.acquired_at, raised_by=scan)


@pytest.fixture
def operator(flag):
    return catalogue.member(Role.OPERATOR, of=flag.instrument.facility)


def test_a_flag_has_one_open_case(flag, operator):
    first = case_open(user=operator, flag=flag)
    assert case_open(user=operator, flag=flag) == first
    assert first.title == f"{flag.instrument.name}, flag of 2026-01-05"
    case_close(user=operator, case=first)
    assert case_open(user=operator, flag=flag) != first


def test_a_viewer_cannot_open_a_case(flag):
    with pytest.raises(AccessError, match="Only operators and staff may open a case"):
        case_open(user=catalogue.member(Role.VIEWER, of=flag.instrument.facility), flag=flag)


def test_an_operator_of_another_facility_cannot_open_a_case(flag):
    with pytest.raises(NotFoundError):
        case_open(user=catalogue.member(Role.OPERATOR), instrument=flag.instrument)


def test_a_case_needs_an_instrument_that_is_the_flag_s_own(flag, operator):
    with pytest.raises(InputError):
        case_open(user=operator)
    with pytest.raises(InputError):
        case_open(user=operator, flag=flag, instrument=catalogue.instrument(flag.instrument.facility))
    assert not Case.objects.exists()


def test_a_dismissed_flag_opens_no_case(flag, operator):
    flag.state = "dismissed"
    flag.save()
    with pytest.raises(StateError, match="dismissed"):
        case_open(user=operator, flag=flag)


@pytest.mark.parametrize(
    ("run_state", "model_states", "expected"),
    [
        ("running", [], CaseState.TRAINING),
        ("failed", [], CaseState.OPEN),
        ("done", ["candidate", "rejected"], CaseState.COMPARED),
        ("done", ["released", "candidate"], CaseState.RELEASED),
        ("done", ["rejected", "rejected"], CaseState.REJECTED),
        ("done", ["expired"], CaseState.OPEN),
    ],
)
def test_the_state_of_a_case_follows_from_its_training_and_its_models(run_state, model_states, expected):
    run = made.run(state=run_state)
    for state in model_states:
        made.model(run, state=state)
    assert case_settle(run.case_id) == expected
    assert Case.objects.get(pk=run.case_id).state == expected


def test_a_case_in_training_cannot_be_closed_and_a_closed_one_stays_closed(operator, flag):
    case = made.case(flag.instrument)
    run = made.run(case, state="running")
    with pytest.raises(StateError, match="not finished"):
        case_close(user=operator, case=case)
    run.state = "cancelled"
    run.save()
    case_close(user=operator, case=case)
    assert case_settle(case.pk) == CaseState.CLOSED
