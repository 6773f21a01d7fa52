"""The light over a field: a paraboloid of known top is found again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrology.attributes.field import centring_robust
from metrology.attributes.field_surface import block_means, illumination_surface, surface_at
from metrology.attributes.views import PlaneView


def bowl(top_yx, shape=(160, 240), noise=0.0):
    y, x = np.indices(shape) + 0.5
    light = 1000 - 0.01 * (y - top_yx[0]) ** 2 - 0.006 * (x - top_yx[1]) ** 2
    return light + np.random.default_rng(1).normal(0, noise, shape)


@settings(max_examples=20, deadline=None)
@given(st.floats(20, 140), st.floats(20, 220))
def test_the_top_is_where_the_light_is_brightest(y, x):
    found = illumination_surface(bowl((y, x), noise=3.0))
    assert found.top_yx_px == pytest.approx((y, x), abs=1.0)


def test_the_fit_of_a_paraboloid_is_the_paraboloid():
    plane = bowl((60, 100))
    found = illumination_surface(plane)
    assert np.allclose(found.fitted, found.means, atol=0.2)
    assert surface_at(found, np.array([2 * 60 / 160 - 1]), np.array([2 * 100 / 240 - 1]))[0] == pytest.approx(
        1000, abs=0.2
    )


def test_the_top_that_is_drawn_is_the_one_that_centring_measures():
    plane = bowl((60, 100), noise=3.0)
    y, x = illumination_surface(plane).top_yx_px
    measured = centring_robust(PlaneView(plane, bit_depth=12)).value
    assert measured == pytest.approx(100 - 200 * np.hypot(y - 80, x - 120) / np.hypot(160, 240), rel=1e-9)


@pytest.mark.parametrize(
    "plane", [np.full((64, 64), 7.0), 2000 - bowl((80, 120)), np.full((3, 200), 5.0), np.ones((1, 1))]
)
def test_an_even_field_and_one_that_is_bright_at_its_border_have_no_top(plane):
    assert illumination_surface(plane).top_yx_px is None


@pytest.mark.parametrize(("shape", "blocks"), [((96, 64), (32, 32)), ((100, 70), (32, 32)), ((5, 300), (32, 256))])
def test_blocks_weighted_by_their_size_have_the_mean_of_the_field(shape, blocks):
    plane = np.random.default_rng(2).integers(0, 4096, shape).astype(np.uint16)
    before = plane.copy()
    means, rows, columns = block_means(plane, blocks_yx=blocks)
    assert means.shape == tuple(min(one, side) for one, side in zip(blocks, shape, strict=True))
    heights = np.diff(np.linspace(0, shape[0], len(rows) + 1).astype(int))
    widths = np.diff(np.linspace(0, shape[1], len(columns) + 1).astype(int))
    assert (means * np.outer(heights, widths)).sum() / plane.size == pytest.approx(plane.mean())
    assert np.array_equal(plane, before)
