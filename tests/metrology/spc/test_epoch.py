from __future__ import annotations

import numpy as np
import pytest

from metrology.spc.design import ChartDesign
from metrology.spc.epoch import chart_epoch


def test_the_first_scores_are_shown_against_the_first_baseline_but_not_watched():
    points = np.random.default_rng(0).normal(size=15)
    chart = chart_epoch(points, design=ChartDesign())
    assert np.isfinite(chart.z).all()
    assert np.isnan(chart.ewma[:10]).all()
    assert np.isfinite(chart.ewma[10:]).all()
    assert [part.watched for part in chart.in_force] == [False, True]


def test_a_baseline_just_completed_is_in_force_for_the_next_point():
    points = np.random.default_rng(1).normal(size=20)
    chart = chart_epoch(points, design=ChartDesign())
    assert (chart.in_force[-1].start, chart.in_force[-1].stop) == (20, 20)
    assert chart.in_force[-1].baseline.points == 20


def test_autocorrelated_points_get_wider_limits():
    rng = np.random.default_rng(2)
    points = rng.normal(size=60)
    for index in range(1, 60):
        points[index] += 0.7 * points[index - 1]
    design = ChartDesign(trend_probability=0.0)
    chart = chart_epoch(points, design=design)
    last = chart.in_force[-1].baseline
    assert last.widening > 1.1
    assert chart.ewma_limit[-1] == pytest.approx(design.ewma_chart(last.points).height * last.widening)
    assert chart.cusum_limit[-1] == pytest.approx(design.cusum_chart().limit * last.widening)


def test_other_baseline_sizes_can_be_chosen():
    points = np.random.default_rng(3).normal(size=40)
    chart = chart_epoch(points, design=ChartDesign(baseline_sizes=(15,)))
    assert [part.baseline.points for part in chart.in_force] == [15, 15]


@pytest.mark.parametrize("length", [0, 1, 2])
def test_too_few_points_have_no_baseline_and_a_reason(length):
    chart = chart_epoch(np.arange(float(length)), design=ChartDesign())
    assert chart.in_force == ()
    assert "three times" in chart.problem


def test_points_that_make_no_baseline_are_not_summed_up_either():
    points = np.zeros(40)
    points[::4] = 0.01
    chart = chart_epoch(points, design=ChartDesign())
    assert chart.in_force == ()
    assert "equal" in chart.problem
    assert not chart.cusum.any()
