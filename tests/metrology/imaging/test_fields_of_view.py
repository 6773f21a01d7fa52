"""Several images in one file: OME-TIFF at stage positions or in wells, ND2 at stage positions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from common.errors import UnreadableImageError
from metrology.imaging import nikon
from metrology.imaging.mosaics import TileGrid
from metrology.imaging.readers import read
from metrology.imaging.stack import Metadata, Sourced
from tests.factories.image_files import ome_fields

FIELDS = [np.random.default_rng(n).integers(0, 4000, (32, 40), dtype=np.uint16) for n in range(4)]
# pixels of 0.2 µm: fields are 6.4 µm high and 8 µm wide, and overlap by 4 and 5 pixels
MEANDER = [(100.0, 50.0), (100.0, 57.0), (105.6, 57.02), (105.6, 50.0)]


@pytest.mark.parametrize("by", ["plane", "label"])
def test_images_at_stage_positions_become_one_mosaic(tmp_path, by):
    stack = read(ome_fields(tmp_path / "a.ome.tif", FIELDS, MEANDER, by=by))
    assert stack.shape_tczyx == (1, 1, 1, 60, 75)
    assert stack.tile_grid == TileGrid(2, 2, (32, 40), (4, 5))
    for where, number in zip(stack.tile_grid.slices(), (0, 1, 3, 2), strict=True):
        np.testing.assert_array_equal(stack.plane()[where][5:-5, 6:-6], FIELDS[number][5:-5, 6:-6])
    found = stack.metadata.fields["fields_of_view"]
    assert found.value == 4
    assert found.source == (
        "OME-XML: 2 rows × 2 columns by stage position, x to the right and y down, "
        "overlapping by 4 px down and 5 px across"
    )
    assert "images_in_file" not in stack.metadata


def test_positions_in_millimetres_are_the_same_positions(tmp_path):
    in_mm = [(y / 1000, x / 1000) for y, x in MEANDER]
    stack = read(ome_fields(tmp_path / "a.ome.tif", FIELDS, in_mm, unit="mm"))
    assert stack.tile_grid == TileGrid(2, 2, (32, 40), (4, 5))


def test_wells_of_a_plate_are_laid_edge_to_edge(tmp_path):
    stack = read(ome_fields(tmp_path / "a.ome.tif", FIELDS, wells=[(1, 2), (1, 3), (2, 2), (2, 3)]))
    assert stack.tile_grid == TileGrid(2, 2, (32, 40))
    np.testing.assert_array_equal(stack.plane(), np.block([[FIELDS[0], FIELDS[1]], [FIELDS[2], FIELDS[3]]]))
    assert "edge to edge" in stack.metadata.fields["fields_of_view"].source


@pytest.mark.parametrize(
    "options",
    [
        {"positions": None},
        {"positions": MEANDER, "unit": "reference frame"},  # nobody knows how long that is
        {"positions": [(0, 0), (0, 7), (0, 30), (90, 7)]},
        {"positions": MEANDER, "size": ""},  # the overlap in pixels is not known
        {"wells": [(0, 0), (0, 1), (1, 0), (1, 0)]},
    ],
)
def test_images_that_form_no_grid_are_counted_and_the_first_is_read(tmp_path, options):
    stack = read(ome_fields(tmp_path / "a.ome.tif", FIELDS, **options))
    assert (stack.tile_grid, stack.metadata.require("images_in_file")) == (None, 4)
    np.testing.assert_array_equal(stack.plane(), FIELDS[0])


def test_images_of_different_sizes_are_not_joined(tmp_path):
    stack = read(ome_fields(tmp_path / "a.ome.tif", [FIELDS[0], FIELDS[1][:20]], MEANDER[:2]))
    assert stack.metadata.require("images_in_file") == 2


def test_a_field_of_a_mosaic_is_checked_like_the_first(tmp_path):
    """A later field whose pixels lie beyond the end of the file."""
    path = ome_fields(tmp_path / "a.ome.tif", FIELDS, MEANDER)
    content = path.read_bytes()
    path.write_bytes(content[:-500])
    with pytest.raises(UnreadableImageError, match="damaged"):
        read(path)


def test_positions_of_an_nd2_are_joined_by_where_the_stage_stood():
    points = [SimpleNamespace(stagePositionUm=SimpleNamespace(x=x, y=y, z=0.0)) for y, x in MEANDER]
    loop = SimpleNamespace(type="XYPosLoop", parameters=SimpleNamespace(points=points))
    opened = SimpleNamespace(experiment=[SimpleNamespace(type="TimeLoop"), loop])
    metadata = Metadata({"pixel_size_um": Sourced(0.2, "ND2")})
    sizes = {"P": 4, "Y": 32, "X": 40}
    found = nikon._layout(opened, sizes, metadata)
    assert (found.grid, found.order) == (TileGrid(2, 2, (32, 40), (4, 5)), (0, 1, 3, 2))
    assert nikon._layout(opened, sizes, Metadata()) is None
    assert nikon._layout(SimpleNamespace(experiment=[]), sizes, metadata) is None


def test_a_frame_of_an_nd2_is_found_by_its_step_in_each_loop():
    asked = []

    def frame(number):
        asked.append(number)
        return np.zeros((2, 32, 40), np.uint16)

    sizes = {"T": 3, "P": 4, "Z": 5, "C": 2, "Y": 32, "X": 40}
    opened = SimpleNamespace(read_frame=frame)
    nikon._decoder(opened, sizes, ["T", "P", "Z"], 2)(1, 1, 3)
    assert asked == [1 * 20 + 2 * 5 + 3]


@pytest.mark.parametrize(
    ("offsets", "packed", "reason"),
    [
        ({0: 4096, 2: 8192}, False, "1 of 3 frames are missing"),
        ({0: 4096, 1: 8192, 2: 10**9}, False, "frames beyond the end of the file"),
        ({0: 100, 1: 100, 2: 100}, False, "claims 7680 bytes of pixels but stores 5000"),
    ],
)
def test_frames_of_an_nd2_that_the_library_would_show_as_black_are_refused(tmp_path, offsets, packed, reason):
    path = tmp_path / "a.nd2"
    path.write_bytes(bytes(5000 if offsets[0] == offsets.get(1) else 20_000))
    attributes = SimpleNamespace(heightPx=32, widthBytes=80, compressionType="lossless" if packed else None)
    opened = SimpleNamespace(_rdr=SimpleNamespace(_frame_offsets=offsets), attributes=attributes)
    with pytest.raises(UnreadableImageError, match=r"Nikon ND2 file a\.nd2 is damaged") as caught:
        nikon._check_claims(path, opened, frames=3)
    assert caught.value.details["reason"] == reason


def test_a_packed_nd2_that_would_expand_beyond_real_images_is_refused(tmp_path):
    path = tmp_path / "a.nd2"
    path.write_bytes(bytes(5000))
    attributes = SimpleNamespace(heightPx=10_000, widthBytes=20_000, compressionType="lossless")
    opened = SimpleNamespace(_rdr=SimpleNamespace(_frame_offsets={0: 4096}), attributes=attributes)
    with pytest.raises(UnreadableImageError, match="damaged"):
        nikon._check_claims(path, opened, frames=1)
