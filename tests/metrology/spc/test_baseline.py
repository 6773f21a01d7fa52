from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import BaselineError
from metrology.spc.baseline import Baseline, fit_baseline, shrunk_autocorrelation, stage_of, trend_probability
from metrology.spc.estimated import EFFICIENCY


@pytest.mark.parametrize(
    ("points", "stage"),
    [(3, "tentative"), (9, "tentative"), (10, "provisional"), (29, "provisional"), (30, "firm"), (200, "firm")],
)
def test_trust_grows_at_10_and_30_points(points, stage):
    assert stage_of(points) == stage


@pytest.mark.parametrize("points", [10, 20, 30])
def test_scale_is_unbiased_and_as_precise_as_its_stated_degrees_of_freedom(points):
    rng = np.random.default_rng(1)
    fitted = [fit_baseline(rng.normal(size=points)) for _ in range(2500)]
    scales = np.array([baseline.scale for baseline in fitted])
    assert np.mean(scales**2) == pytest.approx(1.0, abs=0.04)
    assert np.var([baseline.centre for baseline in fitted]) == pytest.approx(1 / points, rel=0.15)
    assert 1 / (2 * np.log(scales).var()) == pytest.approx(EFFICIENCY * (points - 1), rel=0.12)


def test_two_bad_acquisitions_in_twenty_hardly_move_the_baseline():
    rng = np.random.default_rng(2)
    clean, spoiled = [], []
    for _ in range(300):
        points = rng.normal(size=20)
        clean.append(fit_baseline(points).scale)
        points[[3, 11]] = 8.0
        spoiled.append(fit_baseline(points))
    assert np.mean([baseline.scale for baseline in spoiled]) < 1.35 * np.mean(clean)
    assert abs(np.mean([baseline.centre for baseline in spoiled])) < 0.3


@given(st.floats(-1e3, 1e3), st.floats(0.01, 100), st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_a_baseline_moves_and_stretches_with_its_points(shift, stretch, seed):
    points = np.random.default_rng(seed).normal(size=15)
    plain, moved = fit_baseline(points), fit_baseline(shift + stretch * points)
    assert moved.centre == pytest.approx(shift + stretch * plain.centre, abs=1e-3 * stretch)
    assert moved.scale == pytest.approx(stretch * plain.scale, rel=1e-3)


def test_autocorrelation_is_found_in_long_series_and_shrunk_in_short_ones():
    rng = np.random.default_rng(3)

    def series(length):
        noise = rng.normal(size=length)
        for index in range(1, length):
            noise[index] += 0.5 * noise[index - 1]
        return noise

    long = np.mean([shrunk_autocorrelation(series(400)) for _ in range(20)])
    short = np.mean([shrunk_autocorrelation(series(15)) for _ in range(300)])
    assert long == pytest.approx(0.45, abs=0.05)
    assert 0.05 < short < 0.25
    assert shrunk_autocorrelation(np.zeros(10), fleet=0.2) == 0.2


def test_autocorrelation_widens_limits_and_noise_does_not():
    assert Baseline(0, 1, 20, 0.2, 1.0).widening == pytest.approx(np.sqrt(1.2 / 0.8))
    assert Baseline(0, 1, 20, 0.09, 1.0).widening == 1.0
    assert Baseline(0, 1, 20, -0.4, 1.0).widening == 1.0


def test_a_trend_is_improbable_by_chance_and_noise_is_not():
    rng = np.random.default_rng(4)
    assert trend_probability(np.arange(20) * 0.2 + rng.normal(size=20)) < 0.05
    chance = [trend_probability(rng.normal(size=20)) < 0.05 for _ in range(2000)]
    assert np.mean(chance) == pytest.approx(0.05, abs=0.015)


def test_mann_kendall_of_a_strictly_rising_series_is_the_textbook_value():
    # n = 10: S = 45, variance 125, z = 44/√125 = 3.935, two-sided p = 8.3e-5
    assert trend_probability(np.arange(10.0)) == pytest.approx(8.3e-5, rel=0.01)


@pytest.mark.parametrize(
    ("points", "hint"),
    [([1.0, 2.0], "three times"), ([1.0, 2.0, np.nan], "invalid"), ([0.3] * 12, "same file")],
)
def test_points_that_make_no_baseline_are_refused_with_the_next_step(points, hint):
    with pytest.raises(BaselineError, match=hint):
        fit_baseline(points)


def test_the_input_is_not_changed():
    points = np.array([1.0, 2.0, 9.0, 1.5])
    fit_baseline(points)
    assert points.tolist() == [1.0, 2.0, 9.0, 1.5]


def test_a_figure_at_its_bound_makes_no_baseline():
    """Most scans have no saturated pixel: the scatter of the few that have some is no scale for the others."""
    points = np.array([0.0] * 7 + [0.001, 0.002, 0.0015] + [0.0] * 5)
    with pytest.raises(BaselineError, match="12 of 15 baseline points are equal"):
        fit_baseline(points)


def test_two_equal_points_are_no_bound():
    assert fit_baseline(np.array([1.0, 1.0, 1.1, 0.9])).points == 4
