from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import AxesError, MissingMetadataError
from metrology.imaging.mosaics import TileGrid, join_fields, mosaic_decoder, split_mosaic, tile_grid
from metrology.imaging.planes import brightest_slice
from metrology.imaging.stack import ImageStack, Metadata, Sourced


def test_brightest_slice_has_the_highest_mean_and_not_the_highest_pixel():
    pixels = np.zeros((1, 2, 3, 8, 8), np.uint16)
    pixels[0, 1, 0, 0, 0] = 60
    pixels[0, 1, 2] = 5
    assert brightest_slice(ImageStack(pixels), 1) == 2


@pytest.mark.parametrize("slices", [1, 2, 3])
def test_the_brightest_of_few_slices_may_be_the_last(slices):
    pixels = np.arange(slices, dtype=np.uint16).reshape(1, 1, slices, 1, 1) * np.ones((8, 8), np.uint16)
    assert brightest_slice(ImageStack(pixels)) == slices - 1


def test_a_stack_needs_five_axes():
    with pytest.raises(AxesError, match="TCZYX"):
        ImageStack(np.zeros((8, 8)))


def test_making_a_stack_does_not_lock_the_array_it_was_made_from():
    pixels = np.zeros((1, 1, 1, 8, 8), np.uint8)
    ImageStack(pixels)
    pixels[0] = 1
    assert pixels.all()


def test_a_needed_field_that_is_absent_is_named():
    with pytest.raises(MissingMetadataError, match="does not say its pixel size"):
        Metadata().require("pixel_size_um")


def test_a_field_given_by_hand_says_so_and_leaves_the_original_alone():
    before = Metadata()
    after = before.with_fields(pixel_size_um=Sourced(0.2, "typed by ana"))
    assert after.require("pixel_size_um") == 0.2
    assert "pixel_size_um" not in before


def test_a_5120_mosaic_has_25_fields_of_1024():
    fields = split_mosaic(np.zeros((5120, 5120), np.uint8))
    assert [field.shape for field in fields] == [(1024, 1024)] * 25


def test_fields_are_views_row_by_row():
    plane = np.arange(4 * 6).reshape(4, 6)
    fields = split_mosaic(plane, tile_px=2)
    np.testing.assert_array_equal(fields[1], [[2, 3], [8, 9]])
    assert np.shares_memory(fields[1], plane)


@given(rows=st.integers(8, 90), columns=st.integers(8, 90), tile=st.integers(4, 100), overlap=st.integers(0, 1))
def test_every_field_has_the_same_shape_and_lies_inside_the_mosaic(rows, columns, tile, overlap):
    grid = tile_grid((rows, columns), tile_px=tile, overlap_px=overlap)
    places = list(grid.slices())
    assert len(places) == len(grid) >= 1
    for down, across in places:
        assert (down.stop - down.start, across.stop - across.start) == grid.tile_shape
        assert down.stop <= rows
        assert across.stop <= columns


def test_an_overlap_as_large_as_the_field_is_refused():
    with pytest.raises(AxesError, match="overlap"):
        tile_grid((64, 64), tile_px=16, overlap_px=16)


FIELD = (100, 120)


def _laid(positions_px, **options):
    """Positions given in pixels of 0.5 µm high and 0.25 µm wide."""
    positions = [(y * 0.5, x * 0.25) for y, x in positions_px]
    return join_fields(positions, tile_shape=FIELD, pixel_size_um=(0.5, 0.25), **options)


def test_fields_in_any_order_are_put_at_their_places_with_their_overlap():
    rows, columns, step_y, step_x = 3, 2, 90, 100
    places = [(row * step_y - 500, column * step_x + 77) for row in range(rows) for column in range(columns)]
    shuffled = [4, 1, 5, 0, 3, 2]
    found = _laid([places[number] for number in shuffled])
    assert found.grid == TileGrid(3, 2, FIELD, (10, 20))
    assert [shuffled[number] for number in found.order] == list(range(6))
    assert found.grid.shape_yx == (100 + 2 * 90, 120 + 100)


def test_a_stage_that_stops_a_few_pixels_off_still_gives_the_grid():
    jitter = np.random.default_rng(2).uniform(-4, 4, (12, 2))
    places = [(90.0 * row, 100.0 * column) for row in range(3) for column in range(4)]
    found = _laid((np.array(places) + jitter).tolist())
    assert (found.grid.rows, found.grid.columns, found.order) == (3, 4, tuple(range(12)))


def test_fields_that_do_not_touch_are_laid_edge_to_edge_and_the_gap_is_said():
    found = _laid([(0, 0), (0, 1000), (700, 0), (700, 1000)])
    assert found.grid == TileGrid(2, 2, FIELD)
    assert found.gap_yx == (600, 880)
    assert "skipped 600 px down and 880 px across" in found.sourced("here").source


@pytest.mark.parametrize(
    "positions",
    [
        [(0, 0)],
        [(0, 0), (0, 100), (90, 0)],  # one missing
        [(0, 0), (0, 0)],  # one twice
        [(0, 0), (0, 100), (0, 260)],  # uneven
        [(0, 0), (45, 100), (90, 200), (135, 300)],  # a diagonal
        [(0, 0), (0, float("nan"))],
    ],
)
def test_positions_that_form_no_grid_give_none(positions):
    assert _laid(positions) is None


def test_without_a_pixel_size_nothing_is_guessed():
    assert join_fields([(0, 0), (0, 25)], tile_shape=FIELD, pixel_size_um=None) is None


def test_a_mosaic_shows_each_field_at_its_place_and_the_later_one_where_they_overlap():
    found = join_fields([(0.0, 0.0), (0.0, 6.0)], tile_shape=(8, 8), pixel_size_um=(1.0, 1.0))

    def field(number):
        def decode(t, c, z):
            return np.full((8, 8), 10 * (number + 1) + z, np.uint8)

        return decode

    fields = [field(number) for number in range(2)]
    plane = mosaic_decoder(fields, found, np.dtype(np.uint8))(0, 0, 3)
    assert plane.shape == (8, 14)
    assert plane[0].tolist() == [13] * 6 + [23] * 8
