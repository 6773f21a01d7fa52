"""Instruments and their health by API."""

from __future__ import annotations

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from common.permissions import Role
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db

LIST = "/api/v1/instruments/"


@pytest.fixture
def facility():
    return catalogue.facility()


@pytest.fixture
def viewer(facility):
    client = APIClient()
    client.force_authenticate(catalogue.member(Role.VIEWER, of=facility))
    return client


def test_who_is_not_signed_in_is_refused():
    assert APIClient().get(LIST).status_code == 401


def test_instruments_carry_their_verdict_or_none(viewer, facility, django_assert_max_num_queries):
    monitor.health(catalogue.instrument(facility, name="A"), "degraded")
    for number in range(10):
        catalogue.instrument(facility, name=f"B{number}")
    catalogue.instrument()
    with django_assert_max_num_queries(4):
        rows = viewer.get(LIST).json()["results"]
    assert [row["name"] for row in rows][:2] == ["A", "B0"]
    assert len(rows) == 11
    assert rows[0]["health"]["verdict"] == "degraded"
    assert rows[1]["health"] is None


def test_instruments_are_filtered(viewer, facility):
    monitor.health(catalogue.instrument(facility, name="A", room="2.14"), "watch")
    catalogue.instrument(facility, name="B", room="2.15")
    for query in ({"room": "2.14"}, {"health__verdict": "watch"}):
        assert [row["name"] for row in viewer.get(LIST, query).json()["results"]] == ["A"]


def test_the_detail_holds_parts_history_and_the_open_flag(viewer, facility):
    one = catalogue.instrument(facility)
    path = catalogue.optical_path(one, channels=2)
    monitor.health(one, "degraded")
    flag = monitor.flag(one)
    body = viewer.get(reverse("api-instrument", args=[one.slug])).json()
    assert body["open_flag"] == flag.pk
    assert body["history"] == [{"since": "2026-01-05T08:00:00Z", "verdict": "degraded"}]
    assert [found["name"] for found in body["optical_paths"]] == [path.name]
    assert [channel["index"] for channel in body["optical_paths"][0]["channels"]] == [0, 1]


def test_another_facilitys_instrument_is_not_found(viewer):
    answer = viewer.get(reverse("api-instrument", args=[catalogue.instrument().slug]))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
