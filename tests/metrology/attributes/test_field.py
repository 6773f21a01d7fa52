from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from common.errors import ConstantImageError, FitError
from metrology.attributes import field, intensity
from metrology.attributes.views import PlaneView
from metrology.imaging.readers import read


def _lit(centre_y: float, centre_x: float, size: int = 200) -> PlaneView:
    """Return a field lit by a wide Gaussian spot."""
    y, x = np.mgrid[:size, :size]
    return PlaneView(3000 * np.exp(-((y - centre_y) ** 2 + (x - centre_x) ** 2) / (2 * 150**2)), bit_depth=12)


# Goldens: figures of MetroloJ_QC's definitions on this file, computed independently
@pytest.mark.real_data
def test_the_real_homogeneous_slide_has_metrolojs_figures(real_data):
    stack = read(real_data / "field" / "lsm_homogeneous_488.tif")
    view = PlaneView(stack.plane(), bit_depth=stack.bit_depth)
    assert field.uniformity(view).value == pytest.approx(69.33, abs=0.005)
    assert field.field_uniformity(view).value == pytest.approx(93.88, abs=0.005)
    assert field.centring(view).value == pytest.approx(80.88, abs=0.005)
    assert intensity.cv(view).value == pytest.approx(0.04912, abs=5e-6)


def test_an_even_field_is_uniform_and_centred():
    view = PlaneView(np.full((100, 120), 50, np.uint8), bit_depth=8)
    for function in (field.uniformity, field.uniformity_robust, field.field_uniformity):
        assert function(view).value == pytest.approx(100)
    assert field.centring(view).value == pytest.approx(100, abs=1)
    assert field.corner_ratio(view).value == pytest.approx(1)


def test_centring_falls_as_the_light_moves_from_the_centre():
    values = [field.centring(_lit(100, x)).value for x in (100, 130, 160)]
    assert values[0] == pytest.approx(100, abs=0.5)
    assert values[1] == pytest.approx(100 - 200 * 30 / np.hypot(200, 200), abs=1.5)
    assert values[0] > values[1] > values[2]


def test_one_hot_pixel_decides_uniformity_but_not_the_robust_one():
    plane = np.full((200, 200), 1000, np.uint16)
    plane[77, 31] = 4000
    view = PlaneView(plane, bit_depth=12)
    assert field.uniformity(view).value == 25
    assert field.uniformity_robust(view).value > 90


def test_corner_ratio_is_the_fall_off_of_the_light():
    y, x = np.mgrid[:200, :200]
    plane = 2000 - 800 * ((y - 99.5) ** 2 + (x - 99.5) ** 2) / (2 * 90**2)
    assert field.corner_ratio(PlaneView(plane, bit_depth=12)).value == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize(
    "function", [field.uniformity, field.uniformity_robust, field.field_uniformity, field.centring, field.corner_ratio]
)
def test_a_black_field_is_refused(function):
    with pytest.raises(ConstantImageError, match="black"):
        function(PlaneView(np.zeros((32, 32), np.uint8), bit_depth=8))


@pytest.mark.parametrize("centre", [(100, 100), (100, 130), (70, 120)])
def test_robust_centring_finds_the_top_and_does_not_mind_a_hot_pixel(centre):
    size = 200
    y, x = np.mgrid[:size, :size]
    plane = 3000 - 0.05 * ((y - centre[0]) ** 2 + (x - centre[1]) ** 2)
    plane = plane + np.random.default_rng(0).normal(0, 30, plane.shape)
    plane[3, 190] = 4095
    found = field.centring_robust(PlaneView(plane, bit_depth=12))
    distance = np.hypot(centre[0] + 0.5 - size / 2, centre[1] + 0.5 - size / 2)
    assert found.value == pytest.approx(
        100 - 200 * distance / np.hypot(size, size), abs=max(0.3, 4 * found.uncertainty)
    )
    assert 0 < found.uncertainty < 1


def test_the_error_of_robust_centring_is_honest():
    y, x = np.mgrid[:128, :128]
    light = 3000 - 0.05 * ((y - 70) ** 2 + (x - 80) ** 2)
    found = [
        field.centring_robust(PlaneView(np.random.default_rng(seed).normal(light, 100), bit_depth=12))
        for seed in range(40)
    ]
    scatter = np.std([one.value for one in found], ddof=1)
    assert 0.7 < np.mean([one.uncertainty for one in found]) / scatter < 1.4


def test_a_field_of_too_few_pixels_for_a_paraboloid_says_so():
    with pytest.raises(FitError, match="no brightest place"):
        field.centring_robust(PlaneView(np.arange(2, 8).reshape(2, 3), bit_depth=8))


def test_shading_and_noise_are_told_apart():
    rng = np.random.default_rng(0)
    even = PlaneView(rng.normal(1000, 50, (200, 200)), bit_depth=12)
    assert field.cv(even).value == pytest.approx(0.05, rel=0.03)
    assert field.cv_robust(even).value < 0.01
    shaded = np.tile(np.linspace(800, 1200, 200), (200, 1))
    expected = shaded.std() / shaded.mean()
    view = PlaneView(rng.normal(shaded, 50), bit_depth=12)
    assert field.cv_robust(view).value == pytest.approx(expected, rel=0.03)
    assert field.cv(view).value > expected


@pytest.mark.real_data
def test_the_robust_figures_of_the_real_slide_stand_beside_metrolojs(real_data):
    stack = read(real_data / "field" / "lsm_homogeneous_488.tif")
    view = PlaneView(stack.plane(), bit_depth=stack.bit_depth)
    assert field.cv(view).value == pytest.approx(0.04912, abs=5e-6)
    assert 0.5 * field.cv(view).value < field.cv_robust(view).value < field.cv(view).value
    robust = field.centring_robust(view)
    assert 50 < robust.value < 100
    assert robust.uncertainty < 5


def test_a_field_without_a_top_or_light_has_no_robust_centring():
    with pytest.raises(FitError, match="no brightest place"):
        field.centring_robust(PlaneView(np.full((100, 120), 50, np.uint8), bit_depth=8))
    for function in (field.cv, field.cv_robust, field.centring_robust):
        with pytest.raises(ConstantImageError, match="black"):
            function(PlaneView(np.zeros((64, 64), np.uint8), bit_depth=8))


def test_a_large_field_is_smoothed_as_the_whole_plane_would_be():
    y, x = np.mgrid[:2100, :2301] / 2100 - 0.5
    plane = np.random.default_rng(0).poisson(2000 * np.exp(-2 * ((x - 0.1) ** 2 + (y + 0.05) ** 2))).astype(np.uint16)
    whole = ndimage.gaussian_filter(plane.astype(float), 21.0)
    low, high = np.quantile(whole, (0.001, 0.999))
    view = PlaneView(plane, bit_depth=12)
    assert field.uniformity_robust(view).value == pytest.approx(100 * low / high, rel=3e-4)
    assert field.cv_robust(view).value == pytest.approx(whole.std() / whole.mean(), rel=3e-3)
