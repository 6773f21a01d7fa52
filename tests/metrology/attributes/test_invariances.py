from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from common.errors import ConstantImageError, MissingMetadataError, RegistrationError
from metrology.attributes import comparison, glcm, intensity, noise, sharpness
from metrology.attributes.views import PairView, PlaneView

PLANES = arrays(np.uint16, st.tuples(st.integers(8, 24), st.integers(8, 24)), elements=st.integers(0, 1023)).filter(
    lambda plane: plane.min() < plane.max()
)
TEXTURES = (glcm.homogeneity, glcm.contrast, glcm.dissimilarity, glcm.energy, glcm.correlation, glcm.entropy)
EVERY = (*TEXTURES, intensity.mean, intensity.std, intensity.cv, sharpness.sharpness, sharpness.laplacian_variance)


def _view(plane: np.ndarray, bit_depth: int = 12) -> PlaneView:
    return PlaneView(plane, bit_depth=bit_depth)


@settings(max_examples=25, deadline=None)
@given(plane=PLANES)
def test_transposing_or_turning_a_plane_changes_no_direction_free_quantity(plane):
    for function in EVERY:
        expected = function(_view(plane)).value
        for turned in (plane.T, plane[::-1], np.rot90(plane)):
            assert function(_view(turned)).value == pytest.approx(expected, rel=1e-6, abs=1e-9), function.__name__


