"""From a file to figures, by the real reader and the real figures; whatever is wrong with the file is said."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
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
    Validity,
)
from metrology.runtime.measuring import measure
from metrology.runtime.quantities import rows_of
from metrology.selectors.tiles import beads_path
from metrology.services.ingest import acquisition_ingest
from metrology.services.references import reference_set
from tests.factories import acquisitions, catalogue
from tests.factories.measured import measured, ome, values

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]


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
    assert not list(row.preview_path(0).parent.glob("*.*.jpg"))


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


def test_an_image_without_a_standard_keeps_its_figures_when_versions_are_raised(path, monkeypatch):
    row = measured(ome(path, name="something"), path)
    first = row.readings
    for raised, expected in ((0, len(first)), (1, 2 * len(first)), (1, 2 * len(first))):
        monkeypatch.setattr(
            "metrology.runtime.measuring.rows_of",
            lambda found, by=raised: tuple(
                [replace(one, algorithm_version=one.algorithm_version + by) for one in some] for some in rows_of(found)
            ),
        )
        jobs.requeue(row)
        assert jobs.run(Acquisition, row.pk, measure)
        row.refresh_from_db()
        assert row.readings[: len(first)] == first
        assert len(row.readings) == expected


def test_once_a_standard_is_known_the_figures_are_charted_and_those_before_kept(path):
    row = measured(ome(path, name="something"), path)
    before = row.readings
    Acquisition.objects.filter(pk=row.pk).update(standard=acquisitions.standard(row.facility))
    jobs.requeue(row)
    jobs.run(Acquisition, row.pk, measure)
    row.refresh_from_db()
    assert row.readings == before != []
    assert row.measurements.count() == Series.objects.count() > 10
    assert row.validity == Validity.VALID


def test_the_protocol_in_force_is_used(path):
    for version in (1, 2):
        Protocol.objects.create(facility=path.instrument.facility, standard_kind="marbles", version=version)
    assert measured(ome(path), path).protocol.version == 2


def test_a_scan_with_other_settings_is_kept_and_measured_but_not_charted(path):
    Protocol.objects.create(
        facility=path.instrument.facility,
        standard_kind="marbles",
        optical_path=path,
        required_settings=[{"setting": "bit_depth", "channel": None, "value": 14.0, "tolerance": 0.0}],
    )
    row = measured(ome(path), path)
    assert (row.validity, row.validity_reason) == ("invalid", "Not comparable: bit depth: 12 instead of 14 bit.")
    assert row.measurements.filter(series__attribute_id="mean").exists()


@pytest.mark.parametrize("mosaic_first", [False, True])
def test_a_tile_scan_and_a_single_field_are_not_charted_together(path, mosaic_first):
    mosaic = ome(path, pixels=np.tile(acquisitions.field(3), (32, 48)))
    first, second = (mosaic, ome(path)) if mosaic_first else (ome(path), mosaic)
    charted, kept = (
        measured(first, path),
        measured(second, path, standard=acquisitions.standard(path.instrument.facility)),
    )
    words = ["tile scan of 2 × 3 fields", "single field"]
    one, other = words if mosaic_first else words[::-1]
    assert charted.validity == Validity.VALID, charted.validity_reason
    assert charted.protocol == kept.protocol
    assert kept.validity == Validity.INVALID
    assert kept.validity_reason.endswith(f"Not comparable: {other} instead of a {one}.")
    assert kept.measurements.exists()


def test_a_protocol_of_before_charts_every_kind_of_scan(path):
    catalogue.protocol(path.instrument.facility)
    measured(ome(path), path)
    row = measured(ome(path, pixels=acquisitions.field(1, shape=(1, 9, 64, 64))), path)
    assert (row.validity, row.validity_reason) == (Validity.VALID, "")


def test_a_scan_measured_again_by_a_new_protocol_begins_new_series_and_keeps_its_old_values(path):
    row = measured(ome(path), path)
    old = set(row.measurements.values_list("pk", flat=True))
    new = Protocol.objects.create(
        facility=path.instrument.facility, standard_kind="marbles", optical_path=path, version=2
    )
    jobs.requeue(row)
    assert jobs.run(Acquisition, row.pk, measure)
    row.refresh_from_db()
    assert row.protocol == new
    assert old < set(row.measurements.values_list("pk", flat=True))
    assert row.measurements.count() == 2 * len(old)
    assert set(Series.objects.filter(retired_at=None).values_list("protocol", flat=True)) == {new.pk}


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
        "def hang(*_, **__): print('hanging', flush=True); time.sleep(600)\n"
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
    assert (row.state, row.attempts) == (JobState.DONE, 1)  # a start after a crash blames no job
    assert row.measurements.count() == Series.objects.count() > 10
    assert not jobs.run(Acquisition, row.pk, measure)
    assert row.measurements.count() == Series.objects.count()


def test_beads_are_compared_with_the_theory_of_their_optical_path(path):
    standard = acquisitions.standard(path.instrument.facility, kind="beads")
    content = acquisitions.ome_tiff(acquisitions.beads(), instrument=path.instrument, pixel_um=0.1)
    found = values(measured(content, path, standard=standard))
    theory_um = 0.51 * 0.488 / 1.0  # confocal: 0.51 λ/NA
    assert found["fwhm_ratio_lateral_x", 0] == pytest.approx(found["fwhm_lateral_x", 0] / theory_um, rel=1e-3)


def test_the_viewer_is_told_where_beads_were_found_and_which_were_rejected_why(path):
    standard = acquisitions.standard(path.instrument.facility, kind="beads")
    pixels = acquisitions.beads()
    pixels[0, :, 2:5, 46:51] += 1500  # a bead cut by the edge
    row = measured(acquisitions.ome_tiff(pixels, instrument=path.instrument, pixel_um=0.1), path, standard=standard)
    spots = json.loads(beads_path(row).read_text())
    assert {(one["y"], one["x"]) for one in spots if one["reason"] is None} == {
        (y, x) for y in (16, 48, 80) for x in (16, 48, 80)
    }
    assert [one["reason"] for one in spots if one["reason"] is not None]
