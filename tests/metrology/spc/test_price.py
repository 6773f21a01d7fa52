from __future__ import annotations

import numpy as np
import pytest

from metrology.spc.design import ChartDesign
from metrology.spc.price import price_of_watching


def price(gap_day, **options):
    return price_of_watching(
        gap_day * np.arange(30.0), design=ChartDesign(), baseline_points=20, two_sided=False, **options
    )


def test_weekly_scans_cost_one_false_flag_in_a_hundred_years():
    weekly = price(7.0)
    assert weekly.points_a_year == pytest.approx(52.2, abs=0.1)
    assert weekly.false_flags_a_year == pytest.approx(0.01, rel=0.01)
    assert weekly.repeats_a_year == pytest.approx(52.2 * 4.65e-4, rel=0.01)
    assert 20 < weekly.delay_weeks < 36
    assert "100 years" in weekly.sentence
    assert f"{weekly.delay_weeks:.0f} weeks" in weekly.sentence


def test_monthly_scans_raise_fewer_false_flags_and_see_later():
    assert price(30.0).false_flags_a_year < price(7.0).false_flags_a_year / 4
    assert price(30.0).delay_weeks > price(7.0).delay_weeks


def test_a_missed_week_does_not_change_the_price():
    times = np.delete(7.0 * np.arange(31.0), 11)
    irregular = price_of_watching(times, design=ChartDesign(), baseline_points=20, two_sided=False)
    assert irregular == price(7.0)


def test_a_single_date_is_priced_as_weekly():
    single = price_of_watching([0.0], design=ChartDesign(), baseline_points=20, two_sided=False)
    assert single == price(7.0)
