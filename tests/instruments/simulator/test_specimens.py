"""Specimens hold what they promise, and a seed is a field of view."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InputError
from instruments.simulator.specimens import Standard, beads, homogeneous_slide, marbles, scattered_positions


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**63), st.integers(1, 20))
def test_scattered_points_keep_their_distance_from_each_other_and_from_the_border(seed, count):
    points = scattered_positions(count=count, extent_um=(50.0, 40.0), margin_um=3.0, distance_um=5.0, seed=seed)
    assert points.shape == (count, 2)
    assert points.min() >= 3.0
    assert np.all(points <= np.array([47.0, 37.0]))
    gaps = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)) + np.eye(count) * 1e3
    assert gaps.min() >= 5.0


def test_marbles_have_the_volume_of_4_um_spheres():
    field = marbles(seed=1, shape=(256, 256), pixel_size_um=0.2, count=10, slab_um=0.1)
    volume_um3 = field.density.sum() * 0.2**2 * 0.1
    assert volume_um3 == pytest.approx(10 * 4 / 3 * np.pi * 2.0**3, rel=0.04)


def test_the_widest_layer_of_a_marble_measures_4_um():
    field = marbles(seed=2, shape=(128, 128), pixel_size_um=0.1, count=1)
    equator = field.density[list(field.slab_z_um).index(0.0)]
    area_um2 = (equator / equator.max()).sum() * 0.1**2
    assert 2.0 * np.sqrt(area_um2 / np.pi) == pytest.approx(4.0, rel=0.01)


def test_beads_lie_at_subpixel_positions_in_the_plane_of_focus():
    field = beads(seed=3, shape=(128, 128), pixel_size_um=0.1, distance_um=2.5)
    pixels = field.points[:, 1:3] / 0.1
    assert len(field.points) == 6
    assert np.all(field.points[:, 0] == 0.0)
    assert np.all(np.abs(pixels - np.rint(pixels)).max(axis=1) > 1e-3)
    assert not field.density.any()


def test_a_homogeneous_slide_is_the_same_everywhere():
    slide = homogeneous_slide(shape=(20, 30), pixel_size_um=0.2)
    assert slide.shape == (20, 30)
    assert np.all(slide.density == 1.0)


@pytest.mark.parametrize(
    ("make", "standard"),
    [
        (lambda seed: marbles(seed=seed, shape=(256, 256), pixel_size_um=0.2), Standard.MARBLES),
        (lambda seed: beads(seed=seed, shape=(128, 128), pixel_size_um=0.1, distance_um=2.5), Standard.BEADS),
    ],
)
def test_a_seed_is_a_field_of_view(make, standard):
    first, again, other = make(7), make(7), make(8)
    assert first.standard is standard
    np.testing.assert_array_equal(first.density, again.density)
    np.testing.assert_array_equal(first.points, again.points)
    assert np.any(first.density != other.density) or np.any(first.points != other.points)


def test_a_specimen_cannot_be_written_to():
    field = marbles(seed=1, shape=(128, 128), pixel_size_um=0.2, count=2)
    with pytest.raises(ValueError, match="read-only"):
        field.density[0, 0, 0] = 1.0


@pytest.mark.parametrize(("shape", "count"), [((64, 64), 30), ((16, 16), 1)])
def test_too_many_marbles_for_the_field_are_refused(shape, count):
    with pytest.raises(InputError, match="do not fit"):
        marbles(seed=1, shape=shape, pixel_size_um=0.2, count=count)
