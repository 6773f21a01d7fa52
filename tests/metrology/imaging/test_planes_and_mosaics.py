from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import AxesError, MissingMetadataError
from metrology.imaging.mosaics import split_mosaic, tile_grid
from metrology.imaging.planes import brightest_slice
from metrology.imaging.stack import ImageStack, Metadata, Sourced


def test_brightest_slice_has_the_highest_mean_and_not_the_highest_pixel():
    pixels = np.zeros((1, 2, 3, 8, 8), np.uint16)
    pixels[0, 1, 0, 0, 0] = 60
    pixels[0, 1, 2] = 5
    assert brightest_slice(ImageStack(pixels), 1) == 2


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


@given(rows=st.integers(8, 300), columns=st.integers(8, 300), tile=st.integers(2, 100), overlap=st.integers(0, 1))
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
