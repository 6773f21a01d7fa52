"""What is known of an acquisition comes with where it is known from, its figures with their z."""

from __future__ import annotations

import pytest

from common.errors import NotFoundError
from metrology.models import Assessment, MeasurementFailure, Validity
from metrology.selectors.acquisitions import (
    acquisition_get,
    failure_rows,
    figure_rows,
    identity_rows,
    metadata_rows,
    source_of,
)
from metrology.services.measurements import Reading, measurements_record
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture
def row():
    path = catalogue.optical_path()
    facility = path.instrument.facility
    return acquisitions.acquisition(
        facility,
        instrument=path.instrument,
        optical_path=path,
        standard=acquisitions.standard(facility),
        protocol=catalogue.protocol(facility),
        sources={"instrument": "user ada", "optical_path": "default: the only path of the instrument"},
    )


def test_figures_come_by_channel_in_the_order_of_the_registry(row):
    readings = [
        Reading("sharpness", 1, 1, 3.0),
        Reading("cv", 0, 1, 0.2),
        Reading("mean", 0, 1, 1.0),
        Reading("old", 0, 1, 9.0),
    ]
    measurements_record(row, readings, [], validity=Validity.VALID)
    found = figure_rows(row)
    assert [(one.channel, one.attribute_id) for one in found] == [(0, "mean"), (0, "cv"), (0, "old"), (1, "sharpness")]
    assert [one.unit for one in found] == ["8-bit eq.", "", "", "8-bit eq./px"]


def test_a_figure_has_the_z_of_its_own_point(row):
    measurements_record(row, [Reading("mean", 0, 1, 1.0)], [], validity=Validity.VALID)
    points = [
        {"acquisition": row.pk + 1, "z": 9.0, "status": "ok"},
        {"acquisition": row.pk, "z": 3.4, "status": "signal"},
    ]
    Assessment.objects.create(series=row.measurements.get().series, status="watch", result={"points": points})
    [figure] = figure_rows(row)
    assert (figure.z, figure.status) == (3.4, "signal")


def test_failures_for_one_reason_are_one_row(row):
    for name in ("fwhm_axial", "fwhm_lateral_x"):
        MeasurementFailure.objects.create(
            acquisition=row,
            attribute_id=name,
            channel=0,
            algorithm_version=1,
            code="fit",
            message="No beads. Scan some.",
        )
    [failure] = failure_rows(row)
    assert failure.name == "axial FWHM, lateral FWHM, x"


def test_each_fact_names_its_source(row):
    sources = {one.name: (one.source, one.detail) for one in identity_rows(row)}
    assert sources["Instrument"] == ("user", "ada")
    assert sources["Optical path"] == ("default", "the only path of the instrument")
    assert sources["Label"] == ("none", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("none", "")),
        ("user ada", ("user", "ada")),
        ("command line", ("user", "command line")),
        ("default: only one", ("default", "only one")),
        ("OME-XML AcquisitionDate", ("file", "OME-XML AcquisitionDate")),
    ],
)
def test_a_source_is_read_as_it_was_written(text, expected):
    assert source_of(text) == expected


def test_metadata_is_written_with_units_and_channels(row):
    row.metadata = {
        "pixel_size_um": {"value": 0.2000000001, "source": "OME-XML PhysicalSizeX"},
        "channels": [{"excitation_nm": {"value": 488.0, "source": "OME-XML Channel ExcitationWavelength"}}],
    }
    rows = [(one.name, one.value, one.unit) for one in metadata_rows(row)]
    assert rows == [("Pixel size", "0.2", "µm"), ("Channel 0: excitation", "488", "nm")]


def test_another_facility_s_acquisition_is_not_found(row):
    assert acquisition_get(row.facility, row.pk) == row
    with pytest.raises(NotFoundError):
        acquisition_get(catalogue.facility(), row.pk)
