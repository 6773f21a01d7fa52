from __future__ import annotations

import datetime as dt

import numpy as np

from metrology.imaging.lsm import metadata_from_info
from metrology.imaging.mosaics import TileGrid
from metrology.imaging.readers import read
from tests.factories.image_files import lsm

INFO = {
    "VoxelSizeX": 1.1e-7,
    "VoxelSizeY": 1.1e-7,
    "VoxelSizeZ": 5e-7,
    "DimensionZ": 20,
    "ChannelColors": {"ColorNames": ["Ch1", "NDD-T1"]},
    "ScanInformation": {
        "Name": "4 um marbles",
        "Objective": "Plan-Apochromat 63x/1.4 Oil DIC",
        "ZoomX": 2.0,
        "Sample0time": 39083.5,
        "Tracks": [
            {
                "Acquire": 1,
                "SamplingNumber": 4,
                "DetectionChannels": [
                    {"Acquire": 1, "ChannelName": "Ch1", "DetectorGainFirst": 650.0, "PinholeDiameter": 9.6e-5},
                    {"Acquire": 0, "ChannelName": "Ch2"},
                    {"Acquire": 1, "ChannelName": "NDD-T1", "AmplifierOffsFirst": -0.1},
                ],
                "IlluminationChannels": [
                    {"Aquire": 1, "Wavelength": 488.0, "Power": 5.0},
                    {"Aquire": 0, "Wavelength": 543.0},
                ],
                "DataChannels": [{"BitsPerSample": 12}, {"BitsPerSample": 12}],
            },
            {"Acquire": 0, "DetectionChannels": [{"Acquire": 1, "ChannelName": "never"}]},
        ],
    },
}


def test_lsm_header_gives_lengths_in_micrometres_and_the_scan_settings():
    found = metadata_from_info(INFO)
    wanted = {
        "pixel_size_um": 0.11,
        "z_step_um": 0.5,
        "image_name": "4 um marbles",
        "objective_name": "Plan-Apochromat 63x/1.4 Oil DIC",
        "numerical_aperture": 1.4,
        "magnification": 63.0,
        "immersion": "Oil",
        "zoom": 2.0,
        "averaging": 4,
        "lasers": "488 nm 5 %",
        "bit_depth": 12,
        "acquired_at": dt.datetime(2007, 1, 1, 12, 0),  # noqa: DTZ001 (LSM states no time zone)
    }
    assert {name: sourced.value for name, sourced in found.fields.items()} == wanted
    assert found.fields["pixel_size_um"].source == "LSM VoxelSizeX"


def test_lsm_channels_are_the_recorded_ones_in_order():
    found = metadata_from_info(INFO)
    assert [channel["name"].value for channel in found.channels] == ["Ch1", "NDD-T1"]
    assert found.channel_value(0, "gain") == 650.0
    assert found.channel_value(0, "pinhole_um") == 96.0
    assert found.channel_value(1, "offset") == -0.1
    assert [found.channel_value(c, "excitation_nm") for c in (0, 1)] == [488.0, 488.0]


def test_an_empty_lsm_header_says_nothing_rather_than_guessing():
    found = metadata_from_info({})
    assert (dict(found.fields), found.channels) == ({}, ())


def test_an_intact_lsm_gives_its_channels_slices_and_settings(tmp_path):
    """Written here from the format's description: a page holds all channels of a slice, a thumbnail follows it."""
    pixels = np.random.default_rng(1).integers(0, 4000, (4, 3, 20, 24), dtype=np.uint16)  # Z, C, Y, X
    path = lsm(
        tmp_path / "content-decides.tif",
        pixels,
        recording={"Objective": "Plan-Apochromat 63x/1.4 Oil DIC", "ZoomX": 2.0, "ScanDirection": 1},
        track={"Acquire": 1, "SamplingNumber": 4, "PixelTime": 1.6},
        laser={"Wavelength": 488.0, "Power": 5.0, "Aquire": 1},
        detector={"ChannelName": "Ch1", "DetectorGainFirst": 650.0, "Acquire": 1, "PointDetectorName": "PMT1"},
    )
    stack = read(path)
    assert (stack.file_format, stack.shape_tczyx) == ("Zeiss LSM", (1, 3, 4, 20, 24))
    for c, z in np.ndindex(3, 4):
        np.testing.assert_array_equal(stack.plane(c=c, z=z), pixels[z, c])
    assert "images_in_file" not in stack.metadata  # thumbnails are no images
    fields = {name: one.value for name, one in stack.metadata.fields.items() if one.source.startswith("LSM")}
    assert fields == {
        "pixel_size_um": 0.11,
        "z_step_um": 0.5,
        "objective_name": "Plan-Apochromat 63x/1.4 Oil DIC",
        "numerical_aperture": 1.4,
        "magnification": 63.0,
        "immersion": "Oil",
        "zoom": 2.0,
        "scan_direction": "both ways",
        "averaging": 4,
        "pixel_dwell_us": 1.6,
        "lasers": "488 nm 5 %",
    }
    assert {name: one.value for name, one in stack.metadata.channels[2].items()} == {
        "name": "Ch1",
        "detector_name": "PMT1",
        "gain": 650.0,
        "excitation_nm": 488.0,
        "laser_line_nm": 488.0,
        "laser_power": 5.0,
        "laser_power_unit": "%",
    }


def test_tiles_of_an_lsm_become_a_mosaic_by_their_positions(tmp_path):
    tiles = np.random.default_rng(2).integers(0, 4000, (4, 3, 20, 24), dtype=np.uint16)  # tile, C, Y, X of 0.11 µm
    step_y, step_x = 18 * 1.1e-7, 20 * 1.1e-7
    positions = [(0, 0, 0), (step_x, 0, 0), (step_x, step_y, 0), (0, step_y, 0)]
    stack = read(lsm(tmp_path / "a.lsm", tiles, tiles_m=positions))
    assert stack.tile_grid == TileGrid(2, 2, (20, 24), (2, 4))
    for c in range(3):
        for where, number in zip(stack.tile_grid.slices(), (0, 1, 3, 2), strict=True):
            np.testing.assert_array_equal(stack.plane(c=c)[where][2:-2, 4:-4], tiles[number, c][2:-2, 4:-4])


def test_tiles_of_an_lsm_without_a_grid_are_counted_and_the_first_is_read(tmp_path):
    tiles = np.random.default_rng(2).integers(0, 4000, (3, 3, 20, 24), dtype=np.uint16)
    stack = read(lsm(tmp_path / "a.lsm", tiles, tiles_m=[(0, 0, 0)] * 3))
    assert (stack.shape_tczyx, stack.metadata.require("images_in_file")) == ((1, 3, 1, 20, 24), 3)
    np.testing.assert_array_equal(stack.plane(c=2), tiles[0, 2])
