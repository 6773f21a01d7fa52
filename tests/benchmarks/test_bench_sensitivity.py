"""What the sensitivity tables are made of."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.bench_sensitivity import Response, least_seen, most_specific
from benchmarks.degradations import DEGRADATIONS, SAMPLES, image

AMOUNTS = (0.0, 1.0, 2.0, 4.0)


def test_the_least_harm_is_interpolated_to_two_standard_deviations():
    assert least_seen(AMOUNTS, (10.0, 10.5, 12.0, 15.0), 0.5) == pytest.approx(1 + 0.5 / 1.5)


def test_harm_that_a_larger_amount_hides_again_is_not_seen():
    assert least_seen(AMOUNTS, (10.0, 13.0, 10.1, 10.0), 0.5) is None


def test_an_attribute_that_fails_under_more_harm_still_sees_less_of_it():
    assert least_seen(AMOUNTS, (10.0, 10.0, 12.0, math.nan), 0.5) == pytest.approx(1.5)
    assert least_seen(AMOUNTS, (10.0, math.nan, math.nan, math.nan), 0.5) is None


def test_without_scatter_the_first_amount_that_moves_the_attribute_counts():
    assert least_seen(AMOUNTS, (0.0, 0.0, 0.1, 0.2), 0.0) == 2.0
    assert least_seen(AMOUNTS, (0.0, 0.0, 0.0, 0.0), 0.0) is None


def test_the_attribute_that_sees_fewest_other_harms_tells_best():
    def seen(harm: str, attribute: str, smallest: float | None) -> Response:
        return Response("slide (simulated)", harm, "%", attribute, AMOUNTS, AMOUNTS, 1.0, smallest)

    found = [seen("tilt", "mean", 0.1), seen("blur", "mean", 0.2), seen("tilt", "tilt_per_mm", 0.5)]
    found.append(seen("blur", "tilt_per_mm", None))
    assert most_specific(found, "tilt") == "`tilt_per_mm` 0.5 (slide)"
    assert most_specific(found, "shading") == "–"


@pytest.mark.parametrize("harm", [one for one in DEGRADATIONS if one.applies_to(SAMPLES[2])], ids=lambda one: one.name)
def test_the_same_seed_gives_the_same_counts_and_harm_changes_them(harm):
    sample = SAMPLES[2]
    clean = image(sample, harm.name, harm.amounts[0], seed=(1,)).plane()
    np.testing.assert_array_equal(clean, image(sample, "none", 0, seed=(1,)).plane())
    harmed = image(sample, harm.name, harm.amounts[-1], seed=(1,)).plane()
    np.testing.assert_array_equal(harmed, image(sample, harm.name, harm.amounts[-1], seed=(1,)).plane())
    assert np.mean(harmed != clean) > 0.05 or harm.name == "saturation"
