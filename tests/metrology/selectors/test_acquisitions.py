"""What is known of an acquisition comes with where it is known from, its figures with their z."""

from __future__ import annotations

import pytest

from common.errors import NotFoundError
from metrology.models import Assessment, MeasurementFailure, Protocol, Validity
from metrology.selectors.acquisitions import (
    acquisition_get,
    figures_told,
    identity_rows,
    metadata_rows,
    source_of,
)
from metrology.services.measurements import Failure, Reading, measurements_record
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
    found = figures_told(row).figures
    assert [(one.channel, one.attribute_id) for one in found] == [(0, "mean"), (0, "cv"), (0, "old"), (1, "sharpness")]
    assert [one.unit for one in found] == ["8-bit eq.", "", "", "8-bit eq./px"]


def test_a_figure_has_the_z_of_its_own_point(row):
    measurements_record(row, [Reading("mean", 0, 1, 1.0)], [], validity=Validity.VALID)
    points = [
        {"acquisition": row.pk + 1, "z": 9.0, "status": "ok"},
        {"acquisition": row.pk, "z": 3.4, "status": "signal"},
    ]
    Assessment.objects.create(series=row.measurements.get().series, status="watch", result={"points": points})
    [figure] = figures_told(row).figures
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
    [failure] = figures_told(row).failures
    assert failure.name == "axial FWHM, lateral FWHM, x"


def test_figures_of_an_earlier_version_or_protocol_stand_below_the_newest(row):
    measurements_record(row, [Reading("mean", 0, 1, 1.0), Reading("cv", 0, 1, 0.2)], [], validity=Validity.VALID)
    measurements_record(row, [Reading("mean", 0, 2, 2.0)], [], validity=Validity.VALID)
    told = figures_told(row)
    assert [(one.attribute_id, one.value) for one in told.figures] == [("mean", 2.0), ("cv", 0.2)]
    assert [(one.attribute_id, one.value, one.algorithm_version) for one in told.earlier] == [("mean", 1.0, 1)]
    row.protocol = Protocol.objects.create(facility=row.facility, standard_kind="marbles", version=2)
    measurements_record(row, [Reading("mean", 0, 2, 3.0)], [], validity=Validity.VALID)
    told = figures_told(row)
    assert [one.value for one in told.figures] == [3.0]
    assert [(one.value, one.protocol) for one in told.earlier] == [
        (value, "4 µm marbles, version 1") for value in (2.0, 1.0, 0.2)
    ]


def test_what_the_newest_version_cannot_tell_is_no_figure_and_what_an_earlier_could_not_no_failure(row):
    failed = [Failure("cv", 0, 1, "fit", "No light.")]
    measurements_record(row, [Reading("mean", 0, 1, 1.0)], failed, validity=Validity.VALID)
    failed = [Failure("mean", 0, 2, "fit", "Too dark.")]
    measurements_record(row, [Reading("cv", 0, 2, 0.2)], failed, validity=Validity.VALID)
    told = figures_told(row)
    assert row.failures.count() == 2
    assert [one.attribute_id for one in told.figures] == ["cv"]
    assert [one.message for one in told.failures] == ["Too dark."]
    assert [one.attribute_id for one in told.earlier] == ["mean"]


def test_an_image_without_a_standard_tells_its_newest_figures_and_keeps_them_when_it_gets_one(row):
    protocol, row.protocol = row.protocol, None
    for version, value in ((1, 1.0), (2, 2.0)):
        measurements_record(row, [Reading("mean", 0, version, value)], [], validity=Validity.INVALID)
    told = figures_told(row)
    assert ([one.value for one in told.figures], [one.value for one in told.earlier]) == ([2.0], [1.0])
    row.protocol = protocol
    measurements_record(row, [Reading("mean", 0, 2, 3.0)], [], validity=Validity.VALID)
    told = figures_told(row)
    assert ([one.value for one in told.figures], [one.value for one in told.earlier]) == ([3.0], [2.0, 1.0])


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
