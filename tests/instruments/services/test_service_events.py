"""What was done to an instrument is recorded by those who may, if it can have happened."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from common.errors import AccessError, InputError, InvalidDateError, NotFoundError
from common.permissions import Role
from instruments.models import ServiceEvent
from instruments.services.service_events import service_event_record, service_recorded
from tests.factories import catalogue

pytestmark = pytest.mark.django_db

START = catalogue.START


@pytest.fixture
def instrument():
    return catalogue.instrument()


@pytest.fixture
def operator(instrument):
    return catalogue.member(Role.OPERATOR, of=instrument.facility)


def record(user, instrument, **fields):
    given = {"kind": "realignment", "started_at": START, "ended_at": START + timedelta(hours=3)}
    return service_event_record(user=user, instrument=instrument, **given | fields)


def test_an_event_is_kept(instrument, operator):
    event = record(operator, instrument, text="Mirror 3 was loose.", components="scan head")
    assert ServiceEvent.objects.get() == event
    assert (event.recorded_by, event.text, event.components) == (operator, "Mirror 3 was loose.", "scan head")


def test_an_event_goes_with_what_follows_from_it_or_not_at_all(instrument, operator):
    def refuse(*, event, **_):
        assert ServiceEvent.objects.filter(pk=event.pk).exists()
        raise RuntimeError("what follows could not be noted")

    service_recorded.connect(refuse)
    try:
        with pytest.raises(RuntimeError, match="could not be noted"):
            record(operator, instrument)
    finally:
        service_recorded.disconnect(refuse)
    assert not ServiceEvent.objects.exists()


def test_a_viewer_may_not_record(instrument):
    viewer = catalogue.member(Role.VIEWER, of=instrument.facility)
    with pytest.raises(AccessError, match="Only operators and staff may record a service event; your role is viewer"):
        record(viewer, instrument)
    assert not ServiceEvent.objects.exists()


@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        ({"ended_at": START - timedelta(hours=1)}, InputError, "ends before it starts"),
        ({"kind": "exorcism"}, InputError, "not a kind of service event"),
        ({"components": "x" * 201}, InputError, "201 characters; 200 are kept"),
        ({"ended_at": timezone.now() + timedelta(days=400)}, InvalidDateError, "in the future"),
    ],
)
def test_an_event_that_cannot_have_happened_so_is_refused(instrument, operator, fault, error, sentence):
    with pytest.raises(error, match=sentence):
        record(operator, instrument, **fault)
    assert not ServiceEvent.objects.exists()


def test_an_operator_of_another_facility_cannot_record_here(instrument):
    with pytest.raises(NotFoundError):
        record(catalogue.member(Role.OPERATOR), instrument)
