from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BaselineError
from metrology.spc.change_point import date_change
from metrology.spc.ewma import one_sided_ewma

ALARM = 0.62  # height of an EWMA of ARL0 ≈ 370


def dated(shape, *, before=30, runs=300):
    """Date changes at the moment at which an EWMA signals; return errors and how often the interval held the truth."""
    rng = np.random.default_rng(7)
    errors, held = [], []
    for _ in range(runs):
        points = rng.normal(size=before + 100)
        points[before:] += shape(np.arange(1, 101))
        alarm = one_sided_ewma(points[before:], clip=2.5) > ALARM
        change = date_change(points[: before + int(alarm.argmax()) + 1], upward_only=True)
        errors.append(abs(change.index - before))
        held.append(change.low <= before <= change.high)
    return np.median(errors), np.mean(held)


def test_a_step_of_one_sigma_is_dated_within_2_points():
    error, held = dated(lambda since: 1.0 + 0 * since)
    assert error <= 2
    assert held >= 0.85


def test_a_slow_drift_is_dated_within_8_points():
    error, held = dated(lambda since: 0.05 * since)
    assert error <= 8
    assert held >= 0.85


@given(st.integers(5, 25))
def test_a_huge_clean_step_is_dated_exactly(before):
    scores = np.concatenate([np.zeros(before), np.full(8, 3.0)])
    change = date_change(scores)
    assert change.index == before
    assert change.low <= change.index <= change.high
    assert change.magnitude_sigma == pytest.approx(3.0, abs=0.3)


def test_only_harm_is_dated_where_only_harm_counts():
    scores = np.concatenate([np.zeros(10), np.full(10, -3.0), np.full(5, 0.5)])
    assert date_change(scores, upward_only=True).magnitude_sigma > 0 > date_change(scores[:20]).magnitude_sigma


def test_two_points_cannot_be_dated():
    with pytest.raises(BaselineError, match="three points"):
        date_change([0.0, 1.0])
