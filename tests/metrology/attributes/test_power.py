from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from common.errors import FitError, InputError
from metrology.attributes import power


def test_power_is_the_mean_with_its_standard_error():
    readings = np.array([1.0, 1.1, 0.9, 1.2])
    found = power.laser_power(readings)
    assert (found.value, found.n) == (pytest.approx(1.05), 4)
    assert found.uncertainty == pytest.approx(stats.sem(readings))
    assert power.laser_power(np.array([2.0])).uncertainty is None


def test_stability_is_set_by_the_extremes():
    assert power.power_stability(np.array([9.0, 10.0, 11.0])).value == pytest.approx(1 - 2 / 20)
    assert power.power_stability(np.full(5, 3.0)).value == 1


def test_linearity_equals_scipys_r_squared():
    setting = np.array([1, 5, 10, 25, 50, 75, 100.0])
    readings = 0.1 * setting + 0.02 * setting**1.2
    found = power.power_linearity(setting, readings)
    assert found.value == pytest.approx(stats.linregress(setting, readings).rvalue ** 2, rel=1e-12)
    assert power.power_linearity(setting, 2 * setting + 1).value == pytest.approx(1)


def test_the_error_of_linearity_is_the_scatter_of_repeats():
    rng = np.random.default_rng(0)
    setting = np.linspace(1, 100, 20)
    found = [power.power_linearity(setting, 10 + setting + rng.normal(0, 3, 20)) for _ in range(300)]
    scatter = np.std([one.value for one in found], ddof=1)
    assert 0.6 < np.mean([one.uncertainty for one in found]) / scatter < 1.8


@pytest.mark.parametrize("bad", [[], [-1.0, 2.0, 3.0], [1.0, np.nan, 2.0], [[1.0, 2.0], [3.0, 4.0]]])
def test_readings_that_no_meter_shows_are_refused(bad):
    readings = np.array(bad)
    for function in (power.laser_power, power.power_stability, lambda values: power.power_linearity(values, values)):
        with pytest.raises(InputError):
            function(readings)


def test_dark_or_equal_readings_are_refused():
    with pytest.raises(FitError, match="zero"):
        power.power_stability(np.zeros(3))
    with pytest.raises(FitError, match="one setting"):
        power.power_linearity(np.full(4, 10.0), np.arange(4.0))
    with pytest.raises(InputError, match="settings"):
        power.power_linearity(np.arange(4.0), np.arange(5.0))
