"""Service events by API."""

from __future__ import annotations

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from common.permissions import Role
from instruments.models import ServiceEvent
from tests.factories import catalogue

pytestmark = pytest.mark.django_db

GIVEN = {"kind": "cleaning", "started_at": "2026-02-02T09:00Z", "ended_at": "2026-02-02T12:30Z"}


@pytest.fixture
def instrument():
    return catalogue.instrument()


@pytest.fixture
def url(instrument):
    return reverse("api-service-events", args=[instrument.slug])


def client_of(instrument, role):
    client = APIClient()
    client.force_authenticate(catalogue.member(role, of=instrument.facility))
    return client


def test_who_is_not_signed_in_is_refused(url):
    assert APIClient().get(url).status_code == 401
    assert APIClient().post(url, GIVEN).status_code == 401


def test_an_operator_records_and_lists(instrument, url):
    client = client_of(instrument, Role.OPERATOR)
    answer = client.post(url, GIVEN)
    assert answer.status_code == 201
    assert "beads" in answer.json()["resets"]
    assert [row["kind"] for row in client.get(url).json()["results"]] == ["cleaning"]


def test_a_viewer_lists_but_does_not_record(instrument, url):
    client = client_of(instrument, Role.VIEWER)
    assert client.get(url).status_code == 200
    answer = client.post(url, GIVEN)
    assert (answer.status_code, answer.json()["code"]) == (403, "access")
    assert not ServiceEvent.objects.exists()


def test_another_facilitys_instrument_is_not_found(url):
    client = client_of(catalogue.instrument(), Role.STAFF)
    assert client.get(url).status_code == 404
    assert client.post(url, GIVEN).json()["code"] == "not_found"


def test_wrong_fields_are_named_and_impossible_times_get_the_sentence(instrument, url):
    client = client_of(instrument, Role.OPERATOR)
    assert list(client.post(url, GIVEN | {"kind": "exorcism"}).json()["details"]["fields"]) == ["kind"]
    answer = client.post(url, GIVEN | {"ended_at": "2026-02-01T12:30Z"})
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "The service ends before it starts. Correct one of the two times.",
    )


def test_many_events_take_few_queries(instrument, url, django_assert_max_num_queries):
    when = catalogue.START
    for _ in range(60):
        ServiceEvent.objects.create(instrument=instrument, started_at=when, ended_at=when)
    client = client_of(instrument, Role.VIEWER)
    with django_assert_max_num_queries(5):
        assert len(client.get(url).json()["results"]) == 50
