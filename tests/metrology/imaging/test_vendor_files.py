"""Real files of each vendor: pixels as the vendor's library reads them, metadata as their raw headers print them."""

from __future__ import annotations

import datetime as dt
import shutil

import liffile
import nd2
import numpy as np
import oiffile
import pytest
import tifffile
from pylibCZIrw import czi as libczi

from common.errors import InputError, UnreadableImageError
from metrology.imaging.planes import brightest_slice
from metrology.imaging.readers import read
from metrology.imaging.stack import ImageStack

pytestmark = pytest.mark.real_data


@pytest.fixture
def formats(real_data):
    return real_data / "formats"


def _values(found):
    return {name: sourced.value for name, sourced in found.items()}


def test_pixels_of_a_czi_are_those_of_libczi(formats):
    for name in ("cell_division_t3_z5_c2.czi", "dapi_gfp.czi", "compressed.czi"):
        stack = read(formats / name)
        with libczi.open_czi(str(formats / name)) as opened:
            for t, c, z in np.ndindex(*stack.shape_tczyx[:3]):
                expected = opened.read(plane={"T": t, "C": c, "Z": z})[..., 0]
                np.testing.assert_array_equal(stack.plane(t=t, c=c, z=z), expected)


def test_a_czi_says_what_its_xml_says(formats):
    stack = read(formats / "cell_division_t3_z5_c2.czi")
    assert (stack.file_format, stack.shape_tczyx, stack.dtype) == ("Zeiss CZI", (3, 2, 5, 170, 240), np.uint16)
    fields = _values(stack.metadata.fields)
    assert fields.pop("pixel_size_um") == pytest.approx(0.090576674152210312, abs=1e-9)
    assert fields == {
        "acquired_at": dt.datetime(2016, 2, 12, 9, 41, 2, 491560, tzinfo=dt.UTC),
        "time_step_s": 60.075,
        "z_step_um": 0.32,
        "bit_depth": 16,  # the header says 14, the largest pixel is 21118
        "software": "ZEN 3.2 (blue edition) 3.2.0.00001",
        "instrument_name": "Castor.Stand",
        "objective_name": "Plan-Apochromat 50x/1.2",
        "numerical_aperture": 1.2,
        "magnification": 50.0,
        "immersion": "Water",
        "refractive_index": 1.33,
    }
    assert stack.metadata.fields["pixel_size_um"].source == "CZI Scaling Distance X"
    assert stack.metadata.fields["bit_depth"].source == "largest value in the file"
    assert [_values(one) for one in stack.metadata.channels] == [
        {
            "name": name,
            "dye": dye,
            "excitation_nm": excitation,
            "emission_nm": emission,
            "detector_name": "Axiocam506m",
            "binning": "1,1",
            "exposure_ms": exposure,
            "light_source": light,
            "laser_power": 50.0,
            "laser_power_unit": "%",
        }
        for name, dye, excitation, emission, exposure, light in [
            ("LED555", "Alexa Fluor 555", 553.0, 568.0, 100.0, "LED-Module 567nm"),
            ("LED470", "Alexa Fluor 488", 493.0, 517.0, 200.0, "LED-Module 470nm"),
        ]
    ]


def test_the_brightest_slice_of_each_channel_of_a_czi_is_found(formats):
    stack = read(formats / "cell_division_t3_z5_c2.czi")
    means = [[stack.plane(c=c, z=z).mean() for z in range(5)] for c in range(2)]
    assert [brightest_slice(stack, c) for c in range(2)] == np.argmax(means, axis=1).tolist()


def test_a_compressed_czi_that_czifile_cannot_read_is_read(formats):
    stack = read(formats / "compressed.czi")  # Zstandard; its header states no pixel size (0) and no date
    assert (stack.shape_tczyx, stack.plane().max(), stack.bit_depth) == ((1, 1, 1, 512, 512), 2056, 12)
    assert set(stack.metadata.fields) == {"image_name", "software", "bit_depth"}


