from __future__ import annotations

import numpy as np
import pytest

from common.errors import InputError
from metrology.attributes.quantity import Quantity
from metrology.attributes.verdict import judge


@pytest.mark.parametrize(
    ("value", "uncertainty", "verdict"),
    [
        (1.0, 0.1, "within"),
        (1.45, 0.1, "cannot tell"),
        (1.55, 0.1, "cannot tell"),
        (2.0, 0.1, "beyond"),
        (1.0, 5.0, "cannot tell"),
        (1.49, None, "within"),
        (1.5, None, "within"),
        (1.51, None, "beyond"),
    ],
)
def test_a_value_is_judged_by_its_uncertainty(value, uncertainty, verdict):
    assert judge(Quantity(value, uncertainty), high=1.5).verdict == verdict


def test_the_guard_band_is_1645_standard_errors_for_one_error_in_twenty():
    judged = judge(Quantity(1.0, 0.1), high=1.5)
    assert judged.guard_band == pytest.approx(0.1644854)
    assert judged.error_probability == 0.05


def test_both_limits_count():
    assert judge(Quantity(5.0, 0.1), low=4, high=6).verdict == "within"
    assert judge(Quantity(3.0, 0.1), low=4, high=6).verdict == "beyond"
    assert judge(Quantity(5.0, 1.0), low=4, high=6).verdict == "cannot tell"


@pytest.mark.parametrize("error_probability", [0.01, 0.05, 0.2])
def test_wrong_verdicts_at_the_limit_are_as_rare_as_promised(error_probability):
    draws = np.random.default_rng(0).normal(1.5, 0.1, 4000)
    verdicts = [judge(Quantity(v, 0.1), high=1.5, error_probability=error_probability).verdict for v in draws]
    for wrong in ("within", "beyond"):
        share = verdicts.count(wrong) / len(verdicts)
        assert share == pytest.approx(error_probability, abs=4 * np.sqrt(error_probability / len(verdicts)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "no limit"),
        ({"low": 2, "high": 1}, "not below"),
        ({"high": 1, "error_probability": 0.5}, "between 0 and 0.5"),
        ({"high": 1, "error_probability": 0.0}, "between 0 and 0.5"),
    ],
)
def test_impossible_questions_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        judge(Quantity(1.0), **options)
