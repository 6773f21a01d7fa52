"""Protocols under /api/v1/protocols/."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from common.permissions import Role
from metrology.models import Protocol
from tests.factories import catalogue

pytestmark = pytest.mark.django_db
URL = "/api/v1/protocols/"


@pytest.fixture
def path():
    return catalogue.optical_path()


def api(path, role):
    client = APIClient()
    client.force_authenticate(catalogue.member(role, of=path.instrument.facility))
    return client


def body(path, **fields):
    return {
        "standard_kind": "beads", "optical_path": path.pk,
        "required_settings": [{"setting": "gain", "channel": 0, "value": 600, "tolerance": 5}],
    } | fields  # fmt: skip


def test_staff_opens_a_version_and_everybody_reads_it(path):
    answer = api(path, Role.STAFF).post(URL, body(path), format="json")
    assert answer.status_code == 201, answer.json()
    viewer = api(path, Role.VIEWER)
    assert viewer.get(f"{URL}{answer.json()['id']}/").json() == answer.json()
    listed = viewer.get(URL, {"standard_kind": "beads"}).json()["results"]
    assert [row["version"] for row in listed] == [1]
    assert listed[0]["required_settings"] == [{"setting": "gain", "channel": 0, "value": 600.0, "tolerance": 5.0}]
    assert viewer.get(URL, {"standard_kind": "slide"}).json()["results"] == []


def test_an_operator_is_refused_in_the_envelope(path):
    answer = api(path, Role.OPERATOR).post(URL, body(path), format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "access")


@pytest.mark.parametrize(
    "fields",
    [
        {"standard_kind": "moon dust"},
        {"required_settings": [{"setting": "colour", "value": 1}]},
        {"required_settings": "gain"},
        {"interval_days": 0},
    ],
)
def test_what_is_not_understood_is_refused(path, fields):
    answer = api(path, Role.STAFF).post(URL, body(path, **fields), format="json")
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message", "details"}
    assert not Protocol.objects.exists()


def test_another_facility_s_path_and_protocol_are_not_there(path):
    stranger = catalogue.optical_path()
    answer = api(path, Role.STAFF).post(URL, body(stranger), format="json")
    assert answer.status_code == 400
    protocol = catalogue.protocol(stranger.instrument.facility)
    assert api(path, Role.STAFF).get(f"{URL}{protocol.pk}/").status_code == 404
