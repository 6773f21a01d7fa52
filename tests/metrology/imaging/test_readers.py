from __future__ import annotations

import datetime as dt
import io
import json
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from common.errors import AxesError, TooLargeError, UnreadableImageError
from common.image_formats import HEAD_BYTES, check_head
from metrology.imaging.readers import read
from tests.factories.image_files import ome_fields

OIF = '\ufeff[Acquisition Parameters Common]\r\nAcquisition Device="FV1000"\r\n'.encode("utf-16-le")
XLEF = b'<?xml version="1.0"?><LMSDataContainerHeader Version="2"><Element Name="p"/></LMSDataContainerHeader>'
PLANE = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50)


def _write(path, pixels, **options):
    tifffile.imwrite(path, pixels, **options)
    return path


def test_plain_tiff_becomes_tczyx_with_its_pixels_unchanged(tmp_path):
    stack = read(_write(tmp_path / "a.tif", PLANE))
    assert stack.shape_tczyx == (1, 1, 1, 40, 50)
    np.testing.assert_array_equal(stack.plane(), PLANE)


def test_pixels_cannot_be_changed_by_who_reads_them(tmp_path):
    stack = read(_write(tmp_path / "a.tif", PLANE))
    with pytest.raises(ValueError, match="read-only"):
        stack.plane()[0, 0] = 1


def test_effective_bit_depth_of_12_bit_data_in_16_bits_is_12_and_says_from_where(tmp_path):
    stack = read(_write(tmp_path / "a.tif", np.full((9, 9), 4095, np.uint16)))
    assert stack.bit_depth == 12
    assert stack.metadata.fields["bit_depth"].source == "largest value in the file"


def test_imagej_hyperstack_keeps_time_channel_z_and_spacing(tmp_path):
    pixels = np.arange(2 * 3 * 4 * 10 * 12, dtype=np.uint16).reshape(2, 3, 4, 10, 12)  # TZCYX
    options = {"imagej": True, "resolution": (5.0, 5.0), "metadata": {"axes": "TZCYX", "unit": "um", "spacing": 0.3}}
    stack = read(_write(tmp_path / "a.tif", pixels, **options))
    assert stack.shape_tczyx == (2, 4, 3, 10, 12)
    np.testing.assert_array_equal(stack.plane(t=1, c=2, z=1), pixels[1, 1, 2])
    assert stack.metadata.require("pixel_size_um") == pytest.approx(0.2)
    assert stack.metadata.require("z_step_um") == pytest.approx(0.3)


def test_big_endian_pixels_come_in_native_order(tmp_path):
    stack = read(_write(tmp_path / "a.tif", PLANE, byteorder=">"))
    assert stack.dtype.isnative
    np.testing.assert_array_equal(stack.plane(), PLANE)


def test_ome_metadata_is_read_with_the_source_of_each_field(tmp_path):
    metadata = {
        "axes": "ZCYX",
        "Name": "Marbles, week 12",
        "PhysicalSizeX": 110.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.11,
        "PhysicalSizeYUnit": "µm",
        "PhysicalSizeZ": 0.5,
        "SignificantBits": 12,
        "AcquisitionDate": "2024-05-03T10:20:30Z",
        "Channel": {"Name": ["ChS1", "NDD"], "ExcitationWavelength": [488.0, 561.0]},
    }
    pixels = np.zeros((3, 2, 16, 16), np.uint16)
    pixels[1, 1] = 7
    stack = read(_write(tmp_path / "a.ome.tif", pixels, metadata=metadata, photometric="minisblack"))
    found = stack.metadata
    assert stack.shape_tczyx == (1, 2, 3, 16, 16)
    assert stack.plane(c=1, z=1)[0, 0] == 7
    assert found.require("pixel_size_um") == pytest.approx(0.11)
    assert "pixel_size_y_um" not in found
    assert found.fields["pixel_size_um"].source == "OME-XML PhysicalSizeX"
    assert found.require("z_step_um") == 0.5
    assert found.require("image_name") == "Marbles, week 12"
    assert found.require("acquired_at") == dt.datetime(2024, 5, 3, 10, 20, 30, tzinfo=dt.UTC)
    assert stack.bit_depth == 12
    assert [found.channel_value(c, "name") for c in (0, 1)] == ["ChS1", "NDD"]
    assert [found.channel_value(c, "excitation_nm") for c in (0, 1)] == [488.0, 561.0]
    assert json.loads(json.dumps(found.as_json()))["channels"][1]["name"] == {
        "value": "NDD",
        "source": "OME-XML Channel Name",
    }


