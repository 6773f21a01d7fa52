from __future__ import annotations

from itertools import islice

import pytest

from common.errors import InputError
from metrology.spc.design import POINTS_A_YEAR, ChartDesign
from metrology.spc.estimated import signal_probability


def nth(endless, point):
    return next(islice(endless, point - 1, None))


def test_a_fleet_of_1000_weekly_series_has_at_most_one_false_flag_a_month_by_design():
    assert 1000 * ChartDesign().false_alarm_probability / 12 <= 1.0
    assert 100 * ChartDesign().false_alarm_probability <= 1.0


@pytest.mark.parametrize("points", [10, 20, 30])
def test_ewma_and_cusum_share_the_promised_probability(points):
    design = ChartDesign()
    ewma = nth(signal_probability(design.ewma_chart(points), baseline_points=points), POINTS_A_YEAR)
    cusum = nth(signal_probability(design.cusum_chart()), POINTS_A_YEAR)
    assert ewma + cusum == pytest.approx(design.false_alarm_probability, rel=0.05)


def test_two_sided_limits_are_wider():
    design = ChartDesign()
    assert design.cusum_chart(two_sided=True).limit > design.cusum_chart().limit
    assert design.ewma_chart(20, two_sided=True).limit > design.ewma_chart(20).limit


def test_the_repeat_channel_is_stricter_than_shewhart():
    assert ChartDesign().multiplier(20, sigma=3.5) > ChartDesign().multiplier(20, sigma=3.0) > 3.0


@pytest.mark.parametrize(
    "choice",
    [{"baseline_sizes": ()}, {"baseline_sizes": (5, 20)}, {"baseline_sizes": (20, 10)}, {"false_alarm_probability": 0.0},
     {"lambda_": 1.5}],
)  # fmt: skip
def test_a_design_that_cannot_work_is_refused(choice):
    with pytest.raises(InputError):
        ChartDesign(**choice)
