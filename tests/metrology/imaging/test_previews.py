from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from common.errors import StorageError
from metrology.imaging.previews import ContrastWindow, contrast_window, preview, write_preview


def test_one_hot_pixel_does_not_darken_the_picture():
    plane = np.tile(np.arange(100, dtype=np.uint16), (100, 1))
    hot = plane.copy()
    hot[0, 0] = 65535
    assert contrast_window(hot).white == pytest.approx(contrast_window(plane).white, abs=1)


def test_preview_maps_the_window_to_black_and_white():
    plane = np.array([[5, 10, 15, 20, 25]], np.uint16)
    picture, window = preview(plane, window=ContrastWindow(10, 20))
    assert picture.tolist() == [[0, 0, 128, 255, 255]]
    assert window == ContrastWindow(10, 20)


def test_a_constant_plane_has_a_picture():
    picture, window = preview(np.full((9, 9), 7, np.uint8))
    assert not picture.any()
    assert window.white > window.black


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.png"])
def test_a_written_preview_fits_the_square_and_averages_pixels(tmp_path, name):
    plane = np.tile(np.array([0, 200], np.uint8), (300, 150))
    window = write_preview(plane, tmp_path / name, size_px=150, window=ContrastWindow(0, 200))
    assert window == ContrastWindow(0, 200)
    with Image.open(tmp_path / name) as picture:
        assert picture.size == (150, 150)
        assert np.abs(np.asarray(picture.convert("L"), int) - 128).max() <= 1


def test_a_disk_that_refuses_is_told_and_leaves_nothing(tmp_path):
    with pytest.raises(StorageError, match="cannot be written"):
        write_preview(np.zeros((9, 9), np.uint8), tmp_path / "missing" / "a.png")
    assert list(tmp_path.iterdir()) == []
