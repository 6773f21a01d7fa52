"""Golden numbers: independent Monte Carlo of charts with estimated parameters (2·10⁴ baselines and more)."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from scipy.special import gammaln

from common.errors import BaselineError
from metrology.spc.baseline import fit_baseline
from metrology.spc.estimated import (
    limit_for_probability,
    median_delay,
    robust_degrees_of_freedom,
    shewhart_multiplier,
    signal_probability,
    worlds,
)
from metrology.spc.ewma import one_sided_ewma
from metrology.spc.run_length import CusumChart, EwmaChart


def nth(endless, point):
    return next(islice(endless, point - 1, None))


SHAPE = EwmaChart(0.0, 0.1, clip=2.5)


@pytest.mark.parametrize(
    ("points", "expected"), [(10, 4.294), (15, 3.755), (20, 3.532), (30, 3.335), (50, 3.192), (300, 3.03)]
)
def test_the_corrected_multiplier_of_three_sigma_is_the_tabulated_one(points, expected):
    assert shewhart_multiplier(points) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(("points", "expected"), [(5, 0.421), (10, 0.333), (20, 0.255), (30, 0.220), (50, 0.186)])
def test_uncorrected_three_sigma_limits_raise_the_known_excess_of_false_alarms(points, expected):
    c4 = np.sqrt(2 / (points - 1)) * np.exp(gammaln(points / 2) - gammaln((points - 1) / 2))
    chart = EwmaChart(3.0 / c4, 1.0, two_sided=True)
    found = nth(signal_probability(chart, baseline_points=points, degrees_of_freedom=points - 1.0), 52)
    assert found == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("points", "expected"), [(10, 4.317), (20, 3.538), (30, 3.265), (50, 3.046)])
def test_the_ewma_limit_for_a_nominal_131_in_1000_is_that_of_monte_carlo(points, expected):
    shape = EwmaChart(0.0, 0.1, two_sided=True)
    found = limit_for_probability(shape, 0.131, 52, points, points - 1.0)
    assert found == pytest.approx(expected, rel=0.015)


def test_a_huge_baseline_is_as_good_as_known_parameters():
    known = limit_for_probability(SHAPE, 0.05, 52)
    assert limit_for_probability(SHAPE, 0.05, 52, 100_000) == pytest.approx(known, rel=0.01)


def test_smaller_baselines_need_wider_limits_and_detect_later():
    limits = [limit_for_probability(SHAPE, 0.05, 52, points) for points in (10, 20, 30, 50)]
    assert limits == sorted(limits, reverse=True)
    delays = [
        median_delay(EwmaChart(limit, 0.1, clip=2.5), 0.05, points)
        for limit, points in zip(limits, (10, 20, 30, 50), strict=True)
    ]
    assert delays == sorted(delays, reverse=True)


def test_from_20_points_and_13_percent_a_slow_drift_is_seen_within_22_points():
    chart = EwmaChart(limit_for_probability(SHAPE, 0.13, 52, 20), 0.1, clip=2.5)
    assert median_delay(chart, 0.05, 20) <= 22


def test_a_drift_that_is_never_seen_has_no_delay():
    chart = EwmaChart(limit_for_probability(SHAPE, 0.01, 52), 0.1, clip=2.5)
    assert median_delay(chart, 1e-5, longest=50) is None


def test_the_limit_gives_the_wanted_probability_back():
    for chart in (SHAPE, CusumChart(0.0, 0.25, 2.5)):
        limit = limit_for_probability(chart, 0.02, 52)
        found = nth(signal_probability(type(chart)(limit, *_rest(chart))), 52)
        assert found == pytest.approx(0.02, rel=0.02)


def _rest(chart):
    return (
        (chart.lambda_, chart.two_sided, chart.clip) if isinstance(chart, EwmaChart) else (chart.reference, chart.clip)
    )


@pytest.mark.parametrize("points", [10, 20])
def test_the_stated_false_alarm_probability_is_right_within_20_percent_with_the_real_robust_baseline(points):
    stated, runs = 0.13, 3000
    height = EwmaChart(limit_for_probability(SHAPE, stated, 52, points), 0.1).height
    rng = np.random.default_rng(11)
    false = 0
    for _ in range(runs):
        baseline = fit_baseline(rng.normal(size=points))
        scores = (rng.normal(size=52) - baseline.centre) / baseline.scale
        false += one_sided_ewma(scores, clip=2.5).max() > height * baseline.widening
    assert false / runs == pytest.approx(stated, rel=0.2)


def test_from_20_points_and_13_percent_a_step_of_one_sigma_is_seen_within_12_points():
    height = EwmaChart(limit_for_probability(SHAPE, 0.13, 52, 20), 0.1).height
    rng = np.random.default_rng(12)
    delays = []
    for _ in range(1500):
        baseline = fit_baseline(rng.normal(size=20))
        average = one_sided_ewma((1 + rng.normal(size=300) - baseline.centre) / baseline.scale, clip=2.5)
        beyond = average > height * baseline.widening
        delays.append(int(beyond.argmax()) + 1 if beyond.any() else 999)
    assert np.median(delays) <= 12


def test_with_3_percent_outliers_a_slow_drift_is_seen_within_24_points():
    """Threshold set so that 10 % of series in control signal within 150 points, outliers included; σ known."""
    rng = np.random.default_rng(13)

    def series(length, slope):
        scores = rng.normal(size=length) + slope * np.arange(1, length + 1)
        wild = rng.random(length) < 0.03
        return scores + wild * rng.choice([-6.0, 6.0], size=length)

    height = np.quantile([one_sided_ewma(series(150, 0.0), clip=2.5).max() for _ in range(3000)], 0.9)
    delays = [int((one_sided_ewma(series(150, 0.05), clip=2.5) > height).argmax()) + 1 for _ in range(1500)]
    assert np.median(delays) <= 24


def test_the_worlds_have_probability_one_and_the_right_spread():
    grid = worlds(20, 13.5)
    assert grid.weights.sum() == pytest.approx(1.0)
    centre = -grid.means / grid.sd
    assert (grid.weights * centre**2).sum() == pytest.approx(1 / 20, rel=0.02)
    assert (grid.weights / grid.sd**2).sum() == pytest.approx(1.0, rel=0.02)


def test_two_points_are_no_baseline():
    with pytest.raises(BaselineError, match="three times"):
        robust_degrees_of_freedom(2)
