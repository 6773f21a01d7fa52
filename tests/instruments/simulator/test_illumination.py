"""The lit field is the profile that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from common.errors import InputError
from instruments.simulator.illumination import Illumination, illumination_profile


def test_half_the_light_is_left_half_a_width_from_the_centre():
    profile = illumination_profile(Illumination(width_fields=0.5), shape=(101, 201))
    assert profile[50, 100] == 1.0
    assert profile[50, 50] == pytest.approx(0.5)
    assert profile[25, 100] == pytest.approx(0.5)
    assert profile[25, 50] == pytest.approx(0.25)


def test_the_brightest_pixel_is_where_the_centre_was_put():
    shifted = Illumination(width_fields=1.0, centre_y_fields=0.2, centre_x_fields=-0.3)
    profile = illumination_profile(shifted, shape=(101, 101))
    assert np.unravel_index(profile.argmax(), profile.shape) == (70, 20)


def test_tilt_is_the_relative_change_across_the_field():
    profile = illumination_profile(Illumination(width_fields=1e6, tilt_x=0.3), shape=(11, 21))
    np.testing.assert_allclose(profile[:, -1] - profile[:, 0], 0.3)
    np.testing.assert_allclose(profile.mean(), 1.0)


@pytest.mark.parametrize("figures", [{"width_fields": 0.0}, {"width_fields": -1.0}, {"tilt_x": 1.5, "tilt_y": -0.6}])
def test_impossible_profiles_are_refused(figures):
    with pytest.raises(InputError, match="illumination"):
        Illumination(**figures)
