"""Standards by API."""

from __future__ import annotations

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from common.permissions import Role
from metrology.models import Standard
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db

LIST = "/api/v1/standards/"


@pytest.fixture
def standard():
    return acquisitions.standard(catalogue.facility(), name="Marbles", lot="3")


def client_of(standard, role):
    client = APIClient()
    client.force_authenticate(catalogue.member(role, of=standard.facility))
    return client


def url(standard):
    return reverse("api-standard", args=[standard.pk])


def test_who_is_not_signed_in_is_refused(standard):
    client = APIClient()
    answers = [client.get(LIST), client.post(LIST, {}), client.get(url(standard)), client.patch(url(standard), {})]
    assert [answer.status_code for answer in answers] == [401] * 4


def test_a_viewer_reads_the_facilitys_standards_and_filters_them(standard):
    beads = acquisitions.standard(standard.facility, kind="beads", bead_diameter_um=0.17)
    acquisitions.standard(catalogue.facility())
    viewer = client_of(standard, Role.VIEWER)
    assert viewer.get(LIST).json()["count"] == 2
    assert [row["id"] for row in viewer.get(LIST, {"kind": "beads"}).json()["results"]] == [beads.pk]
    assert viewer.get(url(standard)).json() == {
        "id": standard.pk, "name": "Marbles", "kind": "marbles", "lot": "3", "bead_diameter_um": None,
    }  # fmt: skip


def test_staff_add_and_correct_a_standard(standard):
    staff = client_of(standard, Role.STAFF)
    answer = staff.post(LIST, {"name": "Beads", "kind": "beads", "bead_diameter_um": 0.17}, format="json")
    assert answer.status_code == 201
    made = Standard.objects.get(pk=answer.json()["id"])
    assert made.facility == standard.facility
    changed = staff.patch(url(made), {"lot": "8"}, format="json")
    assert changed.json() == answer.json() | {"lot": "8"}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_staff_add_and_correct(standard, role):
    client = client_of(standard, role)
    answers = [
        client.post(LIST, {"name": "Beads", "kind": "beads"}, format="json"),
        client.patch(url(standard), {"lot": "8"}, format="json"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "access")] * 2
    assert Standard.objects.get().lot == "3"


def test_what_is_wrong_is_said_in_the_envelope(standard):
    staff = client_of(standard, Role.STAFF)
    taken = staff.post(LIST, {"name": "Marbles", "kind": "marbles"}, format="json")
    assert (taken.status_code, taken.json()["code"]) == (400, "input")
    assert "already" in taken.json()["message"]
    missing = staff.post(LIST, {"kind": "pudding"}, format="json").json()
    assert set(missing["details"]["fields"]) == {"name", "kind"}
    acquisitions.acquisition(standard.facility, standard=standard)
    fixed = staff.patch(url(standard), {"kind": "beads"}, format="json")
    assert (fixed.status_code, fixed.json()["code"]) == (409, "state")


def test_another_facilitys_standard_is_not_found(standard):
    stranger = client_of(acquisitions.standard(catalogue.facility()), Role.STAFF)
    assert stranger.get(url(standard)).status_code == 404
    assert stranger.patch(url(standard), {"lot": "8"}, format="json").status_code == 404


def test_many_standards_take_few_queries(standard, django_assert_max_num_queries):
    for _ in range(20):
        acquisitions.standard(standard.facility)
    client = client_of(standard, Role.VIEWER)
    with django_assert_max_num_queries(4):
        assert client.get(LIST).json()["count"] == 21