def test_whole_numbers_in_32_bit_floats_become_counts_again(tmp_path):
    stack = read(_write(tmp_path / "a.tif", PLANE.astype(np.float32)))
    assert stack.dtype == np.uint16
    np.testing.assert_array_equal(stack.plane(), PLANE)


def test_a_date_tag_is_taken_as_stated_without_a_time_zone(tmp_path):
    stack = read(_write(tmp_path / "a.tif", PLANE, datetime="2023:04:05 06:07:08"))
    stated = stack.metadata.require("acquired_at")
    assert (stated.isoformat(), stated.tzinfo) == ("2023-04-05T06:07:08", None)


def test_a_printers_resolution_is_not_taken_for_a_pixel_size(tmp_path):
    stack = read(_write(tmp_path / "a.tif", PLANE, resolution=(72, 72), resolutionunit="INCH"))
    assert "pixel_size_um" not in stack.metadata


def test_centimetre_resolution_gives_the_pixel_size(tmp_path):
    stack = read(_write(tmp_path / "a.tif", PLANE, resolution=(50000, 40000), resolutionunit="CENTIMETER"))
    assert stack.metadata.require("pixel_size_um") == pytest.approx(0.2)
    assert stack.metadata.require("pixel_size_y_um") == pytest.approx(0.25)


def test_several_images_in_a_file_are_counted(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as out:
        out.write(PLANE, metadata=None)
        out.write(np.zeros((12, 12), np.uint8), metadata=None)
    assert read(tmp_path / "a.tif").metadata.require("images_in_file") == 2


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(buffer, "png")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (_png(), "PNG"),
        (b"\xff\xd8\xff\xe0 a photograph", "JPEG"),
        (b"ZISRAWFILE" + bytes(30), "Zeiss CZI file image.tif is damaged"),
        (b"\xda\xce\xbe\n" + bytes(30), "Nikon ND2 file image.tif is damaged"),
        (b"p\x00\x00\x00" + bytes(30), "Leica LIF file image.tif is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Olympus OIB file image.tif is damaged"),
        (b"\x00\x00\x00\x0cjP  " + bytes(30), "JPEG 2000"),
        (b"lorem ipsum dolor", "unknown format"),
        (b"II*\x00", "damaged"),
        (b"II*\x00\xff\xff\xff\x7f" + bytes(30), "damaged"),
    ],
)
def test_what_is_no_readable_image_is_refused_by_its_content(tmp_path, content, words):
    path = tmp_path / "image.tif"
    path.write_bytes(content)
    with pytest.raises(UnreadableImageError, match=words):
        read(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UnreadableImageError, match="cannot be opened"):
        read(tmp_path / "none.tif")


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_a_truncated_tiff_is_refused_as_damaged(tmp_path, kept, compression):
    noise = np.random.default_rng(1).integers(0, 4095, (3, 64, 64), dtype=np.uint16)
    path = _write(tmp_path / "a.tif", noise, compression=compression, photometric="minisblack")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UnreadableImageError, match="damaged"):
        read(path)


def _header_claiming(width: int, height: int, *, compression: int) -> bytes:
    """Build a TIFF of 2 kB whose header promises a large image."""
    entries = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, 16),
        (259, 3, compression),
        (262, 3, 1),
        (273, 4, 200),
        (277, 3, 1),
    ]
    entries += [(278, 4, height), (279, 4, 1800)]
    packed = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + packed + bytes(4)
    return head.ljust(2048, b"\x00")


@pytest.mark.parametrize("compression", [1, 5, 8])
def test_a_3_gb_claim_in_a_2_kb_header_is_refused_before_memory_is_taken(tmp_path, compression):
    path = tmp_path / "bomb.tif"
    path.write_bytes(_header_claiming(40_000, 40_000, compression=compression))
    with pytest.raises(UnreadableImageError, match="damaged") as caught:
        read(path)
    assert "3200000000" in caught.value.details["reason"]


