"""Scan misadjustments are put into the image exactly as stated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from common.errors import AxesError, InputError
from instruments.simulator.scanner import Scanner, interpolate_skipped_lines, shift_return_lines


@pytest.fixture(scope="module")
def texture():
    noise = np.random.default_rng(5).normal(size=(128, 256))
    return 50.0 + ndimage.gaussian_filter(noise, (6.0, 2.0)) * 100.0


def measured_shift_px(image):
    """Lag at which odd lines correlate best with the mean of their neighbours: parabola through the log of the peak."""
    even = (image[:-2:2] + image[2::2]) / 2.0
    odd = image[1:-1:2]
    lags = np.arange(-8, 9)
    correlation = np.array(
        [np.corrcoef(odd[:, 20:-20].ravel(), even[:, 20 - lag : -20 - lag].ravel())[0, 1] for lag in lags]
    )
    peak = int(correlation.argmax())
    before, at, after = np.log(correlation[peak - 1 : peak + 2])
    return lags[peak] + 0.5 * (before - after) / (before - 2.0 * at + after)


@pytest.mark.parametrize("shift_px", [-3.0, -0.6, 0.0, 0.35, 1.4, 5.0])
def test_the_shift_is_recovered_from_odd_against_even_lines(texture, shift_px):
    assert measured_shift_px(shift_return_lines(texture, shift_px=shift_px)) == pytest.approx(shift_px, abs=0.05)


def test_only_return_lines_move(texture):
    shifted = shift_return_lines(texture, shift_px=2.0)
    np.testing.assert_array_equal(shifted[::2], texture[::2])
    np.testing.assert_allclose(shifted[1::2, 10:], texture[1::2, 8:-2], atol=1e-6)


def test_each_plane_of_a_stack_is_treated_alike_and_the_input_kept(texture):
    stack = np.stack([texture, texture[::-1]])
    before = stack.copy()
    shifted = shift_return_lines(stack, shift_px=0.7)
    np.testing.assert_allclose(shifted[0], shift_return_lines(stack[0], shift_px=0.7))
    skipped = interpolate_skipped_lines(stack, line_step=4)
    np.testing.assert_allclose(skipped[1], interpolate_skipped_lines(stack[1], line_step=4))
    np.testing.assert_array_equal(stack, before)


@settings(deadline=None)
@given(st.floats(-5.0, 5.0), st.floats(0.0, 4000.0), st.integers(1, 9))
def test_an_even_field_shows_no_misadjustment(shift_px, level, line_step):
    even = np.full((16, 24), level)
    np.testing.assert_allclose(shift_return_lines(even, shift_px=shift_px), level, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(interpolate_skipped_lines(even, line_step=line_step), level, rtol=1e-9, atol=1e-9)


def test_light_does_not_become_negative_beside_a_sharp_edge():
    edge = np.zeros((8, 32))
    edge[:, 16:] = 100.0
    assert shift_return_lines(edge, shift_px=0.5).min() >= 0.0


@pytest.mark.parametrize("line_step", [2, 3, 4])
def test_scanned_lines_stay_and_the_others_lie_on_the_line_between(line_step):
    counts = np.random.default_rng(0).integers(0, 4096, (13, 20)).astype(np.uint16)
    image = interpolate_skipped_lines(counts, line_step=line_step)
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image[::line_step], counts[::line_step])
    expected = (counts[0] * (line_step - 1.0) + counts[line_step]) / line_step
    np.testing.assert_allclose(image[1], expected, atol=0.5)


def test_a_line_step_of_one_changes_nothing(texture):
    np.testing.assert_array_equal(interpolate_skipped_lines(texture, line_step=1), texture)


def test_a_line_step_of_two_halves_the_noise_power_of_the_skipped_lines():
    noise = np.random.default_rng(1).normal(size=(400, 400))
    image = interpolate_skipped_lines(noise, line_step=2)
    assert image[1:-1:2].var() == pytest.approx(0.5, rel=0.03)


def test_a_line_step_below_one_and_a_single_line_are_refused():
    with pytest.raises(InputError, match="line step"):
        Scanner(line_step=0)
    with pytest.raises(AxesError):
        shift_return_lines(np.ones(5), shift_px=1.0)
    with pytest.raises(AxesError):
        interpolate_skipped_lines(np.ones(5), line_step=2)
