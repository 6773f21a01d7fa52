from __future__ import annotations

import numpy as np
import pytest

from common.errors import InputError
from metrology.spc.tolerance import margins_beyond, surely_beyond


def test_values_beyond_a_limit_are_those_on_its_harmful_side():
    values = [1.0, 2.0, 3.0, np.nan]
    for options, expected in (
        ({"limit": 2.0, "harmful": "up"}, [-1.0, 0.0, 1.0, np.nan]),
        ({"limit": 2.0, "harmful": "down"}, [1.0, 0.0, -1.0, np.nan]),
        ({"limit": 0.5, "harmful": "both", "target": 2.0}, [0.5, -0.5, 0.5, np.nan]),
    ):
        assert margins_beyond(values, **options).tolist() == pytest.approx(expected, nan_ok=True)


def test_no_limit_is_never_passed():
    assert margins_beyond([1e9], None, harmful="up").tolist() == [-np.inf]


def test_a_limit_on_both_sides_needs_a_target():
    with pytest.raises(InputError, match="target"):
        margins_beyond([1.0], 0.5, harmful="both")


def test_one_value_is_surely_beyond_by_more_than_its_guard_and_an_exact_one_by_anything():
    assert surely_beyond([0.9, -1.0, 1.1, -1.0, 1e-9, -1.0, 0.0], [1, 1, 1, 1, 0, 1, 0]).tolist() == [
        False, False, True, False, True, False, False,
    ]  # fmt: skip


def test_values_in_a_row_beyond_the_limit_add_up_until_one_is_within_it():
    margins, guards = [0.6, 0.6, 0.6, -0.1, 0.6, 0.6], [1.0] * 6
    assert surely_beyond(margins, guards).tolist() == [False, False, True, False, False, False]
    assert not surely_beyond(margins, guards, starts=(0, 2)).any()


def test_a_point_that_is_left_out_does_not_end_a_row():
    assert surely_beyond([0.6, 0.6, np.nan, 0.6], [1.0] * 4).tolist() == [False, False, False, True]


def test_every_point_has_its_guard():
    with pytest.raises(InputError, match="guard"):
        surely_beyond([1.0, 2.0], [0.1])


@pytest.mark.parametrize(("inside_u", "largest"), [(0.0, 0.12), (0.5, 0.03), (2.0, 0.0005)])
def test_a_true_value_within_its_limit_is_seldom_called_beyond(inside_u, largest):
    margins = np.random.default_rng(7).normal(-inside_u, 1.0, (400, 50))
    sure = np.array([surely_beyond(one, [1.645] * 50) for one in margins])
    assert sure.mean() < largest
    assert not (sure & (margins <= 0)).any()