@settings(max_examples=25, deadline=None)
@given(plane=PLANES, factor=st.integers(2, 4))
def test_brighter_light_scales_mean_and_sharpness_and_leaves_cv_alone(plane, factor):
    brighter = plane * factor
    for function in (intensity.mean, intensity.std, sharpness.sharpness):
        assert function(_view(brighter)).value == pytest.approx(factor * function(_view(plane)).value, rel=1e-6)
    assert intensity.cv(_view(brighter)).value == pytest.approx(intensity.cv(_view(plane)).value, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(plane=PLANES, offset=st.integers(1, 500))
def test_an_offset_moves_the_mean_and_nothing_of_the_contrast(plane, offset):
    raised = plane + np.uint16(offset)
    view = _view(plane)
    assert intensity.mean(_view(raised)).value == pytest.approx(
        intensity.mean(view).value + offset * view.scale, rel=1e-9
    )
    for function in (intensity.std, sharpness.sharpness, sharpness.laplacian_variance, sharpness.brenner):
        assert function(_view(raised)).value == pytest.approx(function(view).value, rel=1e-6, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(plane=PLANES)
def test_texture_figures_stay_in_their_bounds(plane):
    view = _view(plane)
    assert 0 < glcm.homogeneity(view).value <= 1 + 1e-12
    assert 0 < glcm.energy(view).value <= 1 + 1e-12
    assert -1 - 1e-9 <= glcm.correlation(view).value <= 1 + 1e-9
    assert 0 <= glcm.entropy(view).value <= math.log(64 * 64)
    assert glcm.dissimilarity(view).value ** 2 <= glcm.contrast(view).value + 1e-12


def test_the_same_counts_in_8_and_16_bit_containers_measure_the_same():
    plane = np.random.default_rng(0).integers(0, 256, (40, 30)).astype(np.uint8)
    for function in (*EVERY, noise.noise, noise.snr, intensity.background):
        assert function(_view(plane, 8)).value == function(_view(plane.astype(np.uint16), 8)).value


def test_noise_is_found_within_3_percent_on_a_smooth_field():
    rng = np.random.default_rng(1)
    truth = 800 + 300 * np.sin(np.linspace(0, 6, 400))[:, np.newaxis] * np.ones(400)
    view = _view(np.rint(truth + rng.normal(0, 25, truth.shape)).astype(np.uint16))
    assert noise.noise(view).value / view.scale == pytest.approx(25, rel=0.03)


def test_background_and_snr_are_found_on_squares_of_known_height():
    rng = np.random.default_rng(2)
    truth = np.full((300, 300), 400.0)
    truth[50:110, 50:110] = truth[180:240, 150:210] = 2400
    view = _view(np.rint(truth + rng.normal(0, 20, truth.shape)).astype(np.uint16))
    assert intensity.background(view).value == pytest.approx(400, abs=5)
    assert noise.snr(view).value == pytest.approx(20 * math.log10(2000 / 20), abs=0.5)


def test_blur_lowers_every_focus_measure():
    sharp = np.random.default_rng(3).integers(500, 3000, (64, 64)).astype(np.float64)
    blurred = ndimage.gaussian_filter(sharp, 2)
    for function in (sharpness.sharpness, sharpness.laplacian_variance, sharpness.brenner):
        assert function(_view(blurred)).value < 0.5 * function(_view(sharp)).value


def test_no_attribute_changes_the_plane_it_measures(textured_pair):
    first, second = (image.copy() for image in textured_pair)
    view, pair = _view(first), PairView(first, second, bit_depth=12)
    for function in (*EVERY, noise.noise, noise.snr, intensity.background, sharpness.brenner):
        function(view)
    comparison.ssim(pair)
    comparison.msemg(pair)
    np.testing.assert_array_equal(first, textured_pair[0])
    np.testing.assert_array_equal(second, textured_pair[1])
    assert first.flags.writeable


@pytest.mark.parametrize("value", [0, 7])
def test_a_constant_plane_has_a_mean_but_no_contrast_figures(value):
    view = _view(np.full((16, 16), value, np.uint16), 8)
    assert intensity.mean(view).value == value
    assert intensity.std(view).value == 0
    for function in (*TEXTURES, sharpness.sharpness, noise.noise, noise.snr, intensity.background):
        with pytest.raises(ConstantImageError, match="no contrast"):
            function(view)


def test_a_black_plane_has_no_coefficient_of_variation():
    with pytest.raises(ConstantImageError, match="mean of the plane is zero"):
        intensity.cv(_view(np.zeros((16, 16), np.uint16)))


def test_a_plane_without_pixel_detail_has_no_noise_to_tell():
    plane = np.zeros((64, 64), np.uint16)
    plane[:, 40:] = 0
    plane[20, 20] = 1  # one pixel gives details; without it the plane would be constant
    assert noise.noise(_view(plane)).value > 0
    with pytest.raises(ConstantImageError, match="no contrast"):
        noise.noise(_view(np.zeros((64, 64), np.uint16)))


def test_identical_images_have_infinite_psnr_and_ssim_one(textured_pair):
    view = PairView(textured_pair[0], textured_pair[0], bit_depth=12)
    assert comparison.mse(view).value == comparison.msemg(view).value == 0
    assert comparison.psnr(view).value == math.inf
    assert comparison.ssim(view).value == pytest.approx(1, abs=1e-12)


def test_a_shifted_copy_is_compared_on_what_both_show(textured_pair):
    image = textured_pair[0]
    view = PairView(image[4:, 6:], image[:-4, :-6], bit_depth=12, pixel_size_um=0.1)
    assert comparison.mse(view).value == 0
    assert comparison.registration_shift(view).value == pytest.approx(0.1 * math.hypot(4, 6), rel=0.02)


def test_a_shift_without_pixel_size_is_refused(textured_pair):
    with pytest.raises(MissingMetadataError, match="micrometres"):
        comparison.registration_shift(PairView(*textured_pair, bit_depth=12))


def test_an_overlap_smaller_than_the_window_is_refused():
    small = np.random.default_rng(4).integers(0, 255, (10, 10)).astype(np.uint8)
    with pytest.raises(RegistrationError, match="11 × 11"):
        comparison.mse(PairView(small, small, bit_depth=8))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), sigma=st.floats(5, 60))
def test_gradient_error_stays_within_jensens_and_sobels_bounds(seed, sigma):
    """MSEMG ≥ (Δsharpness)², and by Sobel's gain MSEMG ≤ 64·MSE (up to the edges, which reflect)."""
    rng = np.random.default_rng(seed)
    field = 1000 + 4000 * ndimage.gaussian_filter(rng.normal(size=(64, 64)), 2)
    first, second = (
        np.clip(np.rint(field + rng.normal(0, sigma, field.shape)), 0, 4095).astype(np.uint16) for _ in "ab"
    )
    view = PairView(first, first, bit_depth=12)
    view.counts = tuple(PlaneView(image, bit_depth=12).counts for image in (first, second))
    change = sharpness.sharpness(_view(first)).value - sharpness.sharpness(_view(second)).value
    assert change**2 <= comparison.msemg(view).value * (1 + 1e-9)
    assert comparison.msemg(view).value <= 64 * comparison.mse(view).value
