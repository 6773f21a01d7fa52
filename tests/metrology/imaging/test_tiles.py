"""Tiles hold every count, each where it is said to lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import AxesError, StorageError
from metrology.imaging.tiles import TILE_PX, halved, pyramid_levels, slices_kept, write_pyramid


def field(shape, dtype=np.uint16):
    return np.random.default_rng(3).integers(0, 255 if dtype == np.uint8 else 60000, shape).astype(dtype)


def put_together(path, level, dtype):
    """Read a level back, tile after tile, as the docstring says that it lies."""
    counts = np.fromfile(path, dtype, count=level.width * level.height, offset=level.offset)
    plane, at = np.zeros((level.height, level.width), dtype), 0
    for row in range(0, level.height, TILE_PX):
        for column in range(0, level.width, TILE_PX):
            part = plane[row : row + TILE_PX, column : column + TILE_PX]
            part[:] = counts[at : at + part.size].reshape(part.shape)
            at += part.size
    return plane


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(512, 512), (700, 301), (1, 1)])
def test_the_full_resolution_comes_back_without_loss(tmp_path, dtype, shape):
    plane = field(shape, dtype)
    before = plane.copy()
    levels = write_pyramid(plane, tmp_path / "0-0.counts")
    assert (put_together(tmp_path / "0-0.counts", levels[0], dtype) == before).all()
    assert (plane == before).all()


def test_coarser_levels_hold_means(tmp_path):
    plane = field((1024, 2048))
    levels = write_pyramid(plane, tmp_path / "a")
    assert [(one.width, one.height) for one in levels] == [(2048, 1024), (1024, 512), (512, 256), (256, 128)]
    coarse = put_together(tmp_path / "a", levels[3], np.uint16)
    assert np.abs(coarse - plane.reshape(128, 8, 256, 8).mean(axis=(1, 3))).max() <= 1.5  # rounded three times


def test_the_file_ends_where_the_last_level_does(tmp_path):
    levels = write_pyramid(field((700, 301)), tmp_path / "a")
    assert (tmp_path / "a").stat().st_size == levels[-1].offset + levels[-1].width * levels[-1].height * 2


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_the_coarsest_level_is_one_tile(height, width):
    levels = pyramid_levels((height, width), bytes_per_count=2)
    assert max(levels[-1].width, levels[-1].height) <= TILE_PX
    assert all(max(one.width, one.height) > TILE_PX for one in levels[:-1])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_halving_keeps_a_constant_plane_also_at_full_scale(dtype):
    largest = 65535 if dtype == np.float32 else np.iinfo(dtype).max
    plane = np.full((5, 8), largest, dtype)
    assert halved(plane).dtype == dtype
    assert halved(plane).shape == (3, 4)
    assert (halved(plane) == largest).all()


def test_halving_rounds_to_the_nearest_count():
    assert halved(np.array([[1, 2], [2, 2]], np.uint8)).tolist() == [[2]]
    assert halved(np.array([[1, 1], [1, 2]], np.uint8)).tolist() == [[1]]
    assert halved(np.array([[1, 1], [2, 2]], np.uint16)).tolist() == [[2]]


def test_a_stack_that_fits_is_kept_whole():
    assert slices_kept(91, measured=45, bytes_per_slice=512 * 512 * 2) == tuple(range(91))


@given(st.integers(1, 400), st.data(), st.integers(1, 10**9), st.integers(0, 10**9))
def test_of_a_large_stack_the_measured_slice_and_evenly_spaced_ones_are_kept(slices, data, size, budget):
    measured = data.draw(st.integers(0, slices - 1))
    kept = slices_kept(slices, measured=measured, bytes_per_slice=size, budget_bytes=budget)
    assert measured in kept
    assert len(kept) == 1 or (len(kept) - 1) * size < budget
    assert len(set(np.diff(kept))) <= 1
    assert 0 <= kept[0] <= kept[-1] < slices


def test_complex_pixels_are_refused(tmp_path):
    with pytest.raises(AxesError, match="complex64"):
        write_pyramid(np.zeros((4, 4), np.complex64), tmp_path / "a")


def test_a_disk_that_refuses_is_told(tmp_path):
    with pytest.raises(StorageError, match="tiles"):
        write_pyramid(field((4, 4)), tmp_path / "missing" / "a")