def test_a_flat_field_that_compresses_well_is_still_read(tmp_path):
    path = _write(tmp_path / "a.tif", np.full((2048, 2048), 9, np.uint16), compression="zlib")
    assert read(path).plane()[1000, 1000] == 9


def test_an_image_over_the_limit_is_too_large(tmp_path):
    with pytest.raises(TooLargeError, match="allowed") as caught:
        read(_write(tmp_path / "a.tif", PLANE), max_pixels=1999)
    assert caught.value.details == {"pixels": 2000, "max_pixels": 1999}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_pixels_that_are_not_finite_are_refused(tmp_path, bad):
    pixels = PLANE.astype(np.float32)
    pixels[3, 4] = bad
    with pytest.raises(UnreadableImageError, match="not finite"):
        read(_write(tmp_path / "a.tif", pixels))


def test_complex_pixels_are_refused(tmp_path):
    with pytest.raises(UnreadableImageError, match="complex64"):
        read(_write(tmp_path / "a.tif", PLANE.astype(np.complex64)))


def test_a_colour_picture_is_refused(tmp_path):
    with pytest.raises(AxesError, match="RGB"):
        read(_write(tmp_path / "a.tif", np.zeros((20, 20, 3), np.uint8), photometric="rgb"))


def test_unknown_axes_are_refused(tmp_path):
    pixels = np.zeros((2, 3, 16, 16), np.uint8)
    with pytest.raises(AxesError, match="axes that Strehl does not know"):
        read(_write(tmp_path / "a.tif", pixels, photometric="minisblack"))


def test_an_image_smaller_than_8_pixels_is_refused(tmp_path):
    with pytest.raises(AxesError, match="only 7 × 30 pixels"):
        read(_write(tmp_path / "a.tif", np.zeros((30, 7), np.uint8)))


def test_counts_beyond_16_bits_are_refused(tmp_path):
    with pytest.raises(AxesError, match="does not fit 16 bits"):
        read(_write(tmp_path / "a.tif", np.full((9, 9), 70000, np.uint32)))


def test_xml_entities_are_refused_before_they_are_expanded(tmp_path):
    xml = '<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY a "aaaa">]><OME>&a;</OME>'
    with pytest.raises(UnreadableImageError, match="entities"):
        read(_write(tmp_path / "a.ome.tif", PLANE, description=xml, metadata=None))


def test_damaged_ome_xml_is_refused_with_a_next_step(tmp_path):
    xml = '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels'
    with pytest.raises(UnreadableImageError, match="Export the image again"):
        read(_write(tmp_path / "a.ome.tif", PLANE, description=xml, metadata=None))


@pytest.mark.real_data
def test_a_real_lsm_with_a_broken_chain_is_read_and_names_its_maker(real_data):
    stack = read(real_data / "field" / "lsm_homogeneous_488.tif")
    assert stack.shape_tczyx == (1, 1, 1, 512, 512)
    assert stack.plane()[219, 305] == stack.plane().max() == 150
    assert stack.metadata.require("instrument_name").startswith(
        "Carl Zeiss Jena, Germany Laser Scan Microscope - LSM 5"
    )
    assert "pixel_size_um" not in stack.metadata


@pytest.mark.real_data
def test_pages_without_named_axes_are_slices_and_the_metadata_says_so(real_data):
    stack = read(real_data / "beads" / "pyotf_psf_520nm.tif")
    assert stack.shape_tczyx == (1, 1, 25, 256, 256)
    assert "taken as slices" in stack.metadata.fields["axes"].source


@pytest.mark.real_data
def test_every_real_tiff_is_read(real_data):
    for path in sorted(real_data.rglob("*.tif*")):
        assert min(read(path).shape_tczyx[-2:]) >= 128


