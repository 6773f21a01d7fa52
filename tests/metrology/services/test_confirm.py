"""What people correct is kept with who corrected it, and figures leave the series they were wrongly in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from common.errors import AccessError, InputError, InvalidDateError, NotFoundError, StateError
from common.models import JobState
from common.permissions import Role
from metrology.models import Acquisition, Health, Measurement, Validity
from metrology.services.confirm import acquisition_confirm, acquisition_remeasure
from metrology.services.measurements import Reading, measurements_record
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    messages = []
    monkeypatch.setattr("common.dispatch._send", lambda task, ids, _queue: messages.append((task, ids)))
    return messages


@pytest.fixture
def row():
    path = catalogue.optical_path()
    facility = path.instrument.facility
    made = acquisitions.acquisition(
        facility,
        instrument=path.instrument,
        optical_path=path,
        standard=acquisitions.standard(facility),
        protocol=catalogue.protocol(facility),
        acquired_at=catalogue.START,
        state=JobState.DONE,
        sources={"instrument": "OME-XML Microscope SerialNumber"},
    )
    measurements_record(made, [Reading("mean", 0, 1, 74.25)], [], validity=Validity.VALID)
    return made


def operator(row):
    return catalogue.member(Role.OPERATOR, of=row.facility)


def test_a_confirmed_field_names_who_confirmed_it(row):
    user = operator(row)
    after = acquisition_confirm(row, user=user, instrument=row.instrument)
    assert after.sources["instrument"] == f"user {user.username}"
    assert after.state == JobState.DONE
    assert after.corrections == []
    assert after.measurements.count() == 1


def test_another_standard_takes_the_figures_out_of_the_series_keeps_them_and_measures_anew(
    row, sent, django_capture_on_commit_callbacks
):
    before, other = row.standard, acquisitions.standard(row.facility)
    user = operator(row)
    with django_capture_on_commit_callbacks(execute=True):
        after = acquisition_confirm(row, user=user, standard=other)
    assert (after.standard, after.state, after.protocol) == (other, JobState.QUEUED, None)
    assert not Measurement.objects.exists()
    [correction] = after.corrections
    assert correction["by"] == f"user {user.username}"
    assert correction["changed"] == {"standard": [before.pk, other.pk]}
    assert [(one["attribute_id"], one["value"]) for one in correction["withdrawn"]] == [("mean", 74.25)]
    assert ("metrology.measure", (row.pk,)) in sent
    assert ("metrology.assess", (row.instrument_id,)) in sent


def test_figures_of_a_wrong_size_that_belong_to_no_series_are_kept_with_the_correction(row, sent):
    reading = {"attribute_id": "mean", "channel": 0, "algorithm_version": 1, "value": 9.0, "uncertainty": None, "n": 1}
    Acquisition.objects.filter(pk=row.pk).update(readings=[reading])
    after = acquisition_confirm(row, user=operator(row), pixel_size_um=0.3)
    assert after.readings == []
    assert [(one["series"] is None, one["value"]) for one in after.corrections[0]["withdrawn"]] == [
        (False, 74.25),
        (True, 9.0),
    ]


def test_another_instrument_takes_the_path_of_the_old_one_away_and_both_are_judged_anew(
    row, sent, django_capture_on_commit_callbacks
):
    other = catalogue.instrument(row.facility)
    with django_capture_on_commit_callbacks(execute=True):
        after = acquisition_confirm(row, user=operator(row), instrument=other)
    assert after.instrument == other
    assert after.optical_path is None
    assert set(Health.objects.filter(needs_assessment=True).values_list("instrument", flat=True)) == {
        row.instrument_id,
        other.pk,
    }


def test_another_date_is_not_measured_anew_but_judged_anew(row, sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        after = acquisition_confirm(row, user=operator(row), acquired_at=catalogue.START + timedelta(days=1))
    assert after.state == JobState.DONE
    assert after.measurements.count() == 1
    assert sent == [("metrology.assess", (row.instrument_id,))]


def test_a_typed_pixel_size_is_measured_anew(row):
    after = acquisition_confirm(row, user=None, pixel_size_um=0.13)
    assert (after.pixel_size_um, after.sources["pixel_size_um"]) == (0.13, "command line")
    assert after.state == JobState.QUEUED


def test_a_failed_acquisition_is_measured_anew_whatever_is_confirmed(row):
    row.state = JobState.FAILED
    row.save()
    assert acquisition_confirm(row, user=None, label="Monday").state == JobState.QUEUED


def test_one_that_waits_stays_waiting(row):
    row.state = JobState.QUEUED
    row.save()
    after = acquisition_confirm(row, user=None, standard=acquisitions.standard(row.facility))
    assert after.state == JobState.QUEUED


def test_one_that_is_being_measured_is_left_alone(row):
    row.state = JobState.RUNNING
    row.save()
    with pytest.raises(StateError, match="being measured right now"):
        acquisition_confirm(row, user=None, label="x")


def test_what_is_left_empty_stays(row):
    after = acquisition_confirm(row, user=None, label="", instrument=None, acquired_at=None, pixel_size_um=None)
    assert after.instrument == row.instrument
    assert after.acquired_at == catalogue.START
    assert after.corrections == []


def test_a_viewer_corrects_nothing(row):
    with pytest.raises(AccessError, match="your role is viewer"):
        acquisition_confirm(row, user=catalogue.member(Role.VIEWER, of=row.facility), label="x")


def test_nobody_corrects_for_another_facility(row):
    with pytest.raises(NotFoundError):
        acquisition_confirm(row, user=catalogue.member(Role.STAFF), label="x")
    with pytest.raises(NotFoundError):
        acquisition_remeasure(row, user=catalogue.member(Role.STAFF))


def test_impossible_things_are_refused(row):
    with pytest.raises(InputError, match="pixel size lies between 0"):
        acquisition_confirm(row, user=None, pixel_size_um=0.0)
    with pytest.raises(InvalidDateError):
        acquisition_confirm(row, user=None, acquired_at=timezone.now() + timedelta(days=2))
    with pytest.raises(InputError, match="belongs to"):
        acquisition_confirm(
            row,
            user=None,
            instrument=row.instrument,
            optical_path=catalogue.optical_path(catalogue.instrument(row.facility)),
        )
    row.refresh_from_db()
    assert row.corrections == []


def test_measuring_again_is_asked_for_once(row):
    acquisition_remeasure(row, user=operator(row))
    row.refresh_from_db()
    assert row.state == JobState.QUEUED
    with pytest.raises(StateError):
        acquisition_remeasure(row, user=None)
