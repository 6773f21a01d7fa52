"""From a file to figures, by the real reader and the real figures; whatever is wrong with the file is said."""

from __future__ import annotations

import io
import os
import signal
import struct
import subprocess
import sys
import time
from datetime import timedelta

import numpy as np
import pytest
import tifffile
from django.utils import timezone
from PIL import Image

from common import jobs
from common.models import JobState
from metrology.models import (
    Acquisition,
    Health,
    Measurement,
    Protocol,
    ReferenceAcquisition,
    Series,
    StandardKind,
    Validity,
)
from metrology.runtime.measuring import measure
from metrology.services.ingest import acquisition_ingest
from metrology.services.references import reference_set
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    """Nothing is sent: the tests are the worker."""
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def path():
    """An optical path of the only instrument of a facility that has one sample of marbles."""
    found = catalogue.optical_path()
    acquisitions.standard(found.instrument.facility, name="Marbles A")
    return found


def measured(content, path, **given):
    """Bring a file and do what a worker does with it."""
    facility = path.instrument.facility
    row = acquisition_ingest(
        facility=facility, source=io.BytesIO(content), original_name=given.pop("name", "scan.tif"), **given
    ).acquisition
    jobs.run(Acquisition, row.pk, measure)
    return Acquisition.objects.get(pk=row.pk)


def ome(path, **fields):
    return acquisitions.ome_tiff(instrument=path.instrument, **fields)


def values(row):
    return {(one.series.attribute_id, one.series.channel): one.value for one in row.measurements.all()}


def test_a_file_that_says_all_is_charted_without_a_word_from_anybody(path):
    row = measured(ome(path), path)
    assert (row.state, row.error_message) == (JobState.DONE, "")
    assert (row.validity, row.validity_reason) == (Validity.VALID, "")
    assert row.instrument == path.instrument
    assert row.optical_path == path
    assert row.standard.name == "Marbles A"
    assert row.acquired_at == catalogue.START
    assert row.label == "4 µm marbles"
    assert row.protocol.version == 1
    assert row.sources["instrument"] == "OME-XML Microscope SerialNumber"
    assert row.sources["acquired_at"] == "OME-XML AcquisitionDate"
    assert row.sources["standard"] == "image name in the file"
    assert (row.file_format, row.bit_depth, row.pixel_size_um) == ("OME-TIFF", 12, 0.2)
    assert row.metadata["pixel_size_um"] == {"value": 0.2, "source": "OME-XML PhysicalSizeX"}


def test_the_mean_is_that_of_the_pixels(path):
    row = measured(ome(path, seed=5), path)
    expected = acquisitions.field(5).mean() * 255 / 4095
    assert values(row)["mean", 0] == pytest.approx(expected, rel=1e-9)


def test_the_instrument_s_health_has_to_be_judged_anew(path):
    measured(ome(path), path)
    assert Health.objects.get(instrument=path.instrument).needs_assessment


def test_a_stack_is_measured_on_its_brightest_slice(path):
    pixels = acquisitions.field(1, shape=(1, 9, 64, 64))
    row = measured(ome(path, pixels=pixels), path)
    assert (row.size_z, row.slice_z) == (9, 4)
    assert values(row)["mean", 0] == pytest.approx(pixels[0, 4].mean() * 255 / 4095)


def test_every_channel_is_measured_and_drawn(path):
    second = catalogue.optical_path(path.instrument, channels=2)
    pixels = np.concatenate([acquisitions.field(1, mean=600), acquisitions.field(2, mean=1800)])
    row = measured(ome(path, pixels=pixels), path)
    assert row.optical_path == second
    means = {channel: value for (name, channel), value in values(row).items() if name == "mean"}
    assert means == pytest.approx({c: pixels[c].mean() * 255 / 4095 for c in (0, 1)})
    assert len(row.preview_window) == 2
    for channel in (0, 1):
        with Image.open(row.preview_path(channel)) as picture:
            assert picture.size == (64, 64)
    assert not list(row.preview_path(0).parent.glob("*.*.webp"))


def test_a_mosaic_gets_its_tile_grid(path):
    pixels = np.zeros((2048, 3072), np.uint16)
    pixels[::7, ::5] = 900
    row = measured(acquisitions.tiff(pixels), path, instrument=path.instrument, acquired_at=catalogue.START)
    assert row.tile_grid == {"rows": 2, "columns": 3, "tile_y_px": 1024, "tile_x_px": 1024}


def test_a_single_field_has_no_tile_grid(path):
    assert measured(ome(path), path).tile_grid is None


