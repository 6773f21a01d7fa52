"""Frames without light: what they tell of the detector, and which scans are read with them."""

from __future__ import annotations

import re
from datetime import timedelta

import numpy as np
import pytest

from common.models import JobState
from metrology.models import Acquisition, StandardKind, Validity
from metrology.selectors.figures import drawings_of
from metrology.selectors.standards import dark_for
from tests.factories import acquisitions, catalogue
from tests.factories.measured import measured, ome, values

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]

SHAPE = (128, 128)
READ_NOISE, OFFSET, COUNTS_PER_ELECTRON = 3.0, 100.0, 2.0
LATER = catalogue.START + timedelta(days=2)


def frames(electrons, *, count=6, seed=0, offset=OFFSET):
    """Frames of a detector of known gain, read noise and offset, TCZYX."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(np.broadcast_to(electrons, (count, *SHAPE))) * COUNTS_PER_ELECTRON + offset
    counts += rng.normal(0, READ_NOISE, counts.shape)
    return np.clip(np.rint(counts), 0, 4095).astype(np.uint16)[:, None, None]


def lit(seed=1):
    return frames(np.tile(np.linspace(20, 400, SHAPE[1]), (SHAPE[0], 1)), seed=seed)


@pytest.fixture
def path(path):
    """The path of a facility that takes dark frames and has a slide."""
    facility = path.instrument.facility
    acquisitions.standard(facility, name="no light", kind=StandardKind.DARK)
    acquisitions.standard(facility, name="Even layer", kind=StandardKind.SLIDE)
    return path


def dark_scan(path, *, electrons=0.0, count=6, seed=0, offset=OFFSET, name="dark frames", **fields):
    pixels = frames(electrons, count=count, seed=seed, offset=offset)
    return measured(ome(path, pixels=pixels, name=name, **fields), path, name="detector.tif")


def slide_scan(path, *, name="Even layer", **fields):
    return measured(ome(path, **{"pixels": lit(), "name": name, "acquired_at": LATER} | fields), path)


def photon_transfer(row):
    ((_, drawings),) = drawings_of(row)
    return next(one for one in drawings if one.name == "photon-transfer").summary


def test_a_dark_scan_tells_read_noise_and_offset_and_nothing_else(path):
    row = dark_scan(path)
    assert (row.state, row.validity, row.validity_reason) == (JobState.DONE, Validity.VALID, "")
    assert row.standard.kind == StandardKind.DARK
    assert values(row) == {
        ("read_noise", 0): pytest.approx(READ_NOISE, rel=0.02),
        ("offset", 0): pytest.approx(OFFSET, abs=0.1),
    }
    assert not row.failures.exists()


def test_one_dark_frame_has_no_figures_and_says_why(path):
    row = dark_scan(path, count=1)
    assert values(row) == {}
    assert {one.attribute_id for one in row.failures.all()} == {
        "read_noise",
        "offset",
    }
    assert all("Repeated frames are needed, and there is one." in one.message for one in row.failures.all())


def test_light_in_a_dark_scan_is_refused(path):
    row = dark_scan(path, electrons=300.0)
    assert row.validity == Validity.INVALID
    assert "There was light: the mean of this dark scan, 700" in row.validity_reason


def test_a_saturated_dark_scan_is_refused(path):
    electrons = np.zeros(SHAPE)
    electrons[:4] = 5000
    row = dark_scan(path, electrons=electrons)
    assert row.validity == Validity.INVALID
    assert "There was light: 3.1 % of the pixels of this dark scan are saturated." in row.validity_reason


def test_a_dark_scan_whose_noise_is_cut_off_at_zero_is_refused(path):
    row = dark_scan(path, offset=2.0)
    assert row.validity == Validity.INVALID
    assert "raise the detector's offset" in row.validity_reason


def test_a_depth_guessed_from_a_dark_image_does_not_make_it_bright(path):
    of = path.instrument.facility
    row = measured(
        acquisitions.tiff(frames(0.0, count=1)[0, 0, 0]),
        path,
        name="dark.tif",
        instrument=path.instrument,
        optical_path=path,
        standard=of.standards.get(kind=StandardKind.DARK),
        acquired_at=catalogue.START,
    )
    assert (row.state, row.bit_depth, row.validity) == (JobState.DONE, 8, Validity.VALID)


def test_repeated_frames_are_read_with_the_dark_scan_before_them(path):
    dark_scan(path)
    row = slide_scan(path)
    found = values(row)
    assert found["gain_e_per_adu", 0] == pytest.approx(1 / COUNTS_PER_ELECTRON, rel=0.02)
    assert not {"read_noise", "offset"} & {name for name, _ in found}
    said = photon_transfer(row)
    assert "Read noise 3.0" in said
    assert re.search(r"Offset (99\.9|100\.0)\d*\u00a0±", said)
    assert f"Frames without light: dark frames of {catalogue.START:%Y-%m-%d %H:%M} UTC." in said


def test_with_a_dark_scan_an_even_field_tells_the_gain(path):
    even = frames(300.0, seed=3)
    assert ("gain_e_per_adu", 0) not in values(slide_scan(path, pixels=even))
    dark_scan(path)
    row = slide_scan(path, pixels=frames(300.0, seed=4))
    assert values(row)["gain_e_per_adu", 0] == pytest.approx(1 / COUNTS_PER_ELECTRON, rel=0.02)


def test_without_a_dark_scan_it_is_said_how_to_take_one(path):
    said = photon_transfer(slide_scan(path))
    assert "a scan of dark frames before this one" in said
    assert "Frames without light:" not in said


def test_of_several_dark_scans_the_latest_before_is_used(path):
    dark_scan(path)
    latest = dark_scan(path, seed=5, acquired_at=LATER - timedelta(hours=1))
    dark_scan(path, seed=6, acquired_at=LATER + timedelta(hours=1))
    assert dark_for(slide_scan(path)) == latest


def test_a_later_dark_scan_is_not_used(path):
    dark_scan(path, acquired_at=LATER + timedelta(minutes=1))
    assert dark_for(slide_scan(path)) is None


def test_a_dark_scan_with_other_detector_settings_is_not_used(path):
    same = dark_scan(path, detectors=("PMT",), gain=600)
    dark_scan(path, seed=2, detectors=("PMT",), gain=700, acquired_at=catalogue.START + timedelta(days=1))
    assert dark_for(slide_scan(path, detectors=("PMT",), gain=600)) == same
    assert dark_for(slide_scan(path, pixels=lit(7), detectors=("PMT",), gain=650)) is None


def test_a_dark_scan_of_another_frame_size_depth_or_path_is_not_used(path):
    dark = dark_scan(path)
    row = slide_scan(path)
    assert dark_for(row) == dark
    other = catalogue.optical_path(instrument=path.instrument, name="another")
    for changed in ({"size_x": 64}, {"size_c": 2}, {"bit_depth": 16}, {"optical_path": other}, {"size_t": 1}):
        before = {name: getattr(dark, name) for name in changed}
        Acquisition.objects.filter(pk=dark.pk).update(**changed)
        assert dark_for(row) is None, changed
        Acquisition.objects.filter(pk=dark.pk).update(**before)
    assert dark_for(row) == dark


@pytest.mark.parametrize(
    "changed", [{"validity": Validity.INVALID}, {"state": JobState.QUEUED}, {"state": JobState.CANCELLED}]
)
def test_a_dark_scan_that_is_not_valid_or_not_measured_is_not_used(path, changed):
    dark = dark_scan(path)
    row = slide_scan(path)
    Acquisition.objects.filter(pk=dark.pk).update(**changed)
    assert dark_for(row) is None


def test_a_dark_scan_with_light_is_not_used(path):
    dark_scan(path, electrons=300.0)
    assert dark_for(slide_scan(path)) is None


def test_one_dark_frame_is_not_used(path):
    dark_scan(path, count=1)
    assert dark_for(slide_scan(path)) is None


def test_a_dark_scan_that_turns_out_to_be_something_else_is_not_used(path):
    dark = dark_scan(path)
    row = slide_scan(path)
    Acquisition.objects.filter(pk=dark.pk).update(
        standard=path.instrument.facility.standards.get(kind=StandardKind.SLIDE)
    )
    assert dark_for(row) is None


def test_a_plain_scan_and_a_dark_scan_ask_the_database_nothing(path, django_assert_num_queries):
    marbles = Acquisition.objects.select_related("standard").get(pk=measured(ome(path), path).pk)
    dark = Acquisition.objects.select_related("standard").get(pk=dark_scan(path).pk)
    with django_assert_num_queries(0):
        assert dark_for(marbles) is None
        assert dark_for(dark) is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("dark", StandardKind.DARK),
        ("2026_dark_gain600", StandardKind.DARK),
        ("Dark frames", StandardKind.DARK),
        ("darkframes 3", StandardKind.DARK),
        ("marbles, dark frames", StandardKind.DARK),
        ("darkfield", None),
        ("dark field", None),
        ("dark-field 2", None),
        ("darker", None),
        ("dark red marbles", StandardKind.MARBLES),
    ],
)
def test_the_words_for_dark_frames_propose_them(path, name, kind):
    row = dark_scan(path, name=name, count=2)
    assert (row.standard.kind if row.standard else None) == kind