def test_the_reader_refuses_what_the_door_refuses_with_the_same_words(tmp_path):
    for head in (
        b"\x89PNG\r\n",
        b"\xff\xd8\xff\xe0",
        b"BM12",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"\x89HDF",
        b"words",
        OIF,
        XLEF,
    ):
        path = tmp_path / "image.bin"
        path.write_bytes(head)
        with pytest.raises(UnreadableImageError) as at_the_door:
            check_head(head[:HEAD_BYTES], name=path.name)
        with pytest.raises(UnreadableImageError) as inside:
            read(path)
        assert str(inside.value) == str(at_the_door.value)


def test_pages_of_an_ome_tiff_written_under_another_name_are_read_with_their_axes(tmp_path):
    """Stored files are named by their content; tifffile takes the old name for another file."""
    path = ome_fields(tmp_path / "a.ome.tif", [PLANE])
    uuid = '<UUID FileName="elsewhere.ome.tif">urn:uuid:1</UUID></TiffData>'
    with tifffile.TiffFile(path) as tiff:
        xml = tiff.pages.first.description.replace('PlaneCount="1"/>', f'PlaneCount="1">{uuid}')
    xml = xml.replace('SizeZ="1"', 'SizeZ="2"').replace('PlaneCount="1"', 'PlaneCount="2"')
    stack = read(_write(tmp_path / "0a1b", np.stack([PLANE, PLANE + 1]), description=xml.encode(), metadata=None))
    assert stack.file_format == "OME-TIFF"
    np.testing.assert_array_equal(stack.plane(z=1), PLANE + 1)


def test_one_of_a_set_of_ome_tiffs_is_refused_and_no_other_file_is_opened(tmp_path):
    path = ome_fields(tmp_path / "a.ome.tif", [PLANE, PLANE])
    with tifffile.TiffFile(path) as tiff:
        xml = tiff.pages.first.description
    for name in ("one", "two"):
        xml = xml.replace('PlaneCount="1"/>', f'PlaneCount="1"><UUID FileName="{name}.tif">{name}</UUID></TiffData>', 1)
    with pytest.raises(UnreadableImageError, match="one of a set of 2 files"):
        read(_write(tmp_path / "b.ome.tif", PLANE, description=xml.encode(), metadata=None))


def test_the_largest_level_of_a_pyramid_is_read(tmp_path):
    full = np.arange(256 * 256, dtype=np.uint16).reshape(256, 256)
    with tifffile.TiffWriter(tmp_path / "p.ome.tif", bigtiff=True) as out:
        out.write(full, subifds=1, tile=(64, 64), compression="zlib")
        out.write(full[::2, ::2], subfiletype=1, tile=(64, 64), compression="zlib")
    stack = read(tmp_path / "p.ome.tif")
    assert (stack.shape_tczyx, "images_in_file" in stack.metadata) == ((1, 1, 1, 256, 256), False)
    np.testing.assert_array_equal(stack.plane(), full)


def test_planes_of_every_storage_are_the_same_as_tifffile_reads_them(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 4000, (2, 3, 4, 24, 32), dtype=np.uint16)  # TZCYX
    for number, options in enumerate(
        [{}, {"compression": "zlib"}, {"tile": (16, 16)}, {"bigtiff": True}, {"byteorder": ">"}, {"compression": "lzw"}]
    ):
        path = _write(tmp_path / f"{number}.ome.tif", pixels, metadata={"axes": "TZCYX"}, **options)
        stack = read(path)
        for t, c, z in np.ndindex(2, 4, 3):
            np.testing.assert_array_equal(stack.plane(t=t, c=c, z=z), pixels[t, z, c])
        np.testing.assert_array_equal(stack.z_stack(t=1, c=2), pixels[1, :, 2])


def test_a_stated_bit_depth_that_the_pixels_exceed_is_replaced(tmp_path):
    pixels = np.zeros((2, 16, 16), np.uint16)
    pixels[1, 3, 3] = 60000
    metadata = {"axes": "TYX", "SignificantBits": 8}
    pixels[0, 3, 3] = 300
    stack = read(_write(tmp_path / "a.ome.tif", pixels, metadata=metadata, photometric="minisblack"))
    assert (stack.bit_depth, stack.metadata.fields["bit_depth"].source) == (16, "largest value in the file")