def test_measuring_again_changes_nothing(path):
    row = measured(ome(path), path)
    before = list(Measurement.objects.order_by("pk").values())
    jobs.requeue(row)
    jobs.run(Acquisition, row.pk, measure)
    assert list(Measurement.objects.order_by("pk").values()) == before
    assert Series.objects.count() == len(before)


def test_two_scans_share_their_series(path):
    first = measured(ome(path, seed=1), path)
    second = measured(ome(path, seed=2), path)
    assert first != second
    assert {one.series_id for one in first.measurements.all()} == {one.series_id for one in second.measurements.all()}


def test_without_a_standard_it_is_measured_and_shown_but_not_charted(path):
    row = measured(ome(path, name="something"), path)
    assert row.state == JobState.DONE
    assert row.validity == Validity.INVALID
    assert "which standard" in row.validity_reason
    assert not Series.objects.exists()
    means = [one["value"] for one in row.readings if one["attribute_id"] == "mean"]
    assert means == pytest.approx([acquisitions.field(0).mean() * 255 / 4095])


def test_once_a_standard_is_known_the_figures_move_to_their_series(path):
    row = measured(ome(path, name="something"), path)
    Acquisition.objects.filter(pk=row.pk).update(standard=acquisitions.standard(row.facility))
    jobs.requeue(row)
    jobs.run(Acquisition, row.pk, measure)
    row.refresh_from_db()
    assert row.readings == []
    assert row.measurements.count() == Series.objects.count() > 10
    assert row.validity == Validity.VALID


def test_the_protocol_in_force_is_used(path):
    for version in (1, 2):
        Protocol.objects.create(facility=path.instrument.facility, standard_kind="marbles", version=version)
    assert measured(ome(path), path).protocol.version == 2


def test_an_acquisition_is_compared_with_its_reference(path):
    reference = measured(ome(path, seed=1), path)
    reference_set(reference, user=None)
    row = measured(ome(path, seed=2), path)
    found = values(row)
    x, y = (acquisitions.field(seed).astype(float) * 255 / 4095 for seed in (1, 2))
    assert found["mse", 0] == pytest.approx(np.mean((x - y) ** 2), rel=1e-6)
    assert 0 < found["ssim", 0] < 1


def test_a_reference_is_not_compared_with_itself(path):
    row = measured(ome(path), path)
    reference_set(row, user=None)
    jobs.requeue(row)
    jobs.run(Acquisition, row.pk, measure)
    assert ReferenceAcquisition.objects.count() == 1
    assert not Series.objects.filter(attribute_id="mse").exists()


# what cannot be known --------------------------------------------------------------------------------------------------


def test_an_instrument_nobody_catalogued_is_named(path):
    row = measured(acquisitions.ome_tiff(), path)
    assert (row.state, row.error_code) == (JobState.FAILED, "unknown_instrument")
    assert "Zeiss LSM 999 unheard of" in row.error_message
    assert row.metadata["instrument_serial"]["value"] == "unheard of"
    assert row.preview_window
    assert (row.standard.name, row.sources["standard"]) == ("Marbles A", "image name in the file")


def test_a_file_that_names_no_instrument_asks(path):
    row = measured(acquisitions.tiff(), path, acquired_at=catalogue.START)
    assert row.error_code == "unknown_instrument"
    assert "does not say which instrument" in row.error_message


def test_of_two_instruments_that_fit_none_is_picked(path):
    facility = path.instrument.facility
    for name in ("left", "right"):
        catalogue.instrument(facility, name=name, slug=name, model="LSM 999", serial_number="")
    row = measured(acquisitions.ome_tiff(), path)
    assert row.error_code == "unknown_instrument"
    assert "fits left and right" in row.error_message


def test_a_model_names_the_instrument_where_only_one_has_it(path):
    only = catalogue.instrument(path.instrument.facility, model="LSM 999", serial_number="")
    row = measured(acquisitions.ome_tiff(), path)
    assert row.instrument == only
    assert row.sources["instrument"] == "OME-XML Microscope Manufacturer and Model"


def test_an_instrument_with_another_serial_number_is_not_it(path):
    catalogue.instrument(path.instrument.facility, model="LSM 999", serial_number="another")
    assert measured(acquisitions.ome_tiff(), path).error_code == "unknown_instrument"


def test_what_a_person_says_counts_more_than_the_file(path):
    other = catalogue.optical_path(catalogue.instrument(path.instrument.facility))
    row = measured(ome(path), path, instrument=other.instrument)
    assert row.instrument == other.instrument


