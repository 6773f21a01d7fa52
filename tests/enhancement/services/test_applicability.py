"""An image like those a model learned from is restored, one unlike them is warned about or refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import OutOfDomainError
from enhancement.services.applicability import judge_applicability

ENVELOPE = {"mean": [20.0, 40.0], "noise": [2.0, 3.0]}


@given(st.floats(20, 40), st.floats(2, 3))
def test_an_image_inside_the_envelope_is_not_warned_about(mean, noise):
    assert judge_applicability({"mean": mean, "noise": noise}, ENVELOPE) == []


def test_a_span_is_counted_on_a_logarithmic_scale():
    span = math.log(2)
    just_inside, just_outside = 40 * math.exp(0.24 * span), 40 * math.exp(0.26 * span)
    assert judge_applicability({"mean": just_inside}, ENVELOPE) == []
    assert judge_applicability({"mean": just_outside}, ENVELOPE) == [
        f"Its mean, {just_outside:.4g}, lies outside of the training images' 20 to 40."
    ]
    assert len(judge_applicability({"mean": 20 * math.exp(-2.9 * span)}, ENVELOPE)) == 1


def test_an_image_far_outside_is_refused_with_the_attribute():
    with pytest.raises(OutOfDomainError, match="its noise is 100, theirs 2 to 3") as caught:
        judge_applicability({"mean": 30, "noise": 100}, ENVELOPE)
    assert caught.value.details["attribute"] == "noise"


def test_an_envelope_of_equal_images_is_widened_to_a_factor_of_one_and_a_quarter():
    assert judge_applicability({"mean": 10 * 1.25**0.24}, {"mean": [10, 10]}) == []
    assert judge_applicability({"mean": 10 * 1.25**0.5}, {"mean": [10, 10]}) != []


def test_what_was_not_measured_is_not_judged():
    assert judge_applicability({"glcm_entropy": 5}, ENVELOPE) == []
