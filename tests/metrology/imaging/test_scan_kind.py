"""A scan is of one field or of tiles, of one plane or a stack, of one time point or more; what is not known is not said."""

from __future__ import annotations

import numpy as np
import pytest

from metrology.imaging.mosaics import tile_grid
from metrology.imaging.scan_kind import LARGEST_FIELD_PX, scan_kind
from metrology.imaging.stack import ImageStack


def said(shape, tiles=None, **fields):
    return {name: one.value for name, one in scan_kind(ImageStack(np.zeros(shape, np.uint8), **fields), tiles).items()}


@pytest.mark.parametrize(
    ("shape", "depth", "time"),
    [
        ((1, 2, 1, 8, 8), "single plane", "single time point"),
        ((1, 1, 5, 8, 8), "stack", "single time point"),
        ((3, 1, 1, 8, 8), "single plane", "time-lapse"),
    ],
)
def test_depth_and_time_are_told_by_the_axes(shape, depth, time):
    assert said(shape) == {"scan_fields": "single field", "scan_depth": depth, "scan_time": time}


def test_tiles_are_counted_and_say_whether_the_file_knows_them():
    grid = tile_grid((16, 24), tile_px=8)
    assert said((1, 1, 1, 16, 24), grid)["scan_fields"] == "tile scan of 2 × 3 fields"
    assumed = scan_kind(ImageStack(np.zeros((1, 1, 1, 16, 24), np.uint8)), grid)
    stated = scan_kind(ImageStack(np.zeros((1, 1, 1, 16, 24), np.uint8), tile_grid=grid), grid)
    assert assumed["scan_fields"].source == "default: from the size of the image"
    assert stated["scan_fields"].source == "tiles of the file"


def test_of_an_image_larger_than_detectors_are_nobody_knows_whether_it_is_one_field():
    largest = LARGEST_FIELD_PX
    assert said((1, 1, 1, 1, largest))["scan_fields"] == "single field"
    assert "scan_fields" not in said((1, 1, 1, 1, largest + 1))