def test_a_path_is_chosen_by_its_objective(path):
    path.objective.numerical_aperture = 0.5
    path.objective.save()
    fitting = catalogue.optical_path(path.instrument)
    row = measured(ome(path), path)
    assert row.optical_path == fitting
    assert row.sources["optical_path"] == "objective and channels of the file"


def test_of_two_paths_that_fit_none_is_picked(path):
    catalogue.optical_path(path.instrument)
    row = measured(ome(path), path)
    assert row.optical_path is None
    assert "fits 2 optical paths" in row.validity_reason
    assert row.validity == Validity.INVALID


def test_a_path_that_contradicts_the_file_is_not_taken(path):
    row = measured(ome(path, na=0.5), path)
    assert row.optical_path is None
    assert "fit no optical path" in row.validity_reason


def test_of_two_standards_of_a_kind_none_is_picked(path):
    acquisitions.standard(path.instrument.facility, name="Marbles B")
    row = measured(ome(path), path)
    assert row.standard is None
    assert "fits 2 standards" in row.validity_reason


def test_a_standard_is_known_by_its_name_in_the_file_name(path):
    acquisitions.standard(path.instrument.facility, name="Marbles B")
    row = measured(ome(path, name="Image 1"), path, name="2026-01-05_marbles_b.tif")
    assert (row.standard.name, row.sources["standard"]) == ("Marbles B", "file name")


def test_a_file_without_a_date_asks_for_it(path):
    row = measured(ome(path, acquired_at=None), path)
    assert row.error_code == "missing_metadata"
    assert "when it was acquired" in row.error_message
    assert row.instrument == path.instrument
    assert row.standard is not None


def test_a_file_from_the_future_is_refused(path):
    row = measured(ome(path, acquired_at=timezone.now() + timedelta(days=3)), path)
    assert row.error_code == "invalid_date"
    assert "in the future" in row.error_message
    assert not Measurement.objects.exists()


def test_a_stack_without_pixel_size_gives_what_needs_none_and_says_the_rest(path):
    acquisitions.standard(path.instrument.facility, name="PSF sample", kind=StandardKind.BEADS)
    row = measured(ome(path, pixels=acquisitions.beads(), name="PSF sample", pixel_um=None), path)
    assert row.state == JobState.DONE
    assert ("mean", 0) in values(row)
    failed = {one.attribute_id: one.message for one in row.failures.all()}
    assert "pixel size" in failed["fwhm_lateral_x"]


def test_beads_are_as_wide_as_they_were_made(path):
    acquisitions.standard(path.instrument.facility, name="PSF sample", kind=StandardKind.BEADS)
    pixels = acquisitions.beads(pixel_um=0.1, width_um=0.4)
    row = measured(ome(path, pixels=pixels, name="PSF sample", pixel_um=0.1), path)
    assert row.validity == Validity.VALID
    assert values(row)["fwhm_lateral_x", 0] == pytest.approx(0.4, rel=0.03)


def test_the_catalogue_s_bit_depth_comes_before_a_guess(path):
    channel = path.channels.get()
    channel.detector.bit_depth = 12
    channel.detector.save()
    dim = acquisitions.field(mean=200)[0, 0]
    assert dim.max() < 1024
    row = measured(acquisitions.tiff(dim), path, optical_path=path, acquired_at=catalogue.START, label="marbles")
    assert row.bit_depth == 12
    assert values(row)["mean", 0] == pytest.approx(dim.mean() * 255 / 4095)


# what may not be charted ------------------------------------------------------------------------------------------------


def test_a_saturated_scan_is_kept_but_not_charted(path):
    pixels = acquisitions.field()
    pixels[..., :8] = 4095
    row = measured(ome(path, pixels=pixels), path)
    assert row.validity == Validity.INVALID
    assert "saturated" in row.validity_reason
    assert row.measurements.exists()


def test_a_few_saturated_pixels_are_no_matter(path):
    pixels = acquisitions.field()
    pixels[0, 0, 0, :20] = 4095
    assert measured(ome(path, pixels=pixels), path).validity == Validity.VALID


def test_a_constant_image_is_not_charted(path):
    row = measured(ome(path, pixels=np.full((1, 1, 64, 64), 900, np.uint16)), path)
    assert "same value (900)" in row.validity_reason
    assert row.failures.exists()


