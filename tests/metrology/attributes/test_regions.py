from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import gaussian, threshold_otsu
from skimage.measure import label, regionprops

from metrology.attributes.kernels import as_kernel_plane
from metrology.attributes.regions import bright_regions


def _scene(size=200) -> np.ndarray:
    """A disk, an ellipse with axes 3 : 1, and a square of full count."""
    y, x = np.mgrid[:size, :size]
    plane = np.full((size, size), 100.0)
    plane[(y - 40) ** 2 + (x - 50.5) ** 2 < 12**2] = 2000
    plane[((y - 140) / 8) ** 2 + ((x - 60) / 24) ** 2 < 1] = 2000
    plane[30:50, 140:165] = 4095
    return plane.astype(np.uint16)


def test_regions_have_the_sizes_places_and_shapes_of_scikit_image():
    plane = np.random.default_rng(0).poisson(_scene()).clip(0, 4095).astype(np.uint16)
    smooth = gaussian(plane.astype(float), 1.0, mode="reflect", preserve_range=True)
    theirs = sorted(regionprops(label(smooth > threshold_otsu(smooth), connectivity=1)), key=lambda one: -one.area)
    ours = bright_regions(as_kernel_plane(plane), largest_count=4095, least_area_px=50)
    theirs = [one for one in theirs if one.area >= 50]
    assert [one.area_px for one in ours] == [one.area for one in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine.y_px, mine.x_px) == pytest.approx(other.centroid, abs=1e-6)
        assert (mine.top, mine.left, mine.bottom, mine.right) == other.bbox
        long, short = (axis**2 / 16 + 1 / 12 for axis in (other.axis_major_length, other.axis_minor_length))
        assert mine.axis_ratio == pytest.approx(
            np.sqrt(long / short), rel=1e-6
        )  # a pixel has a width, theirs are points
        assert mine.fill == pytest.approx(other.area / (4 * np.pi * np.sqrt(long * short)), rel=1e-6)


def test_a_disk_fills_its_ellipse_and_two_that_touch_do_not():
    disk = bright_regions(as_kernel_plane(_scene()), largest_count=4095, least_area_px=50)
    assert [round(one.saturated) for one in disk] == [0, 1, 0]
    assert disk[-1].fill == pytest.approx(1, abs=0.01)
    y, x = np.mgrid[:100, :100]
    pair = np.where(np.minimum(np.hypot(y - 50, x - 38), np.hypot(y - 50, x - 60)) < 12, 2000, 100)
    (touching,) = bright_regions(as_kernel_plane(pair.astype(np.uint16)), largest_count=4095, least_area_px=50)
    assert touching.fill < 0.95


def test_the_threshold_and_the_smoothing_are_those_of_the_libraries():
    plane = np.random.default_rng(1).normal(500, 100, (70, 90))
    plane[20:40, 30:60] += 800
    smooth = ndimage.gaussian_filter(plane.astype(np.float32), 1.0)
    (found,) = bright_regions(as_kernel_plane(plane), largest_count=1e9, least_area_px=50)
    assert found.area_px == np.count_nonzero(smooth > threshold_otsu(smooth))


def test_an_even_plane_has_no_region():
    plane = as_kernel_plane(np.full((20, 20), 7, np.uint16))
    assert bright_regions(plane, largest_count=255, least_area_px=1) == []
