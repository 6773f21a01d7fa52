"""CZI written by Zeiss's own library: tile scans, scenes, stacks and what is wrong with files."""

from __future__ import annotations

import struct
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from pylibCZIrw import czi as libczi

from common.errors import AxesError, TooLargeError, UnreadableImageError
from metrology.imaging.czi_metadata import metadata_from_xml
from metrology.imaging.mosaics import TileGrid
from metrology.imaging.readers import read
from tests.factories.image_files import czi

RNG = np.random.default_rng(5)
BIG = RNG.integers(0, 4000, (100, 150), dtype=np.uint16)


def _tiles(*, jitter=((0, 0),) * 6, plane=None, scene=0, at=(0, 0)):
    """2 × 3 fields of 55 × 60 pixels cut from one image, overlapping by 10 and 15."""
    tiles = []
    for number, (row, column) in enumerate(np.ndindex(2, 3)):
        top, left = row * 45 + jitter[number][0], column * 45 + jitter[number][1]
        pixels = np.ascontiguousarray(BIG[top : top + 55, left : left + 60])
        tiles.append((pixels, (left + at[0], top + at[1]), plane or {"C": 0}, scene))
    return tiles


def test_a_tile_scan_becomes_one_mosaic_with_its_grid(tmp_path):
    stack = read(czi(tmp_path / "a.czi", _tiles(at=(-700, 4000)), scale_um=0.2))
    np.testing.assert_array_equal(stack.plane(), BIG)
    assert stack.tile_grid == TileGrid(2, 3, (55, 60), (10, 15))
    fields = [stack.plane()[where] for where in stack.tile_grid.slices()]
    assert [field.shape for field in fields] == [(55, 60)] * 6
    found = stack.metadata.fields["fields_of_view"]
    assert (found.value, found.source.startswith("CZI SubBlock: 2 rows × 3 columns")) == (6, True)
    assert stack.metadata.require("pixel_size_um") == pytest.approx(0.2)


def test_the_grid_of_a_stage_that_stops_off_its_marks_lies_inside_the_mosaic(tmp_path):
    stack = read(czi(tmp_path / "a.czi", _tiles(jitter=((0, 0), (1, -2), (0, 0), (0, 2), (-2, 1), (-1, -3)))))
    grid = stack.tile_grid
    assert (grid.rows, grid.columns, grid.tile_shape) == (2, 3, (55, 60))
    assert all(grid.shape_yx[axis] <= stack.shape_tczyx[3 + axis] for axis in (0, 1))


def test_of_several_scenes_the_first_is_read_and_all_are_counted(tmp_path):
    other = [(BIG[:30, :30].copy(), (5000, 5000), {"C": 0}, 1)]
    stack = read(czi(tmp_path / "a.czi", _tiles() + other))
    assert (stack.shape_tczyx, stack.metadata.require("images_in_file")) == ((1, 1, 1, 100, 150), 2)
    np.testing.assert_array_equal(stack.plane(), BIG)


@pytest.mark.parametrize("compression", [None, "zstd0:ExplicitLevel=3", "zstd1:ExplicitLevel=3"])
def test_every_plane_of_a_stack_over_time_is_where_it_belongs(tmp_path, compression):
    planes = RNG.integers(0, 4000, (2, 3, 4, 40, 48), dtype=np.uint16)
    tiles = [(planes[t, c, z], (0, 0), {"T": t, "C": c, "Z": z}, 0) for t, c, z in np.ndindex(2, 3, 4)]
    stack = read(czi(tmp_path / "a.czi", tiles, scale_um=0.3, compression=compression))
    assert stack.shape_tczyx == planes.shape
    for t, c, z in np.ndindex(2, 3, 4):
        np.testing.assert_array_equal(stack.plane(t=t, c=c, z=z), planes[t, c, z])
    assert stack.metadata.require("z_step_um") == pytest.approx(0.3)


