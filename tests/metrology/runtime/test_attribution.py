"""What an image is of is found out or asked for, and never picked between two that fit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from common.models import JobState
from metrology.models import Measurement, StandardKind, Validity
from tests.factories import acquisitions, catalogue
from tests.factories.measured import measured, ome, values

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]


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


def test_of_two_paths_that_fit_the_one_with_the_detector_of_the_file_is_taken(path):
    other = catalogue.optical_path(path.instrument)
    row = measured(ome(path, detectors=[other.channels.get().detector.name.lower()]), path)
    assert row.optical_path == other
    assert row.sources["optical_path"] == "objective, channels and detectors of the file"
    unknown = measured(ome(path, seed=1, detectors=["GaAsP 3"]), path)
    assert unknown.optical_path is None


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
