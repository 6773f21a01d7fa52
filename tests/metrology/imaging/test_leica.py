"""LIF, LOF and XLEF written here from the format's description (see tests/factories/image_files.py)."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from common.errors import AxesError, TooLargeError, UnreadableImageError
from metrology.imaging.mosaics import TileGrid
from metrology.imaging.readers import read
from tests.factories.image_files import lif, lif_element, lof, xlef

RNG = np.random.default_rng(6)
SERIES = RNG.integers(0, 4000, (2, 3, 4, 20, 24), dtype=np.uint16)  # T, Z, C, Y, X as LAS X stores it
STACK = RNG.integers(0, 255, (3, 20, 24), dtype=np.uint8)


def _tile_info(positions, **flags):
    tiles = "".join(f'<Tile FieldX="0" FieldY="0" PosX="{x}" PosY="{y}" PosZ="0"/>' for y, x in positions)
    said = " ".join(f'{name}="{int(value)}"' for name, value in flags.items())
    return f'<Attachment Name="TileScanInfo" {said}>{tiles}</Attachment>'


def test_every_plane_of_a_lif_is_where_it_belongs(tmp_path):
    stack = read(lif(tmp_path / "a.lif", [(SERIES, lif_element(SERIES, "TZCYX", bits=12))]))
    assert (stack.shape_tczyx, stack.bit_depth) == ((2, 4, 3, 20, 24), 12)
    for t, c, z in np.ndindex(2, 4, 3):
        np.testing.assert_array_equal(stack.plane(t=t, c=c, z=z), SERIES[t, z, c])
    assert stack.metadata.require("pixel_size_um") == pytest.approx(0.2)
    assert stack.metadata.require("z_step_um") == pytest.approx(0.2)


def test_of_several_images_in_a_lif_the_first_is_read_and_all_are_counted(tmp_path):
    images = [(SERIES, lif_element(SERIES, "TZCYX")), (STACK, lif_element(STACK, "ZYX", name="two"))]
    stack = read(lif(tmp_path / "a.lif", images))
    assert (stack.metadata.require("images_in_file"), stack.shape_tczyx[1]) == (2, 4)


def test_a_lof_is_read_like_a_lif(tmp_path):
    stack = read(lof(tmp_path / "a.lof", STACK, lif_element(STACK, "ZYX")))
    assert stack.file_format == "Leica LOF"
    np.testing.assert_array_equal(stack.z_stack(), STACK)


def test_an_xlef_is_read_with_the_files_of_its_project(tmp_path):
    stack = read(xlef(tmp_path / "project", STACK, lif_element(STACK, "ZYX")))
    assert stack.file_format == "Leica XLEF"
    np.testing.assert_array_equal(stack.z_stack(), STACK)


@pytest.mark.parametrize("missing", ["one.xlif", "one.lof"])
def test_an_xlef_without_its_files_says_what_to_save_instead(tmp_path, missing):
    path = xlef(tmp_path / "project", STACK, lif_element(STACK, "ZYX"))
    (path.parent / missing).unlink()
    with pytest.raises(UnreadableImageError, match="Save the project as LIF"):
        read(path)


@pytest.mark.parametrize("named", ["../outside.lof", "/etc/hostname", "C:\\\\data\\\\one.lof", "..\\\\outside.lof"])
def test_an_xlef_never_leads_out_of_its_folder(tmp_path, named):
    path = xlef(tmp_path / "project", STACK, lif_element(STACK, "ZYX"))
    lof(tmp_path / "outside.lof", STACK, lif_element(STACK, "ZYX"))
    inner = path.parent / "one.xlif"
    inner.write_text(inner.read_text().replace("one.lof", named))
    with pytest.raises(UnreadableImageError, match="other files of its project"):
        read(path)


def test_files_of_an_xlef_that_name_one_another_in_a_circle_are_refused(tmp_path):
    path = xlef(tmp_path / "project", STACK, lif_element(STACK, "ZYX"))
    path.write_text(path.read_text().replace("</Children>", '<Reference File="project.xlef"/></Children>'))
    with pytest.raises(UnreadableImageError, match="damaged") as caught:
        read(path)
    assert "circle" in caught.value.details["reason"]


def test_entities_in_a_file_of_an_xlef_are_refused(tmp_path):
    path = xlef(tmp_path / "project", STACK, lif_element(STACK, "ZYX"))
    inner = path.parent / "one.xlif"
    inner.write_text(inner.read_text().replace("?>", '?><!DOCTYPE a [<!ENTITY a "aa">]>', 1))
    with pytest.raises(UnreadableImageError, match="entities"):
        read(path)


def test_a_tile_scan_becomes_a_mosaic_by_where_the_stage_stood(tmp_path):
    tiles = RNG.integers(0, 4000, (4, 20, 24), dtype=np.uint16)  # M, Y, X; fields of 4 × 4.8 µm
    step_y, step_x = 3.6e-6, 4.4e-6
    info = _tile_info([(0, 0), (0, step_x), (step_y, step_x), (step_y, 0)])  # in a meander
    stack = read(lif(tmp_path / "a.lif", [(tiles, lif_element(tiles, "MYX", extra=info))]))
    assert stack.tile_grid == TileGrid(2, 2, (20, 24), (2, 2))
    found = [stack.plane()[where][3:-3, 3:-3] for where in stack.tile_grid.slices()]
    for field, number in zip(found, (0, 1, 3, 2), strict=True):
        np.testing.assert_array_equal(field, tiles[number][3:-3, 3:-3])


def test_a_flipped_stage_is_turned_back(tmp_path):
    tiles = RNG.integers(0, 4000, (2, 20, 24), dtype=np.uint16)
    info = _tile_info([(0, 0), (0, 4.8e-6)], FlipX=True)
    stack = read(lif(tmp_path / "a.lif", [(tiles, lif_element(tiles, "MYX", extra=info))]))
    np.testing.assert_array_equal(stack.plane()[:, :24], tiles[1])


def test_tiles_of_unknown_place_are_not_joined(tmp_path):
    tiles = RNG.integers(0, 4000, (3, 20, 24), dtype=np.uint16)
    stack = read(lif(tmp_path / "a.lif", [(tiles, lif_element(tiles, "MYX"))]))
    assert (stack.shape_tczyx, stack.metadata.require("images_in_file")) == ((1, 1, 1, 20, 24), 3)
    assert stack.tile_grid is None


def test_a_claim_larger_than_the_block_of_pixels_is_refused(tmp_path):
    element = lif_element(SERIES, "TZCYX").replace(
        'DimID="4" NumberOfElements="2"', 'DimID="4" NumberOfElements="90000"'
    )
    with pytest.raises(UnreadableImageError, match="damaged") as caught:
        read(lif(tmp_path / "a.lif", [(SERIES, element)]))
    assert caught.value.details["reason"].startswith("claims 1036800000 bytes")


def test_an_image_over_the_limit_is_too_large(tmp_path):
    with pytest.raises(TooLargeError):
        read(lif(tmp_path / "a.lif", [(STACK, lif_element(STACK, "ZYX"))]), max_pixels=STACK.size - 1)


def test_entities_in_the_header_are_refused_before_they_are_expanded(tmp_path):
    element = lif_element(STACK, "ZYX")
    path = lif(tmp_path / "a.lif", [(STACK, element)])
    content = path.read_bytes()
    size = struct.unpack("<I", content[9:13])[0]
    xml = '<!DOCTYPE a [<!ENTITY a "aaaa">]>' + content[13 : 13 + 2 * size].decode("utf-16-le")
    head = struct.pack("<IIBI", 0x70, 2 * len(xml) + 5, 0x2A, len(xml))
    path.write_bytes(head + xml.encode("utf-16-le") + content[13 + 2 * size :])
    with pytest.raises(UnreadableImageError, match="entities"):
        read(path)


def test_a_header_longer_than_the_file_is_refused(tmp_path):
    path = tmp_path / "a.lif"
    path.write_bytes(struct.pack("<IIBI", 0x70, 2**31, 0x2A, 2**30) + b"\0" * 99)
    with pytest.raises(UnreadableImageError, match="damaged"):
        read(path)


def test_colour_samples_are_refused(tmp_path):
    pixels = np.zeros((20, 24, 3), np.uint8)
    element = lif_element(np.zeros((20, 24), np.uint8), "YX")
    channel = element.split("<Channels>")[1].split("</Channels>")[0]
    three = "".join(channel.replace('BytesInc="0"', f'BytesInc="{n}"') for n in range(3))
    element = element.replace(channel, three).replace('Unit="m" BytesInc="1"', 'Unit="m" BytesInc="3"')
    element = element.replace('Unit="m" BytesInc="24"', 'Unit="m" BytesInc="72"').replace('Size="480"', 'Size="1440"')
    with pytest.raises(AxesError):
        read(lif(tmp_path / "a.lif", [(pixels, element)]))
