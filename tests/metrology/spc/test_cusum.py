from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from metrology.spc.cusum import cusum, self_starting_cusum

# NIST/SEMATECH e-Handbook, section 6.3.2.3: target 325, k 0.3175, h 4.1959
NIST = np.array([324.925, 324.675, 324.725, 324.35, 325.35, 325.225, 324.125, 324.525, 325.225, 324.6, 324.625, 325.15,
                 328.325, 327.25, 327.825, 328.5, 326.675, 327.775, 326.875, 328.35])  # fmt: skip


def test_cusum_signals_at_point_14_on_the_nist_series():
    sums = cusum(NIST - 325, reference=0.3175)
    assert int((sums > 4.1959).argmax()) + 1 == 14
    assert sums[-1] == pytest.approx(19.035, abs=0.02)


def test_self_starting_scores_in_control_are_independent_and_standard_normal():
    rng = np.random.default_rng(1)
    scores = np.array(
        [self_starting_cusum(rng.normal(7, 3, 30), limit=1e9, learn_within=1e9).scores for _ in range(800)]
    )
    for point in (2, 5, 15, 29):
        assert stats.kstest(scores[:, point], "norm").pvalue > 0.001
    assert abs(np.corrcoef(scores[:, 10], scores[:, 11])[0, 1]) < 0.1


@given(st.floats(-100, 100), st.floats(0.01, 100), st.integers(0, 30))
@settings(max_examples=30, deadline=None)
def test_the_unit_of_the_values_does_not_matter(shift, stretch, seed):
    points = np.random.default_rng(seed).normal(size=20)
    plain = self_starting_cusum(points, limit=10.0)
    moved = self_starting_cusum(shift + stretch * points, limit=10.0)
    assert moved.sums == pytest.approx(plain.sums, abs=1e-5)


def test_a_wild_point_is_clipped_and_teaches_nothing():
    rng = np.random.default_rng(2)
    points = rng.normal(size=20)
    spoiled = np.insert(points, 12, 40.0)
    plain = self_starting_cusum(points, limit=10.0)
    other = self_starting_cusum(spoiled, limit=10.0)
    assert other.scores[13:] == pytest.approx(plain.scores[12:])
    assert other.sums[12] <= other.sums[11] + 2.25 + 1e-9


def test_nothing_is_learned_from_a_series_that_signals():
    points = np.concatenate([np.random.default_rng(3).normal(size=20), np.full(60, 2.0)])
    sums = self_starting_cusum(points, limit=5.0).sums
    assert sums[-1] > 5.0
    assert np.all(np.diff(sums[40:]) > 0)


def test_equal_points_score_zero():
    assert self_starting_cusum([1.0] * 5, limit=5.0).scores.tolist() == [0.0] * 5