def test_a_czi_of_an_unknown_scale_and_date_says_neither(formats):
    fields = _values(
        read(formats / "dapi_gfp.czi").metadata.fields
    )  # its items are pixels of 1, its dates of the year 1
    assert fields == {"bit_depth": 8, "software": "ZEN 2.3 (blue edition) 2.3.69.1000"}


def test_planes_of_a_lif_are_the_tiffs_beside_it(formats):
    stack = read(formats / "two_channel_xz.lif")
    for c, t in ((0, 0), (1, 8)):
        expected = tifffile.imread(formats / "two_channel_xz_planes" / f"xz_c{c}_t{t}.tif")
        np.testing.assert_array_equal(stack.plane(t=t, c=c), expected)
    with liffile.LifFile(formats / "two_channel_xz.lif") as opened:
        every = opened.images[0].asarray()  # T, C, Z, X
    for t, c in np.ndindex(20, 2):
        np.testing.assert_array_equal(stack.plane(t=t, c=c), every[t, c])


def test_a_lif_says_what_its_xml_says(formats):
    stack = read(formats / "two_channel_xz.lif")
    assert (stack.file_format, stack.shape_tczyx) == ("Leica LIF", (20, 2, 1, 128, 128))
    fields = _values(stack.metadata.fields)
    for name, length_m in (("pixel_size_um", 1.781554e-5), ("pixel_size_y_um", 1.78154e-5)):
        assert fields.pop(name) == pytest.approx(length_m * 1e6 / 127, rel=1e-8)
    assert fields.pop("time_step_s") == pytest.approx(10.07 / 19)
    assert fields.pop("zoom") == pytest.approx(10.35746552)
    assert fields == {
        "image_name": "xzt",
        "acquired_at": dt.datetime(2021, 3, 4, 16, 39, 17, 951000, tzinfo=dt.UTC),  # FILETIME 1d71114eb8b44f0
        "bit_depth": 8,
        "plane": "xz",
        "images_in_file": 3,
        "instrument_name": "Leica TCS SP8 DMI6000B-CS",
        "instrument_serial": "8100000201",
        "software": "LAS X 3.5.7.23225",
        "objective_name": "HC PL APO CS2 63x/1.30 GLYC",
        "numerical_aperture": 1.3,
        "magnification": 63.0,
        "immersion": "Glycerol",
        "refractive_index": 1.46,
        "averaging": 1,
        "line_averaging": 1,
        "scan_speed": 400.0,
        "scan_direction": "one way",
        "scan_mode": "xzt",
        "pixel_dwell_us": 4.875,
        "lasers": "488 nm 0.4999 %, 552 nm 50 %",
    }
    shared = {"pinhole_au": pytest.approx(0.8048189), "pinhole_um": 82.795065, "offset": pytest.approx(-0.00666667)}
    assert [_values(one) for one in stack.metadata.channels] == [
        {
            "name": "Green",
            "dye": "Leica/FITC",
            "detection_nm": "493-541",
            "detector_name": "HyD 1",
            "detector_type": "HyD",
            "gain": pytest.approx(41.50239786),
            **shared,
        },
        {
            "name": "Red",
            "dye": "Leica/TRITC",
            "detection_nm": "618-700",
            "detector_name": "HyD 3",
            "detector_type": "HyD",
            "gain": pytest.approx(105.84236423),
            **shared,
        },
    ]


def test_pixels_of_an_nd2_are_those_of_nd2(formats):
    stack = read(formats / "cluster_t3_z10_c2.nd2")
    every = nd2.imread(formats / "cluster_t3_z10_c2.nd2")  # T, Z, C, Y, X
    for t, c, z in np.ndindex(3, 2, 10):
        np.testing.assert_array_equal(stack.plane(t=t, c=c, z=z), every[t, z, c])


