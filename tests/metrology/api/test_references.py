"""References by API."""

from __future__ import annotations

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from common.models import JobState
from common.permissions import Role
from metrology.models import ReferenceAcquisition, Validity
from metrology.services.references import reference_set
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db

LIST = "/api/v1/references/"


@pytest.fixture
def scan():
    return valid_scan(catalogue.optical_path())


def valid_scan(path, **fields):
    of = path.instrument.facility
    known = {"instrument": path.instrument, "optical_path": path, "state": JobState.DONE, "validity": Validity.VALID}
    return acquisitions.acquisition(of, **{"standard": acquisitions.standard(of)} | known | fields)


def client_of(scan, role):
    client = APIClient()
    client.force_authenticate(catalogue.member(role, of=scan.facility))
    return client


def withdraw(client, pk):
    return client.post(reverse("api-reference-withdraw", args=[pk]))


def test_who_is_not_signed_in_is_refused(scan):
    chosen, client = reference_set(scan, user=None), APIClient()
    assert client.get(LIST).status_code == 401
    assert client.post(LIST, {"acquisition": scan.pk}).status_code == 401
    assert client.get(reverse("api-reference", args=[chosen.pk])).status_code == 401
    assert withdraw(client, chosen.pk).status_code == 401


def test_staff_choose_and_withdraw_a_reference_and_a_viewer_reads_it(scan):
    staff = client_of(scan, Role.STAFF)
    answer = staff.post(LIST, {"acquisition": scan.pk}, format="json")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["acquisition"], body["instrument"], body["in_force"]) == (scan.pk, scan.instrument.slug, True)
    viewer = client_of(scan, Role.VIEWER)
    asked = {"instrument": scan.instrument.slug, "optical_path": scan.optical_path_id, "standard": scan.standard_id}
    assert viewer.get(LIST, asked | {"in_force": "true"}).json()["results"] == [body]
    ended = withdraw(staff, body["id"])
    assert (ended.status_code, ended.json()["in_force"]) == (200, False)
    assert ended.json()["ended_at"]
    assert viewer.get(LIST, {"in_force": "true"}).json()["results"] == []
    assert len(viewer.get(LIST, {"in_force": "false"}).json()["results"]) == 1
    refused = viewer.get(LIST, {"in_force": "banana"})
    assert refused.status_code == 400
    assert "banana" in str(refused.json())
    assert viewer.get(reverse("api-reference", args=[body["id"]])).json() == ended.json()


def test_a_reference_is_withdrawn_once(scan):
    staff, chosen = client_of(scan, Role.STAFF), reference_set(scan, user=None)
    withdraw(staff, chosen.pk)
    answer = withdraw(staff, chosen.pk)
    assert (answer.status_code, answer.json()["code"]) == (409, "state")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_staff_choose_and_withdraw(scan, role):
    chosen, client = reference_set(scan, user=None), client_of(scan, role)
    for answer in (client.post(LIST, {"acquisition": scan.pk}), withdraw(client, chosen.pk)):
        assert (answer.status_code, answer.json()["code"]) == (403, "access")
    assert ReferenceAcquisition.objects.get().ended_at is None


def test_an_acquisition_that_is_not_valid_cannot_be_the_reference(scan):
    bad = valid_scan(scan.optical_path, validity=Validity.INVALID)
    answer = client_of(scan, Role.STAFF).post(LIST, {"acquisition": bad.pk}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "state")
    assert client_of(scan, Role.STAFF).post(LIST, {}, format="json").status_code == 400


def test_another_facilitys_reference_is_not_found(scan):
    chosen = reference_set(scan, user=None)
    stranger = client_of(valid_scan(catalogue.optical_path()), Role.STAFF)
    assert stranger.get(LIST).json()["count"] == 0
    assert stranger.get(reverse("api-reference", args=[chosen.pk])).status_code == 404
    assert stranger.post(LIST, {"acquisition": scan.pk}, format="json").status_code == 404
    assert withdraw(stranger, chosen.pk).status_code == 404


def test_many_references_take_few_queries(scan, django_assert_max_num_queries):
    for _ in range(15):
        reference_set(valid_scan(scan.optical_path), user=None)
    client = client_of(scan, Role.VIEWER)
    with django_assert_max_num_queries(4):
        assert client.get(LIST).json()["count"] == 15