def test_a_missing_plane_is_not_shown_as_black(tmp_path):
    tiles = [(BIG, (0, 0), {"C": c, "Z": z}, 0) for c, z in [(0, 0), (0, 1), (1, 0)]]
    with pytest.raises(UnreadableImageError, match="damaged") as caught:
        read(czi(tmp_path / "a.czi", [*tiles, (BIG[:9, :9].copy(), (0, 0), {"C": 0, "Z": 0}, 0)]))
    assert caught.value.details["reason"] == "1 planes are missing"


def test_fields_far_apart_are_refused_before_a_plane_of_black_is_made(tmp_path):
    tiles = [(BIG, (0, 0), {"C": 0}, 0), (BIG, (30_000, 30_000), {"C": 0}, 0)]
    with pytest.raises(AxesError, match="far apart"):
        read(czi(tmp_path / "a.czi", tiles))


def test_a_colour_czi_is_refused(tmp_path):
    with libczi.create_czi(str(tmp_path / "a.czi")) as out:
        out.write(data=np.zeros((20, 20, 3), np.uint8))
        out.write_metadata()
    with pytest.raises(AxesError, match="RGB"):
        read(tmp_path / "a.czi")


def test_a_czi_over_the_limit_is_too_large(tmp_path):
    with pytest.raises(TooLargeError, match="allowed"):
        read(czi(tmp_path / "a.czi", _tiles()), max_pixels=14_999)


LASER_SCAN = """<ImageDocument><Metadata><Information>
 <Application><Name>ZEN</Name></Application>
 <Image><SizeZ>3</SizeZ><ComponentBitCount>12</ComponentBitCount>
  <AcquisitionDateAndTime>2021-05-04T10:20:30.1234567Z</AcquisitionDateAndTime>
  <ObjectiveSettings><ObjectiveRef Id="Objective:1"/></ObjectiveSettings>
  <Dimensions><Channels><Channel Id="Channel:0" Name="Ch1">
   <ExcitationWavelength>488</ExcitationWavelength><PinholeSizeAiry>1.0</PinholeSizeAiry><PinholeSize>4.2E-05</PinholeSize>
   <DetectionWavelength><Ranges>493-630</Ranges></DetectionWavelength>
   <LaserScanInfo><ScanningMode>Plane</ScanningMode><Averaging>4</Averaging><ZoomX>2.5</ZoomX>
    <PixelTime>1.6E-06</PixelTime><LineTime>0.002</LineTime></LaserScanInfo>
   <DetectorSettings><Gain>720</Gain><DigitalGain>1</DigitalGain><Offset>-3</Offset>
    <Detector Id="Detector:1"/></DetectorSettings>
   <LightSourcesSettings><LightSourceSettings><LightSource Id="Laser:1"/><Attenuation>0.98</Attenuation>
    <Wavelength>488</Wavelength></LightSourceSettings></LightSourcesSettings>
  </Channel></Channels></Dimensions></Image>
 <Instrument><Microscopes><Microscope Id="Microscope:1" Name="LSM"><Manufacturer><Manufacturer>Carl Zeiss</Manufacturer>
   <Model>LSM 880</Model><SerialNumber>2811000123</SerialNumber></Manufacturer></Microscope></Microscopes>
  <Detectors><Detector Id="Detector:1" Name="ChS1"><Type>PMT</Type></Detector></Detectors>
  <LightSources><LightSource Id="Laser:1" Name="Argon"/></LightSources>
  <Objectives><Objective Id="Objective:1" Name="63x"><LensNA>1.4</LensNA><Immersion>Oil</Immersion>
   <NominalMagnification>63</NominalMagnification></Objective><Objective Id="Objective:2"><LensNA>0.3</LensNA></Objective>
  </Objectives></Instrument></Information>
 <Scaling><Items><Distance Id="X"><Value>8E-08</Value></Distance><Distance Id="Y"><Value>9E-08</Value></Distance>
  <Distance Id="Z"><Value>3E-07</Value></Distance></Items></Scaling></Metadata></ImageDocument>"""


