from __future__ import annotations

import gc
import subprocess
import sys

import numpy as np
import pytest

from common.errors import NotFoundError
from metrology.attributes import measure
from metrology.attributes.measure import Beside, measure_stack
from metrology.attributes.registry import ATTRIBUTES, attribute, for_standard
from metrology.imaging.readers import read
from metrology.imaging.stack import ImageStack, Metadata, Sourced


def _stack(*planes: np.ndarray, **fields: float) -> ImageStack:
    """Return one channel a plane, one slice each."""
    metadata = Metadata().with_fields(**{name: Sourced(value, "test") for name, value in fields.items()})
    return ImageStack(np.stack(planes)[np.newaxis, :, np.newaxis], metadata)


def _values(measured, channel=0):
    return {one.attribute_id: one.value for one in measured.readings if one.channel == channel}


def test_every_declared_function_exists_and_every_id_is_its_key():
    for name, one in ATTRIBUTES.items():
        module, function = one.function.split(":")
        __import__(module)
        assert callable(getattr(sys.modules[module], function))
        assert name == one.id
        assert one.version >= 1


def test_the_registry_is_light_enough_for_the_web_process():
    code = (
        "import sys; import metrology.attributes.registry; "
        "print([m for m in ('numpy', 'numba', 'skimage', 'scipy', 'tifffile', 'django') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_bead_and_field_quantities_belong_to_their_standards_only():
    names = {
        kind: {one.id for one in for_standard(kind)} for kind in ("marbles", "beads", "slide", "convallaria", None)
    }
    assert {one for one in names["beads"] - names["marbles"] if ATTRIBUTES[one].group == "beads"} == {
        one for one in ATTRIBUTES if ATTRIBUTES[one].standards == ("beads",)
    }
    assert "fwhm_axial" in names["beads"] - names["slide"]
    assert "field_centring" in names["slide"] - names["beads"]
    assert "resolution_decorrelation" in names["convallaria"] - names["slide"]
    assert names[None] < names["marbles"]


def test_an_unknown_quantity_is_refused_with_those_there_are():
    with pytest.raises(NotFoundError, match="glcm_homogeneity"):
        attribute("beauty")


def test_a_scan_without_reference_has_all_plane_figures_of_both_channels(textured_pair):
    measured = measure_stack(_stack(*textured_pair), standard_kind="other")
    wanted = {one.id for one in for_standard("other") if one.needs == "plane"}
    assert set(_values(measured, 0)) == set(_values(measured, 1)) == wanted
    assert measured.failures == ()
    assert measured.bit_depth == 12
    assert all(np.isfinite(one.value) for one in measured.readings)


def test_with_a_reference_the_comparisons_are_measured_too(textured_pair):
    first, second = textured_pair
    measured = measure_stack(
        _stack(first[4:, 2:], pixel_size_um=0.2), standard_kind="marbles", reference=_stack(second[:-4, :-2])
    )
    values = _values(measured)
    assert values["registration_shift"] == pytest.approx(0.2 * np.hypot(4, 2), rel=0.05)
    assert 15 < values["psnr"] < 60
    assert 0 < values["ssim"] < 1


def test_what_cannot_be_had_fails_alone_with_its_sentence():
    dark = np.zeros((32, 32), np.uint16)
    measured = measure_stack(_stack(dark), standard_kind="marbles")
    assert _values(measured) == {"mean": 0.0, "std": 0.0, "saturated_fraction": 0.0, "zero_fraction": 1.0}
    failed = {one.attribute_id: one for one in measured.failures}
    assert failed["cv"].code == failed["sharpness"].code == "constant_image"
    assert "shutter" in failed["cv"].message
    assert measured.channels[0].is_constant


def test_a_different_field_as_reference_fails_the_comparisons_only(textured_pair):
    other = np.random.default_rng(9).integers(0, 4095, textured_pair[0].shape).astype(np.uint16)
    measured = measure_stack(_stack(textured_pair[0]), standard_kind="other", reference=_stack(other))
    assert {one.code for one in measured.failures} == {"registration"}
    assert {one.attribute_id for one in measured.failures} == {"mse", "msemg", "psnr", "ssim", "registration_shift"}
    assert "sharpness" in _values(measured)


def test_a_reference_without_that_channel_fails_that_channel(textured_pair):
    measured = measure_stack(
        _stack(*textured_pair), standard_kind=None, attribute_ids=["mse"], reference=_stack(textured_pair[0])
    )
    assert [(one.channel, one.attribute_id) for one in measured.readings] == [(0, "mse")]
    assert [(one.channel, one.code) for one in measured.failures] == [(1, "axes")]


def test_a_comparison_asked_for_without_reference_says_so(textured_pair):
    measured = measure_stack(_stack(textured_pair[0]), standard_kind=None, attribute_ids=["ssim"])
    assert "no reference" in measured.failures[0].message


def test_a_stack_is_measured_on_its_brightest_slice():
    pixels = np.random.default_rng(1).integers(0, 200, (1, 1, 3, 16, 16)).astype(np.uint16)
    pixels[0, 0, 1] += 50
    measured = measure_stack(ImageStack(pixels), standard_kind="marbles", bit_depth=8)
    assert measured.slice_z == (1,)
    assert _values(measured)["mean"] == pytest.approx(pixels[0, 0, 1].mean())


def test_the_detectors_own_bit_depth_goes_before_the_files(textured_pair):
    plain = measure_stack(_stack(textured_pair[0]), standard_kind=None, attribute_ids=["mean"])
    stated = measure_stack(_stack(textured_pair[0]), standard_kind=None, attribute_ids=["mean"], bit_depth=14)
    assert _values(plain)["mean"] / _values(stated)["mean"] == pytest.approx((2**14 - 1) / (2**12 - 1))


def test_beads_without_pixel_size_fail_with_missing_metadata_and_the_rest_is_measured():
    pixels = np.random.default_rng(1).poisson(20, (1, 1, 5, 32, 32)).astype(np.uint16)
    measured = measure_stack(ImageStack(pixels), standard_kind="beads")
    failed = {one.attribute_id: one for one in measured.failures}
    assert failed["fwhm_axial"].code == "missing_metadata"
    assert "pixel size" in failed["fwhm_axial"].message
    assert "mean" in _values(measured)


def test_beads_in_one_slice_are_refused():
    measured = measure_stack(
        _stack(np.eye(20, dtype=np.uint8), pixel_size_um=0.1), standard_kind="beads", attribute_ids=["fwhm_axial"]
    )
    assert "z-stack" in measured.failures[0].message


@pytest.mark.real_data
def test_real_beads_are_measured_from_the_files_own_metadata(real_data):
    measured = measure_stack(read(real_data / "beads" / "mpi_four_beads.tif"), standard_kind="beads")
    values = _values(measured)
    assert values["fwhm_axial"] == pytest.approx(0.53, rel=0.03)
    assert values["fwhm_lateral_x"] == pytest.approx(0.16, rel=0.03)
    assert values["bead_count"] == 4


def _repeats(rng, electrons: np.ndarray, count: int) -> np.ndarray:
    """Frames of a detector of two counts an electron, read noise 3 and offset 100, shape (T, 1, 1, Y, X)."""
    frames = rng.poisson(np.broadcast_to(electrons, (count, *electrons.shape))) * 2.0 + 100
    return np.rint(frames + rng.normal(0, 3, frames.shape)).astype(np.uint16)[:, None, None]


def test_repeated_frames_and_frames_in_the_dark_tell_of_the_detector():
    rng = np.random.default_rng(0)
    lit = ImageStack(_repeats(rng, np.tile(np.linspace(20, 400, 128), (128, 1)), 6))
    dark = ImageStack(_repeats(rng, np.zeros((128, 128)), 4))
    without_light = _values(measure_stack(dark, standard_kind="dark"))
    assert without_light == {"read_noise": pytest.approx(3, rel=0.02), "offset": pytest.approx(100, abs=0.1)}
    values = _values(measure_stack(lit, standard_kind="slide", beside=Beside(dark=dark)))
    assert values["gain_e_per_adu"] == pytest.approx(0.5, rel=0.03)
    assert not values.keys() & without_light.keys()  # one dark scan is one point, however many scans it goes with
    assert values["photobleaching"] == pytest.approx(0, abs=0.1)
    one = measure_stack(ImageStack(lit.pixels[:1]), standard_kind="slide")
    told = {each.attribute_id for each in (*one.readings, *one.failures)}
    assert not told & {"gain_e_per_adu", "read_noise", "offset", "photobleaching", "tilt_per_mm", "brightest_slice"}


def test_of_dark_frames_nothing_is_told_but_the_detector():
    assert [one.id for one in for_standard("dark")] == ["read_noise", "offset"]
    assert not {"read_noise", "offset"} & {one.id for kind in ("slide", "other", None) for one in for_standard(kind)}


def test_one_dark_frame_tells_nothing():
    one = ImageStack(_repeats(np.random.default_rng(0), np.zeros((64, 64)), 1))
    measured = measure_stack(one, standard_kind="dark")
    assert measured.readings == ()
    assert {each.attribute_id for each in measured.failures} == {"read_noise", "offset"}
    assert all("Repeated frames are needed, and there is one." in each.message for each in measured.failures)


def test_with_dark_frames_a_field_of_one_brightness_tells_the_gain():
    rng = np.random.default_rng(0)
    even = ImageStack(_repeats(rng, np.full((128, 128), 300.0), 6))
    dark = ImageStack(_repeats(rng, np.zeros((128, 128)), 4))
    alone = measure_stack(even, standard_kind="slide", attribute_ids=["gain_e_per_adu"])
    known = measure_stack(even, standard_kind="slide", attribute_ids=["gain_e_per_adu"], beside=Beside(dark=dark))
    assert alone.readings == ()
    assert _values(known)["gain_e_per_adu"] == pytest.approx(0.5, rel=0.02)


def test_what_an_image_cannot_tell_is_refused_when_asked_for_by_name():
    stack = _stack(np.eye(64, dtype=np.uint16))
    asked = ["laser_power", "tilt_per_mm", "brightest_slice", "gain_e_per_adu", "fwhm_ratio_axial"]
    measured = measure_stack(stack, standard_kind=None, attribute_ids=asked)
    said = {one.attribute_id: one.message for one in measured.failures}
    assert "power meter" in said["laser_power"]
    assert "no tile scan" in said["tilt_per_mm"]
    assert "one slice" in said["brightest_slice"]
    assert "Repeated frames" in said["gain_e_per_adu"]
    assert "z-stack" in said["fwhm_ratio_axial"]


def test_a_reference_that_serves_several_images_is_compared_with_each_channel_by_its_own_pixels(textured_pair):
    first, second = textured_pair[0], np.ascontiguousarray(textured_pair[1][::-1])  # of another texture
    reference = _stack(first[4:-4, 4:-4], second[4:-4, 4:-4])
    images = [(first[8:, 8:], second[5:-3, 4:-4]), (first[6:-2, 8:], second[7:-1, 2:-6])]
    shifts = [
        [one.value for one in measured.readings]
        for measured in (
            measure_stack(
                _stack(*planes, pixel_size_um=1.0),
                standard_kind=None,
                attribute_ids=["registration_shift"],
                reference=reference,
            )
            for planes in images
        )
    ]
    np.testing.assert_allclose(shifts, [[np.hypot(4, 4), 1], [np.hypot(2, 4), np.hypot(3, 2)]], atol=0.05)


def test_a_reference_is_seen_at_its_brightest_slice_and_forgotten_with_its_stack(textured_pair):
    first, second = textured_pair
    slices = np.stack([second[::-1] // 2, first])[:, 4:-4, 4:-4]
    reference = ImageStack(slices[np.newaxis, np.newaxis])
    for _ in range(2):
        found = measure_stack(
            _stack(first[8:, 8:], pixel_size_um=1.0),
            standard_kind=None,
            attribute_ids=["registration_shift"],
            reference=reference,
        )
        assert found.readings[0].value == pytest.approx(np.hypot(4, 4), abs=0.05)
    assert reference in measure._OVERVIEWS
    del reference
    gc.collect()
    assert not [one for one in measure._OVERVIEWS if one.shape_tczyx[2] == 2]


def test_images_that_agree_in_their_first_rows_only_are_registered_before_they_are_compared(textured_pair):
    first, _ = textured_pair
    reference, moved = first[4:-4, 4:-4].copy(), first[8:, 8:].copy()
    reference[:2] = moved[:2] = 0
    found = measure_stack(_stack(moved), standard_kind=None, attribute_ids=["mse"], reference=_stack(reference))
    unregistered = np.mean(np.square((moved.astype(float) - reference) * 255 / (2**12 - 1)))
    assert _values(found)["mse"] < unregistered / 2


def test_counts_scaled_to_a_part_of_one_tell_no_background_and_detail_that_vanishes_no_noise():
    scaled = measure_stack(_stack(np.eye(64) * 0.4), standard_kind=None, attribute_ids=["background", "snr", "noise"])
    assert [one.attribute_id for one in scaled.readings] == ["noise"]
    assert all("differ by less than one" in one.message for one in scaled.failures)
    vanishing = measure_stack(_stack(np.eye(64) * 1e-60), standard_kind=None, attribute_ids=["noise"])
    assert "no detail at the scale of a pixel" in vanishing.failures[0].message