def test_an_nd2_says_what_its_chunks_say(formats):
    stack = read(formats / "cluster_t3_z10_c2.nd2")
    assert (stack.file_format, stack.shape_tczyx) == ("Nikon ND2", (3, 2, 10, 31, 38))
    fields = _values(stack.metadata.fields)
    assert fields.pop("pixel_size_um") == pytest.approx(0.16780898)
    assert fields == {
        # Julian day 2456827.08013700; the text of the file says 18/06/2014 15:55:27, in local time
        "acquired_at": dt.datetime(2014, 6, 18, 13, 55, 23, tzinfo=dt.UTC),
        "z_step_um": 0.5,
        "bit_depth": 12,
        "instrument_name": "Ti Microscope, Nikon A1plus",
        "objective_name": "Plan Apo λ 60x",
        "numerical_aperture": 0.95,
        "magnification": 60.0,
        "immersion": "Air",
        "refractive_index": 1.0,
        "zoom": 2.469,
        "scan_mode": "Galvano",
        "scan_direction": "one way",
        "scan_speed": 1.0,
        "lasers": "488 nm 0.5 %, 561 nm 9 %",
    }
    assert [_values(one) for one in stack.metadata.channels] == [
        {
            "name": name,
            "excitation_nm": line,
            "emission_nm": emission,
            "pinhole_um": pytest.approx(38.3141762),
            "laser_line_nm": line,
            "laser_power": power,
            "laser_power_unit": "%",
            "gain": gain,
            "offset": offset,
        }
        for name, line, emission, power, gain, offset in [
            ("5-FAM/pH 9.0", 488.0, 525.0, 0.5, 37.0, -29.0),
            ("FM 4-64/2% CHAPS", 561.0, 700.0, 9.0, 75.0, -25.0),
        ]
    ]


def test_pixels_of_an_oib_are_those_of_oiffile(formats):
    stack = read(formats / "fv1000.oib")
    every = oiffile.imread(formats / "fv1000.oib")
    for c in range(3):
        np.testing.assert_array_equal(stack.plane(c=c), every[c])


FLUOVIEW = {
    "image_name": "Cell 1 mitoEGFP.oib",
    "comment": "40xWater 488 0.3% 543 0%",
    "acquired_at": dt.datetime(2012, 7, 26, 15, 13, 35),  # noqa: DTZ001 (the file states no zone)
    "pixel_size_um": 0.177,
    "bit_depth": 12,
    "instrument_name": "Olympus FLUOVIEW FV1000",
    "software": "FLUOVIEW FV1000 2.1.2.5",
    "objective_name": "UPLFLN 40X NA:0.75",
    "numerical_aperture": 0.75,
    "magnification": 40.0,
    "zoom": 7.0,
    "scan_mode": "XY",
    "scan_direction": "one way",
    "pixel_dwell_us": 8.0,
    "scan_speed": pytest.approx(1e6 / 3152),
    "lasers": "488 nm 0.3 %",
}


def test_an_oib_says_what_its_settings_say(formats):
    stack = read(formats / "fv1000.oib")
    assert (stack.file_format, stack.shape_tczyx) == ("Olympus OIB", (1, 3, 1, 256, 256))
    assert _values(stack.metadata.fields) == FLUOVIEW
    counting = {"detector_type": "PMT, photon counting", "gain": 1.0, "offset": 0.0, "detector_voltage_v": 1050.0}
    assert [_values(one) for one in stack.metadata.channels] == [
        {
            "name": "CH1",
            "excitation_nm": 488.0,
            "detection_nm": "BA505-525",
            "pinhole_um": 100.0,
            "laser_line_nm": 488.0,
            "laser_power": 0.3,
            "laser_power_unit": "%",
            **counting,
        },
        {
            "name": "CH2",
            "dye": "Alexa Fluor 546",
            "excitation_nm": 543.0,
            "emission_nm": 572.0,
            "detection_nm": "BA575-675",
            "pinhole_um": 100.0,
            **counting,
        },
        {
            "name": "TD1",
            "excitation_nm": 543.0,
            "detector_type": "PMT, analogue",
            "gain": 1.0,
            "offset": 0.0,
            "detector_voltage_v": 172.0,
        },
    ]


