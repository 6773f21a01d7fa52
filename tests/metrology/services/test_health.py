"""The verdict on an instrument keeps every reason, in words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from common.permissions import Role
from instruments.services.service_events import service_event_record
from metrology.models import Health, Protocol
from metrology.selectors.fleet import fleet_get
from metrology.selectors.instrument_page import instrument_page
from metrology.services.health import assess_forgotten, health_record
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db


def test_every_series_beyond_a_limit_is_a_reason_and_a_fall_reads_as_harm():
    instrument = catalogue.instrument()
    judged = []
    for channel in range(8):
        series = monitor.series(instrument, attribute_id="mean", channel=channel)
        judged.append(monitor.assessment(series, status="watch", urgency=43 + channel, latest_z=51.3 + channel))
    retired = monitor.series(instrument, attribute_id="mean", channel=8, retired_at=timezone.now())
    judged.append(monitor.assessment(retired, status="watch", urgency=99, latest_z=9.9))
    health = health_record(instrument, Health(instrument=instrument), judged)
    assert len(health.reasons) == 8
    assert health.reasons[0].endswith("channel 7: 58.3 σ towards harm")
    card = fleet_get(instrument.facility).cards[0]
    assert card.reason.endswith("channel 7: 58.3 σ towards harm, and 7 more series.")
    page = instrument_page(instrument.facility, instrument.slug)
    assert (len(page.reasons), page.more_reasons) == (5, 3)


def due_days(instrument):
    row, _ = Health.objects.get_or_create(instrument=instrument)
    at = health_record(instrument, row, []).next_due_at
    return None if at is None else (at - catalogue.START).days


def test_a_scan_is_due_an_interval_after_the_latest_of_its_standard_and_earlier_versions_ask_for_none():
    path = catalogue.optical_path()
    instrument, other = path.instrument, catalogue.optical_path(of=path.instrument)
    sample = monitor.standard(instrument.facility)
    made = [
        Protocol.objects.create(
            facility=instrument.facility, standard_kind="marbles", optical_path=at, of_first_scan=True, interval_days=7
        )
        for at in (path, other)
    ]
    assert due_days(instrument) is None
    for week, (at, protocol) in enumerate([(path, made[0]), (other, made[1])]):
        monitor.acquisition(instrument, path=at, sample=sample, week=week, protocol=protocol)
    assert due_days(instrument) == 7 + 7  # first scans ask for the standard on any path
    own = Protocol.objects.create(
        facility=instrument.facility, standard_kind="marbles", optical_path=other, version=2, interval_days=30
    )
    monitor.acquisition(instrument, path=path, sample=sample, week=4, protocol=made[0])
    monitor.acquisition(instrument, path=other, sample=sample, week=2, protocol=own)
    assert due_days(instrument) == 28 + 7
    monitor.acquisition(instrument, path=path, sample=sample, week=9, protocol=made[0])
    assert due_days(instrument) == 14 + 30


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
