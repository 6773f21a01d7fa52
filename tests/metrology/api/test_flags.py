"""Flags by API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from common.permissions import Role
from instruments.models import ServiceEvent
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db

LIST = "/api/v1/flags/"
STEPS = ("acknowledge", "confirm", "dismiss", "resolve", "comment")
SAID = {"text": "bad slide", "service_event": 1}


@pytest.fixture
def flag():
    return monitor.flag(signals=2)


def client_of(flag, role):
    client = APIClient()
    client.force_authenticate(catalogue.member(role, of=flag.instrument.facility))
    return client


def step(client, flag, name, said=None):
    return client.post(reverse(f"api-flag-{name}", args=[flag.pk]), said or {}, format="json")


def test_who_is_not_signed_in_is_refused(flag):
    client = APIClient()
    assert client.get(LIST).status_code == 401
    assert client.get(reverse("api-flag", args=[flag.pk])).status_code == 401
    assert [step(client, flag, name, SAID).status_code for name in STEPS] == [401] * 5


def test_flags_are_listed_and_filtered_within_the_facility(flag):
    monitor.flag()
    client = client_of(flag, Role.VIEWER)
    assert [row["id"] for row in client.get(LIST).json()["results"]] == [flag.pk]
    assert client.get(LIST, {"state": "resolved"}).json()["results"] == []
    assert client.get(LIST, {"instrument": flag.instrument.slug}).json()["count"] == 1


def test_many_flags_take_few_queries(flag, django_assert_max_num_queries):
    for week in range(20):
        monitor.flag(at=flag.signals.first().series, week=10 + week, state="dismissed")
    client = client_of(flag, Role.VIEWER)
    with django_assert_max_num_queries(5):
        assert client.get(LIST).json()["count"] == 21


def test_the_detail_holds_signals_and_steps(flag):
    client = client_of(flag, Role.OPERATOR)
    answer = step(client, flag, "acknowledge", {"text": "Seen."})
    assert answer.status_code == 200
    body = client.get(reverse("api-flag", args=[flag.pk])).json()
    assert body == answer.json()
    assert [(signal["kind"], signal["attribute"], signal["value"]) for signal in body["signals"]] == [
        ("ewma", "sharpness", 61.0),
        ("tolerance", "sharpness", 61.0),
    ]
    assert [(one["from_state"], one["to_state"], one["text"]) for one in body["transitions"]] == [
        ("open", "acknowledged", "Seen.")
    ]


def test_a_viewer_takes_no_step(flag):
    answers = [step(client_of(flag, Role.VIEWER), flag, name, SAID) for name in STEPS]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "access")] * 5


def test_another_facilitys_flag_is_not_found(flag):
    client = client_of(monitor.flag(), Role.STAFF)
    assert client.get(reverse("api-flag", args=[flag.pk])).status_code == 404
    assert [step(client, flag, name, SAID).status_code for name in STEPS] == [404] * 5


def test_an_operator_confirms_and_resolves_but_does_not_dismiss(flag):
    client = client_of(flag, Role.OPERATOR)
    assert step(client, flag, "dismiss", {"text": "bad slide"}).status_code == 403
    repeat = monitor.acquisition(flag.instrument, week=9)
    assert step(client, flag, "confirm", {"repeat": repeat.pk}).json()["flag"]["state"] == "confirmed"
    when = flag.raised_at + timedelta(days=1)
    event = ServiceEvent.objects.create(instrument=flag.instrument, started_at=when, ended_at=when)
    assert step(client, flag, "resolve", {"service_event": event.pk}).json()["flag"]["resolved_by"] == event.pk
    assert step(client, flag, "comment", {"text": "Runs again."}).json()["transitions"][-1]["text"] == "Runs again."


def test_an_impossible_step_is_a_conflict(flag):
    client = client_of(flag, Role.STAFF)
    assert step(client, flag, "dismiss", {"text": "bad slide"}).status_code == 200
    answer = step(client, flag, "acknowledge")
    assert (answer.status_code, answer.json()["code"]) == (409, "state")


def test_what_must_be_given_is_named(flag):
    client = client_of(flag, Role.STAFF)
    assert list(step(client, flag, "dismiss").json()["details"]["fields"]) == ["text"]
    assert list(step(client, flag, "resolve").json()["details"]["fields"]) == ["service_event"]
