from __future__ import annotations

import numpy as np
import pytest

from common.errors import BaselineError
from metrology.spc.shewhart import D2, D3, D4, individuals_chart

# NIST/SEMATECH e-Handbook, section 6.3.2.2
FLOW_RATES = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]


def test_limits_of_the_nist_series_are_the_printed_ones():
    chart = individuals_chart(FLOW_RATES)
    assert chart.centre == pytest.approx(50.81)
    assert chart.mean_moving_range == pytest.approx(1.8778, abs=1e-4)
    assert (chart.lower, chart.upper) == pytest.approx((45.8159, 55.8041), abs=2e-3)
    assert chart.moving_range_upper == pytest.approx(3.267 * 1.8778, abs=1e-3)


def test_the_constants_are_those_of_the_range_of_two_normal_points():
    assert pytest.approx(2 / np.sqrt(np.pi), abs=1e-5) == D2
    assert pytest.approx(np.sqrt(2 - 4 / np.pi), abs=1e-4) == D3
    assert pytest.approx(1 + 3 * D3 / D2, abs=1e-3) == D4


def test_one_point_has_no_moving_range():
    with pytest.raises(BaselineError, match="twice"):
        individuals_chart([1.0])
