"""Exported files carry the counts unchanged and the metadata of a real microscope."""

from __future__ import annotations

import dataclasses
import errno
from datetime import UTC, datetime

import numpy as np
import ome_types
import pytest
import tifffile

from common.errors import StorageError
from instruments.simulator.export import write_ome_tiff
from instruments.simulator.fleet import instrument_named
from instruments.simulator.schedule import demo_facility, simulate

MOMENT = datetime(2025, 3, 3, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def acquisitions():
    labels = ("LSM 510 marbles week 05", "LSM 780 beads week 08")
    plans = {scan.label: scan for scan in demo_facility().scans}
    return {label: (instrument_named(plans[label].instrument), simulate(plans[label])) for label in labels}


@pytest.fixture
def written(tmp_path, acquisitions):
    def write(label):
        instrument, acquired = acquisitions[label]
        path = tmp_path / "image.ome.tif"
        write_ome_tiff(acquired, path, instrument=instrument, label=label, acquired_at=MOMENT)
        return path, instrument, acquired

    return write


@pytest.mark.parametrize(
    ("label", "axes", "shape"),
    [("LSM 510 marbles week 05", "CYX", (2, 256, 256)), ("LSM 780 beads week 08", "ZYX", (31, 128, 128))],
)
def test_counts_return_unchanged_with_their_axes(written, label, axes, shape):
    path, _, acquired = written(label)
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        assert file.series[0].axes == axes
        assert file.series[0].dtype == np.uint16
        np.testing.assert_array_equal(file.asarray(), acquired.planes.reshape(shape))


def test_stand_objective_laser_and_detectors_return_as_catalogued(written):
    path, plan, acquired = written("LSM 510 marbles week 05")
    instrument = ome_types.from_tiff(path).instruments[0]
    stand = instrument.microscope
    assert (stand.manufacturer, stand.model, stand.serial_number) == ("Zeiss", "LSM 510 NLO", plan.serial_number)
    objective = instrument.objectives[0]
    assert (objective.lens_na, objective.nominal_magnification, objective.immersion.value) == (1.0, 20.0, "Water")
    assert (instrument.lasers[0].wavelength, instrument.lasers[0].power) == (800.0, 3500.0)
    assert [detector.type.value for detector in instrument.detectors] == ["PMT", "PMT"]
    assert ["MultiAlkali" in instrument.detectors[0].model, "GaAsP" in instrument.detectors[1].model] == [True, True]
    assert [detector.gain for detector in instrument.detectors] == [c.voltage_v for c in acquired.channels]
    assert [detector.offset for detector in instrument.detectors] == [40.0, 40.0]


def test_image_settings_return_as_acquired(written):
    path, *_ = written("LSM 780 beads week 08")
    image = ome_types.from_tiff(path).images[0]
    assert image.name == "LSM 780 beads week 08"
    assert image.acquisition_date == MOMENT
    pixels = image.pixels
    assert pixels.significant_bits == 12
    assert (pixels.physical_size_x, pixels.physical_size_y, pixels.physical_size_z) == (0.06, 0.06, 0.15)
    channel = pixels.channels[0]
    assert (channel.name, channel.excitation_wavelength, channel.emission_wavelength) == ("ChS1", 488.0, 525.0)
    assert channel.pinhole_size == pytest.approx(1.22 * 0.525 / 1.3 * 40.0, abs=1e-3)
    assert channel.acquisition_mode.value == "LaserScanningConfocalMicroscopy"
    assert image.objective_settings.refractive_index == 1.518


def test_a_single_plane_states_no_distance_between_planes_and_two_photon_no_pinhole(written):
    path, *_ = written("LSM 510 marbles week 05")
    pixels = ome_types.from_tiff(path).images[0].pixels
    assert pixels.physical_size_z is None
    assert [channel.pinhole_size for channel in pixels.channels] == [None, None]
    assert [channel.name for channel in pixels.channels] == ["ChS1", "NDD1"]


def test_the_file_says_that_it_is_simulated_but_not_what_is_wrong_with_the_instrument(written):
    path, *_ = written("LSM 780 beads week 08")
    xml = tifffile.tiffcomment(path)
    assert "Simulated" in xml
    for secret in ("defect", "week_of_ageing", "spherical", "quantum"):
        assert secret not in xml.lower()


def test_writing_again_replaces_the_file_and_leaves_no_other(written, tmp_path):
    written("LSM 510 marbles week 05")
    written("LSM 780 beads week 08")
    assert [entry.name for entry in tmp_path.iterdir()] == ["image.ome.tif"]
    assert ome_types.from_tiff(tmp_path / "image.ome.tif").images[0].pixels.size_z == 31


def test_a_full_disk_is_said_and_leaves_the_old_file_whole(written, tmp_path, acquisitions, monkeypatch):
    path, *_ = written("LSM 510 marbles week 05")
    before = path.read_bytes()
    real = tifffile.TiffWriter.write

    def fill_the_disk(self, *args, **kwargs):
        real(self, *args, **kwargs)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tifffile.TiffWriter, "write", fill_the_disk)
    instrument, acquired = acquisitions["LSM 780 beads week 08"]
    with pytest.raises(StorageError, match="No space left"):
        write_ome_tiff(acquired, path, instrument=instrument, label="x", acquired_at=MOMENT)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_a_storage_error(tmp_path, acquisitions):
    instrument, acquired = acquisitions["LSM 780 beads week 08"]
    with pytest.raises(StorageError, match="could not be written"):
        write_ome_tiff(acquired, tmp_path / "none" / "a.ome.tif", instrument=instrument, label="x", acquired_at=MOMENT)


def test_exporting_leaves_the_counts_as_they_were(written, acquisitions):
    _, acquired = acquisitions["LSM 510 marbles week 05"]
    before = acquired.planes.copy()
    written("LSM 510 marbles week 05")
    np.testing.assert_array_equal(acquired.planes, before)
    assert dataclasses.is_dataclass(acquired)