@pytest.fixture
def oif(formats, tmp_path):
    """The OIB unpacked into an OIF and its folder."""
    with oiffile.OibFileSystem(formats / "fv1000.oib") as opened:
        opened.saveas_oif(str(tmp_path / "unpacked"))
    return next((tmp_path / "unpacked").glob("*.oif"))


def test_an_oif_with_its_folder_is_the_same_image_as_the_oib(formats, oif):
    from_folder, from_one = read(oif), read(formats / "fv1000.oib")
    assert from_folder.file_format == "Olympus OIF"
    assert _values(from_folder.metadata.fields) == FLUOVIEW
    for c in range(3):
        np.testing.assert_array_equal(from_folder.plane(c=c), from_one.plane(c=c))


def test_an_oif_without_its_folder_says_what_to_save_instead(oif, tmp_path):
    alone = shutil.copy(oif, tmp_path / "alone.oif")
    with pytest.raises(UnreadableImageError, match=r"pixels are in the folder .* Save it as OIB"):
        read(alone)


def test_a_plane_missing_in_the_folder_of_an_oif_is_said(oif):
    next(oif.with_name(f"{oif.name}.files").glob("*C002.tif")).unlink()
    with pytest.raises(UnreadableImageError, match="damaged") as caught:
        read(oif)
    assert caught.value.details["reason"] == "1 of 3 planes are missing"


def test_an_oib_whose_sectors_lead_in_a_circle_is_refused(formats, tmp_path):
    """The library follows such a chain for ever."""
    content = bytearray((formats / "fv1000.oib").read_bytes())
    first_fat = int.from_bytes(content[76:80], "little")
    sector = 512 if content[30] == 9 else 4096
    table = sector * (first_fat + 1)
    start = int.from_bytes(content[48:52], "little")  # of the directory
    content[table + 4 * start : table + 4 * start + 4] = start.to_bytes(4, "little")
    (tmp_path / "circle.oib").write_bytes(content)
    with pytest.raises(UnreadableImageError, match="damaged") as caught:
        read(tmp_path / "circle.oib")
    assert caught.value.details["reason"] == "a chain of sectors without an end"


SAMPLES = ("cell_division_t3_z5_c2.czi", "compressed.czi", "two_channel_xz.lif", "cluster_t3_z10_c2.nd2", "fv1000.oib")


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.95])
def test_a_truncated_file_of_any_vendor_is_refused_as_damaged(formats, tmp_path, name, kept):
    content = (formats / name).read_bytes()
    path = tmp_path / "upload"
    path.write_bytes(content[: int(len(content) * kept)])
    if name.endswith(".lif") and kept > 0.5:  # its first image lies in the first third of the file
        assert read(path).shape_tczyx == (20, 2, 1, 128, 128)
        return
    with pytest.raises(UnreadableImageError, match="damaged"):
        read(path)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_mutated_file_of_any_vendor_gives_a_reading_or_a_sentence(formats, tmp_path, name):
    """A sample of what `make fuzz` does in a process of its own; here the library itself must not fall."""
    original = np.frombuffer((formats / name).read_bytes(), np.uint8)
    rng = np.random.default_rng(20261122)
    path = tmp_path / "mutated"
    read_well = 0
    for _ in range(12):
        content = original.copy()
        places = rng.integers(0, len(content), rng.integers(1, 20))
        content[places] = rng.integers(0, 256, len(places), dtype=np.uint8)
        path.write_bytes(content.tobytes())
        try:
            stack = read(path, max_pixels=50_000_000)
        except InputError as error:
            assert error.hint.endswith(".")  # noqa: PT017 (either outcome is right, and each is checked)
        else:
            assert isinstance(stack, ImageStack)
            read_well += 1
    assert read_well > 0 or name == "compressed.czi"  # most bytes are pixels; Zstandard has a checksum


def test_content_decides_and_not_the_name(formats, tmp_path):
    for name in SAMPLES:
        path = tmp_path / "image.png"
        path.write_bytes((formats / name).read_bytes())
        assert read(path).shape_tczyx == read(formats / name).shape_tczyx
