"""The verdict on an instrument keeps every reason, in words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from common.permissions import Role
from instruments.services.service_events import service_event_record
from metrology.models import Health
from metrology.selectors.fleet import fleet_get
from metrology.selectors.instrument_page import instrument_page
from metrology.services.health import assess_forgotten, health_record
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db


def test_every_series_beyond_a_limit_is_a_reason_and_a_fall_reads_as_harm():
    instrument = catalogue.instrument()
    for channel in range(8):
        series = monitor.series(instrument, attribute_id="mean", channel=channel)
        monitor.assessment(series, status="watch", urgency=50 - channel, latest_z=51.3)
    health = health_record(instrument, Health(instrument=instrument))
    assert len(health.reasons) == 8
    assert health.reasons[0].endswith("channel 0: 51.3 σ towards harm")
    card = fleet_get(instrument.facility).cards[0]
    assert card.reason.endswith("channel 0: 51.3 σ towards harm, and 7 more series.")
    page = instrument_page(instrument.facility, instrument.slug)
    assert (len(page.reasons), page.more_reasons) == (5, 3)


@pytest.fixture
def sent(monkeypatch):
    calls = []
    monkeypatch.setattr("common.dispatch._send", lambda task, ids, _queue: calls.append((task, ids)))
    return calls


def service(instrument):
    at = catalogue.START + timedelta(weeks=3)
    user = catalogue.member(Role.OPERATOR, of=instrument.facility)
    return service_event_record(user=user, instrument=instrument, kind="detector", started_at=at, ended_at=at)


def test_a_service_has_the_instrument_judged_anew(sent, django_capture_on_commit_callbacks):
    instrument = catalogue.instrument()
    monitor.health(instrument)
    with django_capture_on_commit_callbacks(execute=True):
        service(instrument)
    assert Health.objects.get().needs_assessment
    assert sent == [("metrology.assess", (instrument.pk,))]


def test_the_judgement_after_a_service_is_asked_for_again_when_its_message_was_lost(
    sent, django_capture_on_commit_callbacks
):
    instrument = catalogue.instrument()
    monitor.health(instrument)
    with django_capture_on_commit_callbacks():  # as if the process ended before the message was sent
        service(instrument)
    assert sent == []
    with django_capture_on_commit_callbacks(execute=True):
        assert assess_forgotten() == 1
    assert sent == [("metrology.assess", (instrument.pk,))]


def test_an_instrument_that_was_never_scanned_is_not_judged_after_a_service(sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        service(catalogue.instrument())
    assert sent == []
    assert not Health.objects.exists()