def test_settings_of_a_laser_scan_are_found_with_their_places():
    found = metadata_from_xml(ET.fromstring(LASER_SCAN))  # noqa: S314 (our own text)
    fields = {name: one.value for name, one in found.fields.items()}
    assert fields.pop("acquired_at").isoformat() == "2021-05-04T10:20:30.123456+00:00"
    assert fields == {
        "bit_depth": 12,
        "software": "ZEN",
        "pixel_size_um": 0.08,
        "pixel_size_y_um": 0.09,
        "z_step_um": 0.3,
        "instrument_name": "Carl Zeiss LSM 880",
        "instrument_serial": "2811000123",
        "objective_name": "63x",
        "numerical_aperture": 1.4,
        "magnification": 63.0,
        "immersion": "Oil",
        "zoom": 2.5,
        "averaging": 4,
        "pixel_dwell_us": 1.6,
        "scan_speed": 500.0,
        "scan_mode": "Plane",
    }
    assert {name: one.value for name, one in found.channels[0].items()} == {
        "name": "Ch1",
        "excitation_nm": 488.0,
        "detection_nm": "493-630",
        "detector_name": "ChS1",
        "detector_type": "PMT",
        "gain": 720.0,
        "digital_gain": 1.0,
        "offset": -3.0,
        "pinhole_au": 1.0,
        "pinhole_um": 42.0,
        "light_source": "Argon",
        "laser_line_nm": 488.0,
        "laser_power": 2.0,
        "laser_power_unit": "%",
    }
    assert found.channels[0]["laser_power"].source == "CZI LightSourceSettings Attenuation"


def test_an_empty_header_says_nothing():
    found = metadata_from_xml(ET.fromstring("<ImageDocument/>"))  # noqa: S314 (our own text)
    assert (dict(found.fields), found.channels) == ({}, ())


def test_an_entry_of_more_dimensions_than_the_format_has_is_refused_before_the_library_falls_over_it(tmp_path):
    """Given to libCZI, such a file ends the process."""
    path = czi(tmp_path / "a.czi", _tiles())
    content = bytearray(path.read_bytes())
    directory = struct.unpack_from("<Q", content, 32 + 52)[0]
    assert content[directory : directory + 15] == b"ZISRAWDIRECTORY"
    struct.pack_into("<I", content, directory + 32 + 128 + 28, 127)  # dimensions of the first entry
    path.write_bytes(content)
    with pytest.raises(UnreadableImageError, match="damaged") as caught:
        read(path)
    assert caught.value.details["reason"] == "an entry b'DV' of 127 dimensions"


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (36, 2**40, "ZISRAWDIRECTORY at"),  # of the directory, in the file's header
        (44, 4, "no whole ZISRAWMETADATA at 4"),
    ],
)
def test_a_place_that_holds_no_such_segment_is_refused(tmp_path, place, value, reason):
    path = czi(tmp_path / "a.czi", _tiles())
    content = bytearray(path.read_bytes())
    struct.pack_into("<Q", content, 32 + 16 + place, value)
    path.write_bytes(content)
    with pytest.raises(UnreadableImageError, match="damaged") as caught:
        read(path)
    assert caught.value.details["reason"].startswith(reason)


def test_a_claim_of_planes_that_are_not_there_is_refused(tmp_path):
    """A single field at a time that nobody waits for: libCZI counts all the planes up to it, one by one."""
    tiles = [(BIG, (0, 0), {"T": t}, 0) for t in (0, 200_000_000)]
    with pytest.raises(UnreadableImageError, match="damaged") as caught:
        read(czi(tmp_path / "a.czi", tiles))
    assert caught.value.details["reason"] == "claims 200000001 planes and has 2 fields"
