"""An operator restores images of the instrument by its released model, once each."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from common.errors import AccessError, InputError, NotFoundError, OutOfDomainError, StateError
from common.models import JobState
from common.permissions import Role
from enhancement.models import RestoredImage
from enhancement.services.restoration import restoration_cancel, restoration_request
from metrology.models import Measurement, Protocol, Series
from tests.factories import catalogue
from tests.factories import enhancement as made

pytestmark = pytest.mark.django_db


@pytest.fixture
def instrument(tmp_path):
    return made.two_detector_instrument(tmp_path, fields=1)


@pytest.fixture
def scan(instrument):
    return instrument.acquisitions.get()


@pytest.fixture
def operator(instrument):
    return catalogue.member(Role.OPERATOR, of=instrument.facility)


@pytest.fixture
def model(instrument):
    return made.model(made.run(made.case(instrument), state="done"), state="released")


def test_an_image_is_restored_once_by_a_model(scan, operator, model):
    first, created = restoration_request(user=operator, acquisition=scan)
    again, created_again = restoration_request(user=operator, acquisition=scan)
    assert (created, created_again) == (True, False)
    assert first == again
    assert (first.model, first.requested_by, first.state) == (model, operator, JobState.QUEUED)


def test_a_failed_restoration_is_put_back_in_the_queue(scan, operator, model):
    image, _ = restoration_request(user=operator, acquisition=scan)
    RestoredImage.objects.update(state=JobState.FAILED, error_code="storage")
    again, created = restoration_request(user=operator, acquisition=scan)
    assert (again.pk, created, again.state, again.error_code) == (image.pk, False, JobState.QUEUED, "")


def test_a_viewer_cannot_restore_an_image(scan, model):
    with pytest.raises(AccessError, match="Only operators and staff may restore an image"):
        restoration_request(user=catalogue.member(Role.VIEWER, of=scan.facility), acquisition=scan)


def test_a_viewer_cannot_cancel_a_restoration_and_an_operator_can(scan, operator, model):
    image, _ = restoration_request(user=operator, acquisition=scan)
    with pytest.raises(AccessError, match="Only operators and staff may cancel a restoration"):
        restoration_cancel(user=catalogue.member(Role.VIEWER, of=scan.facility), image=image)
    assert RestoredImage.objects.get().state == JobState.QUEUED
    restoration_cancel(user=operator, image=image)
    assert RestoredImage.objects.get().state == JobState.CANCELLED


def test_an_operator_of_another_facility_cannot_restore_the_image(scan, model):
    with pytest.raises(NotFoundError):
        restoration_request(user=catalogue.member(Role.OPERATOR), acquisition=scan)


@pytest.mark.parametrize("state", ["candidate", "rejected", "expired"])
def test_a_model_that_is_not_released_is_refused(scan, operator, model, state):
    model.state = state
    model.save()
    with pytest.raises(StateError):
        restoration_request(user=operator, acquisition=scan, model=model)
    with pytest.raises(StateError, match="No model is released"):
        restoration_request(user=operator, acquisition=scan)


def test_a_model_past_its_date_is_refused(scan, operator, model):
    model.expires_at = timezone.now() - timedelta(days=1)
    model.save()
    with pytest.raises(StateError, match="expired on"):
        restoration_request(user=operator, acquisition=scan, model=model)


def test_an_image_of_another_instrument_channel_or_state_is_refused(scan, operator, model):
    model.input_channel = 2
    with pytest.raises(InputError, match="channel 2"):
        restoration_request(user=operator, acquisition=scan, model=model)
    with pytest.raises(InputError, match="was made for"):
        restoration_request(user=operator, acquisition=scan, model=made.model(state="released"))
    model.input_channel = 0
    scan.state = "running"
    with pytest.raises(StateError, match="not measured"):
        restoration_request(user=operator, acquisition=scan, model=model)


def measured(scan, value, channel=0):
    protocol = Protocol.objects.create(facility=scan.facility, standard_kind="convallaria")
    series = Series.objects.create(
        instrument=scan.instrument, optical_path=scan.optical_path, standard=scan.standard, protocol=protocol,
        attribute_id="mean", channel=channel, algorithm_version=1,
    )  # fmt: skip
    Measurement.objects.create(series=series, acquisition=scan, value=value)


def test_an_image_outside_of_the_envelope_is_warned_about_or_refused(scan, operator, model):
    measured(scan, 60.0)
    model.envelope = {"mean": [20, 40]}
    model.save()
    image, _ = restoration_request(user=operator, acquisition=scan)
    assert image.warnings == ["Its mean, 60, lies outside of the training images' 20 to 40."]
    Measurement.objects.update(value=900)
    with pytest.raises(OutOfDomainError):
        restoration_request(user=operator, acquisition=scan)


def test_an_image_through_another_path_is_warned_about(scan, operator, model):
    model.optical_path = catalogue.optical_path(scan.instrument)
    model.save()
    image, _ = restoration_request(user=operator, acquisition=scan)
    assert image.warnings == [f"It was taken through {scan.optical_path}, the model learned {model.optical_path}."]
