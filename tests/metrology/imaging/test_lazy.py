from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
import tifffile

from common.errors import TooLargeError, UnreadableImageError
from metrology.imaging import lazy
from metrology.imaging.lazy import LazyPlanes
from metrology.imaging.planes import brightest_slice
from metrology.imaging.readers import read
from metrology.imaging.stack import ImageStack, Sourced
from tests.factories.image_files import ome_fields

SHAPE = (2, 3, 4, 8, 9)


def _planes(decode=None, *, shape=SHAPE, dtype=np.uint16, asked=None, released=None):
    def counted(t, c, z):
        if asked is not None:
            asked.append((t, c, z))
        return np.full(shape[3:], t * 100 + c * 10 + z, dtype)

    release = (lambda: released.append(True)) if released is not None else (lambda: None)
    return LazyPlanes(Path("a.czi"), "Zeiss CZI", shape, np.dtype(dtype), decode or counted, release)


def test_a_plane_is_decoded_when_it_is_asked_for_and_not_before():
    asked = []
    stack = ImageStack(_planes(asked=asked))
    assert (stack.shape_tczyx, asked) == (SHAPE, [])
    assert stack.plane(t=1, c=2, z=3)[0, 0] == 123
    assert asked == [(1, 2, 3)]


def test_a_z_stack_is_put_together_from_its_planes_and_cannot_be_changed():
    stack = ImageStack(_planes())
    slices = stack.z_stack(t=1, c=1)
    np.testing.assert_array_equal(slices[:, 0, 0], [110, 111, 112, 113])
    with pytest.raises(ValueError, match="read-only"):
        slices[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        stack.plane()[0, 0] = 1


def test_planes_decoded_last_are_not_decoded_again_and_older_ones_are_let_go(monkeypatch):
    asked = []
    planes = _planes(asked=asked)
    monkeypatch.setattr(lazy, "RECENT_BYTES", 2 * 8 * 9 * 2)  # room for two planes
    for z in (0, 1, 1, 0, 2, 0, 1):
        planes.plane(0, 0, z)
    assert asked == [(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 0, 1)]
    assert len(planes._recent) == 2


def test_the_file_is_closed_when_nobody_holds_the_image_any_more():
    released = []
    planes = _planes(released=released)
    converted = planes.converted(np.dtype(np.float32))
    del planes
    gc.collect()
    assert released == []
    assert converted.plane(1, 0, 0).dtype == np.float32
    del converted
    gc.collect()
    assert released == [True]


def test_a_plane_that_does_not_exist_is_an_index_error():
    with pytest.raises(IndexError):
        ImageStack(_planes()).plane(t=2)


@pytest.mark.parametrize(
    "error", [RuntimeError("libCZI"), KeyError("x"), OSError("read"), OverflowError(), AssertionError()]
)
def test_whatever_a_library_raises_on_a_plane_is_said_as_damage(error):
    def broken(t, c, z):
        raise error

    with pytest.raises(UnreadableImageError, match=r"The Zeiss CZI file a\.czi is damaged") as caught:
        _planes(broken).plane(0, 0, 0)
    assert caught.value.hint == "Copy or export it again from the acquisition computer."


def test_a_plane_of_another_size_than_promised_is_damage():
    def small(t, c, z):
        return np.zeros((3, 3), np.uint16)

    with pytest.raises(UnreadableImageError, match="damaged"):
        _planes(small).plane(0, 0, 0)


def test_a_plane_that_does_not_fit_memory_says_so():
    def huge(t, c, z):
        raise MemoryError

    with pytest.raises(TooLargeError, match="not enough memory"):
        _planes(huge).plane(0, 0, 0)


def test_the_means_of_the_reader_choose_the_brightest_slice_without_a_second_look(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 100, (5, 16, 16), dtype=np.uint16)
    pixels[3] += 900
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, metadata={"axes": "ZYX"}, photometric="minisblack")
    stack = read(tmp_path / "a.ome.tif")
    stack.pixels._recent.clear()
    assert brightest_slice(stack) == 3
    assert len(stack.pixels._recent) == 0
    assert brightest_slice(ImageStack(pixels[None, None])) == 3


def test_of_a_long_time_lapse_of_known_depth_only_the_first_frame_is_decoded_on_opening(tmp_path):
    frames = np.random.default_rng(0).integers(0, 4000, (50, 32, 32), dtype=np.uint16)
    metadata = {"axes": "TYX", "SignificantBits": 12}
    tifffile.imwrite(tmp_path / "t.ome.tif", frames, metadata=metadata, photometric="minisblack")
    stack = read(tmp_path / "t.ome.tif")
    assert list(stack.pixels._recent) == [(0, 0, 0)]
    np.testing.assert_array_equal([stack.plane(t=t) for t in range(50)], frames)


def test_fields_given_by_someone_who_knows_better_keep_the_open_file(tmp_path):
    stack = read(ome_fields(tmp_path / "a.ome.tif", [np.eye(16, dtype=np.uint16)]))
    typed = stack.with_fields(pixel_size_um=Sourced(0.5, "typed"))
    assert (typed.metadata.require("pixel_size_um"), stack.metadata.require("pixel_size_um")) == (0.5, 0.2)
    assert typed.pixels is stack.pixels