def test_a_dark_frame_is_not_charted(path):
    pixels = np.random.default_rng(0).normal(40, 5, (1, 1, 64, 64)).round().clip(0).astype(np.uint16)
    assert "no signal" in measured(ome(path, pixels=pixels), path).validity_reason


def test_dim_objects_are_a_signal(path):
    row = measured(ome(path, pixels=acquisitions.field(mean=60.0)), path)
    assert row.validity == Validity.VALID


def test_a_bead_stack_without_a_bead_is_not_charted(path):
    acquisitions.standard(path.instrument.facility, name="PSF sample", kind=StandardKind.BEADS)
    pixels = np.random.default_rng(0).poisson(400, (1, 21, 96, 96)).astype(np.uint16)
    row = measured(ome(path, pixels=pixels, name="PSF sample", pixel_um=0.1), path)
    assert "No bead could be measured" in row.validity_reason


# bad files --------------------------------------------------------------------------------------------------------------


def claim_of_3_gb() -> bytes:
    """A header of 2 kB that promises 40000 × 40000 pixels of 16 bits."""
    tags = [
        (256, 40000),
        (257, 40000),
        (258, 16),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, 40000),
        (279, 3_200_000_000),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return (struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4)).ljust(2048, b"\0")


def rgb() -> bytes:
    target = io.BytesIO()
    tifffile.imwrite(target, np.zeros((32, 32, 3), np.uint8), photometric="rgb")
    return target.getvalue()


def with_nan() -> bytes:
    pixels = np.ones((32, 32), np.float32)
    pixels[3, 4] = np.nan
    return acquisitions.tiff(pixels)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (acquisitions.tiff()[:-3000], "unreadable_image", "damaged or incomplete"),
        (b"II*\x00", "unreadable_image", "damaged or incomplete"),
        (claim_of_3_gb(), "unreadable_image", "damaged or incomplete"),
        (with_nan(), "unreadable_image", "not finite"),
        (rgb(), "axes", "colour"),
    ],
    ids=["truncated", "only magic", "claims 3 GB in 2 kB", "NaN", "RGB"],
)
def test_a_bad_file_fails_with_one_sentence_and_leaves_no_figures(path, content, code, words):
    row = measured(content, path, name="Monday scan.tif", instrument=path.instrument, acquired_at=catalogue.START)
    assert (row.state, row.error_code) == (JobState.FAILED, code)
    assert words in row.error_message
    assert row.stored_file.sha256 not in row.error_message
    assert not Measurement.objects.exists()
    assert row.validity == Validity.PENDING


def test_a_damaged_file_is_called_by_the_name_that_people_know(path):
    row = measured(acquisitions.tiff()[:-3000], path, name="Monday scan.tif")
    assert "Monday scan.tif" in row.error_message


def test_an_image_over_the_limit_of_pixels_is_refused(path, settings):
    settings.MAX_PIXELS = 1000
    assert measured(ome(path), path).error_code == "too_large"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_leaves_one_set_of_rows(path, media_root):
    """kill -9 while figures are being written, then the message is delivered again."""
    from django.db import connection

    row = acquisition_ingest(
        facility=path.instrument.facility, source=io.BytesIO(ome(path)), original_name="scan.tif"
    ).acquisition
    script = (
        "import sys, time, django; django.setup()\n"
        "from pathlib import Path\n"
        "from django.conf import settings\n"
        "from django.db import connection\n"
        f"settings.MEDIA_ROOT = Path({str(media_root)!r})\n"
        f"settings.DATABASES['default']['NAME'] = connection.settings_dict['NAME'] = {connection.settings_dict['NAME']!r}\n"
        "from common import jobs\n"
        "from metrology.models import Acquisition\n"
        "from metrology.runtime.measuring import measure\n"
        "from metrology.services import measurements\n"
        "def hang(*_): print('hanging', flush=True); time.sleep(600)\n"
        "measurements._write_failures = hang\n"
        f"jobs.run(Acquisition, {row.pk}, measure)\n"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    worker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment)
    try:
        assert worker.stdout.readline() == b"hanging\n"
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
    assert Acquisition.objects.get(pk=row.pk).state == JobState.RUNNING
    assert not Measurement.objects.exists()
    time.sleep(0.2)
    assert jobs.recover(Acquisition, all_workers_are_dead=True) == 1
    assert jobs.run(Acquisition, row.pk, measure)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (JobState.DONE, 2)
    assert row.measurements.count() == Series.objects.count() > 10
    assert not jobs.run(Acquisition, row.pk, measure)
    assert row.measurements.count() == Series.objects.count()
