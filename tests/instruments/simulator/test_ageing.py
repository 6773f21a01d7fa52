"""Parameters follow their stated law, and a service makes them as new."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InputError
from instruments.simulator.acquisition import MicroscopeState
from instruments.simulator.ageing import AgeingLaw, LawKind, Service, aged, parameter_of, with_parameter
from instruments.simulator.detector import Detector

GAIN = "detectors.ChS1.gain_counts"


@pytest.fixture
def new():
    def detector(name):
        return Detector(name=name, kind="PMT", model="test", quantum_efficiency=0.25, gain_counts=10.0)

    return MicroscopeState(detectors=(detector("ChS1"), detector("NDD1")))


def law(kind, amount, parameter=GAIN, start_week=10.0):
    return AgeingLaw(parameter=parameter, kind=kind, start_week=start_week, amount=amount)


@pytest.mark.parametrize(
    ("kind", "amount", "week", "value"),
    [
        (LawKind.LINEAR, 0.5, 10.0, 10.0),
        (LawKind.LINEAR, 0.5, 14.0, 12.0),
        (LawKind.EXPONENTIAL, -math.log(2.0) / 5.0, 15.0, 5.0),
        (LawKind.EXPONENTIAL, -math.log(2.0) / 5.0, 20.0, 2.5),
        (LawKind.STEP, -4.0, 9.99, 10.0),
        (LawKind.STEP, -4.0, 10.0, 6.0),
        (LawKind.STEP, -4.0, 90.0, 6.0),
    ],
)
def test_each_law_has_its_stated_value(new, kind, amount, week, value):
    assert parameter_of(aged(new, week=week, laws=(law(kind, amount),)), GAIN) == pytest.approx(value)


@settings(deadline=None)
@given(st.sampled_from(LawKind), st.floats(-0.2, 0.2), st.floats(0.0, 10.0, exclude_max=True))
def test_nothing_changes_before_the_first_week_of_ageing(kind, amount, week):
    assert law(kind, amount).value_at(7.0, week=week) == 7.0


@settings(deadline=None)
@given(st.sampled_from((LawKind.LINEAR, LawKind.EXPONENTIAL)), st.floats(0.001, 0.1), st.floats(0.0, 40.0))
def test_a_replaced_part_begins_to_wear_again_from_the_service(kind, amount, since):
    wearing = law(kind, amount)
    assert wearing.value_at(3.0, week=30.0 + since, restored_week=30.0) == pytest.approx(
        wearing.value_at(3.0, week=10.0 + since)
    )


def test_a_service_cures_a_step_for_good_but_only_what_it_restores(new):
    laws = (law(LawKind.STEP, -4.0), law(LawKind.STEP, 1.4, "scanner.bidirectional_shift_px"))
    visit = Service(week=20.0, restores=(GAIN,))
    before, after, later = (aged(new, week=week, laws=laws, services=(visit,)) for week in (19.9, 20.0, 300.0))
    assert parameter_of(before, GAIN) == 6.0
    for state in (after, later):
        assert parameter_of(state, GAIN) == 10.0
        assert state.scanner.bidirectional_shift_px == 1.4


def test_a_service_before_an_accident_does_not_prevent_it(new):
    state = aged(new, week=11.0, laws=(law(LawKind.STEP, -4.0),), services=(Service(week=5.0, restores=(GAIN,)),))
    assert parameter_of(state, GAIN) == 6.0


def test_a_routine_visit_changes_nothing(new):
    laws = (law(LawKind.LINEAR, 0.5),)
    routine = (Service(week=12.0),)
    assert aged(new, week=20.0, laws=laws, services=routine) == aged(new, week=20.0, laws=laws)


def test_two_laws_on_one_parameter_act_one_after_the_other(new):
    laws = (law(LawKind.LINEAR, 1.0), law(LawKind.STEP, -3.0))
    assert parameter_of(aged(new, week=15.0, laws=laws), GAIN) == 12.0


def test_ageing_one_detector_leaves_the_other_and_the_original_alone(new):
    untouched = dataclasses.replace(new)
    old = aged(new, week=20.0, laws=(law(LawKind.LINEAR, -0.5),))
    assert parameter_of(old, "detectors.NDD1.gain_counts") == 10.0
    assert new == untouched


@pytest.mark.parametrize(
    "path",
    ["gain", "aberrations", "aberrations.trefoil_nm", "detectors.ChS9.gain_counts", "detectors.ChS1.name", GAIN + ".x"],
)
def test_an_unknown_parameter_is_named(new, path):
    with pytest.raises(InputError, match=path):
        parameter_of(new, path)
    with pytest.raises(InputError, match=path):
        with_parameter(new, path, 1.0)
