"""Golden numbers: independently computed by integral equation (relative tolerance 0.5 %), most of them also printed in
Champ & Woodall 1987, Lucas & Saccucci 1990, Lucas & Crosier 1982, Gan 1991 and 1992, Aerne et al. 1991."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InputError
from metrology.spc.run_length import (
    CusumChart,
    EwmaChart,
    arl,
    limit_for_arl,
    shewhart_arl,
    survival,
    two_sided_cusum_arl,
)

GOLDEN = {"rel": 0.005}


def first(points, endless):
    return np.array(list(islice(endless, points)))


@pytest.mark.parametrize(
    ("shift", "expected"),
    [(0, 370.3983), (0.2, 308.4261), (0.5, 155.2242), (1, 43.89), (2, 6.303), (3, 2.000)],
)
def test_shewhart_runs_as_long_as_champ_and_woodall_say(shift, expected):
    assert shewhart_arl(3.0, shift=shift) == pytest.approx(expected, **GOLDEN)


@pytest.mark.parametrize(
    ("lambda_", "limit", "shift", "expected"),
    [
        (0.1, 2.7015, 0, 370.4), (0.1, 2.7015, 0.25, 89.2896), (0.1, 2.7015, 0.5, 28.2278), (0.1, 2.7015, 1, 9.7375),
        (0.1, 2.7015, 3, 2.7606), (0.1, 2.814, 0, 499.5796), (0.2, 2.962, 0.5, 41.7644), (0.4, 3.054, 1, 14.3),
        (0.5, 3.071, 0, 499.906), (0.5, 3.071, 0.5, 88.7954), (0.25, 3.0, 1, 11.154267016),
    ],
)  # fmt: skip
def test_two_sided_ewma_runs_as_long_as_lucas_and_saccucci_say(lambda_, limit, shift, expected):
    tolerance = GOLDEN if expected != 14.3 else {"rel": 0.01}  # printed to three digits only
    assert arl(EwmaChart(limit, lambda_, two_sided=True), shift=shift) == pytest.approx(expected, **tolerance)


@pytest.mark.parametrize(
    ("limit", "shift", "expected"),
    [(4, 0, 167.6838), (4, 0.5, 26.6302), (4, 1, 8.3831), (5, 0, 465.4435), (5, 1, 10.376), (5, 2, 4.0089)],
)
def test_two_sided_cusum_runs_as_long_as_lucas_and_crosier_say(limit, shift, expected):
    assert two_sided_cusum_arl(CusumChart(limit, 0.5), shift=shift) == pytest.approx(expected, **GOLDEN)


@pytest.mark.parametrize(("reference", "expected"), [(0.25, 8.0103), (0.5, 4.7749)])
def test_cusum_limit_for_370_points_is_that_of_hawkins(reference, expected):
    one_side = limit_for_arl(CusumChart(0.0, reference), 740.0)
    assert one_side == pytest.approx(expected, **GOLDEN)


@pytest.mark.parametrize(
    ("lambda_", "wanted", "expected"), [(0.1, 370.4, 2.7015), (0.2, 370.4, 2.8593), (0.1, 500, 2.814)]
)
def test_ewma_limit_for_a_wanted_run_length_is_the_published_one(lambda_, wanted, expected):
    assert limit_for_arl(EwmaChart(0.0, lambda_, two_sided=True), wanted) == pytest.approx(expected, **GOLDEN)


@pytest.mark.parametrize(("slope", "expected"), [(0.01, 61.2908), (0.05, 21.794), (0.1, 14.2064)])
def test_ewma_sees_a_drift_when_gan_says(slope, expected):
    chart = EwmaChart(1.111 / np.sqrt(0.242 / 1.758), 0.242, two_sided=True)
    alive = first(400, survival(chart, means=-slope, slope=slope))  # Gan's first observation has not drifted yet
    assert 1 + alive.sum() == pytest.approx(expected, **GOLDEN)


@pytest.mark.parametrize(("slope", "expected"), [(0.02, 35.2006), (0.05, 21.4433), (0.1, 14.9906)])
def test_cusum_sees_a_drift_when_gan_says(slope, expected):
    alive = first(400, survival(CusumChart(8.0, 0.25), means=-slope, slope=slope))
    assert 1 + alive.sum() == pytest.approx(expected, **GOLDEN)


def test_a_fleet_chart_of_ARL0_370_sees_a_slow_drift_in_18_points_where_shewhart_needs_31():  # noqa: N802 (ARL0 is a name)
    chart = EwmaChart(limit_for_arl(EwmaChart(0.0, 0.1, clip=2.5), 370.4), 0.1, clip=2.5)
    delay = int(np.argmax(first(100, survival(chart, slope=0.05))[:, 0] < 0.5)) + 1
    assert delay <= 18
    shewhart = first(100, survival(EwmaChart(3.0, 1.0, two_sided=True), slope=0.05, cells=3))[:, 0]
    assert int(np.argmax(shewhart < 0.5)) + 1 == 31


def test_clipping_at_two_and_a_half_sigma_hardly_changes_the_run_length():
    plain = arl(EwmaChart(2.7, 0.1))
    assert arl(EwmaChart(2.7, 0.1, clip=2.5)) == pytest.approx(plain, rel=0.25)
    assert arl(EwmaChart(2.7, 0.1, clip=2.5)) > plain


@given(st.floats(1.0, 4.0), st.floats(0.05, 0.5))
@settings(max_examples=20, deadline=None)
def test_a_wider_limit_and_a_smaller_shift_run_longer(limit, lambda_):
    chart = EwmaChart(limit, lambda_)
    assert arl(EwmaChart(limit + 0.2, lambda_), cells=81) > arl(chart, cells=81)
    assert arl(chart, shift=0.5, cells=81) < arl(chart, cells=81)


def test_survival_falls_and_sums_to_the_average_run_length():
    chart = EwmaChart(2.0, 0.2, two_sided=True)
    alive = first(3000, survival(chart))[:, 0]
    assert np.all(np.diff(alive) <= 0)
    assert 1 + alive.sum() == pytest.approx(arl(chart), rel=1e-3)


def test_a_run_length_below_one_point_is_refused():
    with pytest.raises(InputError, match="above 1"):
        limit_for_arl(EwmaChart(0.0), 0.5)
