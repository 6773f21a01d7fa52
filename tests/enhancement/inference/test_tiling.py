from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from common.errors import InputError
from enhancement.inference.tiling import map_tiles, tile_starts


@settings(deadline=None)
@given(
    height=st.integers(1, 90), width=st.integers(1, 90), tile_px=st.sampled_from([16, 32]), overlap_px=st.integers(0, 7)
)
def test_an_identity_function_gives_back_any_plane_exactly(
    height: int, width: int, tile_px: int, overlap_px: int
) -> None:
    plane = np.random.default_rng(height * 91 + width).normal(1e4, 3e3, size=(height, width)).astype(np.float32)
    before = plane.copy()
    joined = map_tiles(plane, lambda tile: tile, tile_px=tile_px, overlap_px=overlap_px)
    np.testing.assert_array_equal(joined, plane)
    np.testing.assert_array_equal(plane, before)


def test_a_local_filter_by_tiles_equals_the_filter_of_the_whole_plane() -> None:
    plane = np.random.default_rng(0).normal(size=(150, 131)).astype(np.float32)

    def smooth(tile: np.ndarray) -> np.ndarray:
        return ndimage.uniform_filter(tile, 9, mode="reflect")

    joined = map_tiles(plane, smooth, tile_px=64, overlap_px=24)
    np.testing.assert_allclose(joined, smooth(plane), atol=1e-5)


def test_tiles_that_disagree_fade_into_one_another_without_a_step() -> None:
    levels = iter(range(100))
    joined = map_tiles(
        np.zeros((64, 144), np.float32), lambda tile: np.full_like(tile, next(levels)), tile_px=64, overlap_px=24
    )
    assert np.abs(np.diff(joined, axis=1)).max() <= 1 / 12 + 1e-6
    assert joined.max() == 2


def test_tiles_cover_the_axis_and_overlap_enough() -> None:
    starts = tile_starts(1000, tile_px=256, overlap_px=32)
    assert starts[0] == 0
    assert starts[-1] == 1000 - 256
    assert all(second - first <= 224 for first, second in pairwise(starts))
    assert tile_starts(256, tile_px=256, overlap_px=32) == [0]


def test_progress_counts_every_tile() -> None:
    seen: list[tuple[int, int]] = []
    map_tiles(np.zeros((40, 40)), lambda tile: tile, tile_px=16, overlap_px=4, on_progress=lambda *at: seen.append(at))
    assert seen == [(done, 9) for done in range(1, 10)]


@pytest.mark.parametrize("overlap_px", [-1, 16])
def test_an_overlap_that_does_not_fit_is_refused(overlap_px: int) -> None:
    with pytest.raises(InputError, match="less than half a tile"):
        map_tiles(np.zeros((40, 40)), lambda tile: tile, tile_px=32, overlap_px=overlap_px)
