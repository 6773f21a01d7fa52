"""Limits by API."""

from __future__ import annotations

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from common.permissions import Role
from metrology.models import Health, Limits
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db

NEW = {"tolerance_low": 60.0, "tolerance_high": None, "action_low": 50.0, "action_high": None, "reason": "contract"}


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def series():
    return monitor.series()


def client_of(series, role):
    client = APIClient()
    client.force_authenticate(catalogue.member(role, of=series.instrument.facility))
    return client


def url(series):
    return reverse("api-series-limits", args=[series.pk])


def test_who_is_not_signed_in_neither_reads_nor_sets(series):
    assert APIClient().get(url(series)).status_code == 401
    assert APIClient().post(url(series), NEW, format="json").status_code == 401


def test_a_series_without_limits_says_so(series):
    assert client_of(series, Role.VIEWER).get(url(series)).json() == {"current": None, "history": []}


def test_staff_set_limits_and_earlier_ones_stay_in_the_history(series):
    staff = client_of(series, Role.STAFF)
    first = staff.post(url(series), NEW, format="json")
    second = staff.post(url(series), NEW | {"action_low": 40.0}, format="json")
    assert (first.status_code, second.status_code) == (201, 201)
    body = client_of(series, Role.VIEWER).get(url(series)).json()
    assert body["current"] == second.json()
    assert [row["action_low"] for row in body["history"]] == [40.0, 50.0]
    assert body["history"][1] == first.json()
    assert (first.json()["reason"], first.json()["attribute"]) == ("contract", series.attribute_id)
    assert first.json()["instrument"] == series.instrument.slug
    assert Health.objects.get(instrument=series.instrument).needs_assessment


def test_the_instruments_own_limits_hold_before_newer_ones_of_the_facility(series):
    staff = client_of(series, Role.STAFF)
    own = staff.post(url(series), NEW, format="json").json()
    shared = staff.post(url(series), NEW | {"whole_facility": True}, format="json").json()
    assert shared["instrument"] is None
    body = staff.get(url(series)).json()
    assert (body["current"]["id"], body["history"][0]["id"]) == (own["id"], shared["id"])


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_staff_set_limits(series, role):
    answer = client_of(series, role).post(url(series), NEW, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "access")
    assert "Only staff may change limits" in answer.json()["message"]
    assert not Limits.objects.exists()


def test_a_limit_left_out_is_named_instead_of_taken_away(series):
    answer = client_of(series, Role.STAFF).post(url(series), {"action_low": 1.0}, format="json")
    assert answer.status_code == 400
    assert set(answer.json()["details"]["fields"]) == {"tolerance_low", "tolerance_high", "action_high", "reason"}


def test_limits_that_contradict_one_another_are_refused_with_the_sentence_of_the_page(series):
    answer = client_of(series, Role.STAFF).post(url(series), NEW | {"action_low": 70.0}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "input")
    assert "must lie below" in answer.json()["message"]
    assert not Limits.objects.exists()


def test_another_facilitys_series_is_not_found(series):
    stranger = client_of(monitor.series(), Role.STAFF)
    assert stranger.get(url(series)).status_code == 404
    assert stranger.post(url(series), NEW, format="json").status_code == 404


def test_a_long_history_takes_few_queries(series, django_assert_max_num_queries):
    staff = client_of(series, Role.STAFF)
    for _ in range(12):
        staff.post(url(series), NEW, format="json")
    with django_assert_max_num_queries(5):
        assert len(staff.get(url(series)).json()["history"]) == 12
