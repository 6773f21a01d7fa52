from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrology.spc.transforms import Scale


@pytest.mark.parametrize("harmful", ["up", "down"])
@given(values=st.lists(st.floats(0.001, 0.999), min_size=2, max_size=20))
def test_backward_undoes_forward_on_every_scale(harmful, values):
    for transform in ("none", "log", "logit"):
        scale = Scale(transform, harmful)
        assert scale.backward(scale.forward(values)) == pytest.approx(np.array(values))


@pytest.mark.parametrize("transform", ["none", "log", "logit"])
def test_harm_points_up_on_the_chart_whatever_its_direction_in_measured_units(transform):
    rising = Scale(transform, "up").forward([0.2, 0.4])
    falling = Scale(transform, "down").forward([0.4, 0.2])
    assert rising[1] > rising[0]
    assert falling[1] > falling[0]


def test_values_that_a_scale_does_not_have_become_nan_and_the_rest_stays():
    assert np.isnan(Scale("log").forward([0.0, -1.0, 1.0])).tolist() == [True, True, False]
    assert np.isnan(Scale("logit").forward([-0.1, 1.1, 0.5])).tolist() == [True, True, False]


def test_a_perfect_similarity_of_one_stays_on_the_scale():
    assert np.isfinite(Scale("logit", "down").forward([1.0])).all()


def test_the_input_is_not_changed():
    values = np.array([0.0, 0.5])
    Scale("log").forward(values)
    assert values.tolist() == [0.0, 0.5]
