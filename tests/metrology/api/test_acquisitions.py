"""Acquisitions by REST: the same services, the same sentences, one envelope."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from common.models import JobState
from common.permissions import Role
from metrology.models import Acquisition, Validity
from metrology.services.measurements import Reading, measurements_record
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/acquisitions/"


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def user():
    return catalogue.member()


@pytest.fixture
def facility(user):
    return user.memberships.get().facility


@pytest.fixture
def api(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def file(content=None):
    return SimpleUploadedFile("scan.tif", acquisitions.tiff() if content is None else content)


@pytest.mark.parametrize(
    ("method", "address"),
    [("get", ROOT), ("post", ROOT), ("get", f"{ROOT}1/"), ("patch", f"{ROOT}1/"), ("get", f"{ROOT}1/original/")],
)
def test_strangers_get_401_in_the_envelope(method, address):
    answer = getattr(APIClient(), method)(address)
    assert answer.status_code == 401
    assert set(answer.json()) == {"code", "message", "details"}


def test_a_file_comes_in(api, facility, user):
    path = catalogue.optical_path(catalogue.instrument(facility))
    standard = acquisitions.standard(facility)
    said = {"instrument": path.instrument.slug, "optical_path": path.pk, "standard": standard.pk, "label": "Monday"}
    answer = api.post(ROOT, {"file": file(), "acquired_at": "2026-01-05T08:00:00Z", **said})
    row = Acquisition.objects.get()
    assert answer.status_code == 201
    body = answer.json()
    assert (body["id"], body["state"], body["duplicate"]) == (row.pk, "queued", False)
    assert {name: body[name] for name in said} == said
    assert row.sources["standard"] == f"user {user.username}"


def test_the_same_file_twice_answers_200_and_duplicate(api):
    api.post(ROOT, {"file": file()})
    answer = api.post(ROOT, {"file": file()})
    assert answer.status_code == 200
    assert answer.json()["duplicate"]
    assert "Already here since" in answer.json()["message"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "input"),
        ({"file": b""}, "unreadable_image"),
        ({"file": b"\x89PNG\r\n\x1a\n" + bytes(99)}, "unreadable_image"),
        ({"file": None, "acquired_at": "2999-01-01T00:00:00Z"}, "invalid_date"),
        ({"file": None, "instrument": "nobody"}, "input"),
        ({"file": None, "field_role": "king"}, "input"),
    ],
)
def test_what_cannot_be_used_is_refused_in_the_envelope(api, fields, code):
    body = {**fields, "file": file(fields["file"])} if "file" in fields else fields
    answer = api.post(ROOT, body)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["message"]
    assert not Acquisition.objects.exists()


def test_things_of_another_facility_cannot_be_named(api):
    answer = api.post(ROOT, {"file": file(), "instrument": catalogue.instrument().slug})
    assert answer.status_code == 400


def test_a_viewer_reads_but_does_not_upload(api, facility):
    viewer = APIClient()
    viewer.force_authenticate(catalogue.member(Role.VIEWER, of=facility))
    assert viewer.get(ROOT).status_code == 200
    answer = viewer.post(ROOT, {"file": file()})
    assert (answer.status_code, answer.json()["code"]) == (403, "access")


def test_the_list_holds_one_s_own_facility_only_and_can_be_filtered(api, facility):
    own = acquisitions.acquisition(facility, label="Monday")
    acquisitions.acquisition(facility, label="Tuesday", state=JobState.FAILED)
    acquisitions.acquisition()
    assert api.get(ROOT).json()["count"] == 2
    assert [one["id"] for one in api.get(ROOT, {"state": "queued"}).json()["results"]] == [own.pk]
    assert [one["label"] for one in api.get(ROOT, {"text": "tues"}).json()["results"]] == ["Tuesday"]
    assert api.get(ROOT, {"state": "nonsense"}).status_code == 400


def test_the_list_asks_the_database_equally_often_however_long_it_is(api, facility, django_assert_max_num_queries):
    path = catalogue.optical_path(catalogue.instrument(facility))
    for _ in range(30):
        acquisitions.acquisition(facility, instrument=path.instrument, optical_path=path)
    with django_assert_max_num_queries(4):
        assert api.get(ROOT).json()["count"] == 30


def test_one_acquisition_comes_with_its_figures(api, facility):
    row = acquisitions.acquisition(facility, state=JobState.DONE)
    measurements_record(row, [Reading("mean", 0, 1, 12.5, 0.5)], [], validity=Validity.INVALID, validity_reason="why")
    body = api.get(f"{ROOT}{row.pk}/").json()
    assert body["sha256"] == row.stored_file.sha256
    assert body["validity_reason"] == "why"
    [figure] = body["figures"]
    assert (figure["attribute_id"], figure["unit"], figure["value"], figure["uncertainty"]) == (
        "mean",
        "8-bit eq.",
        12.5,
        0.5,
    )
    assert body["earlier_figures"] == []
    measurements_record(row, [Reading("mean", 0, 2, 13.0)], [], validity=Validity.INVALID)
    body = api.get(f"{ROOT}{row.pk}/").json()
    assert [(one["algorithm_version"], one["value"]) for one in body["figures"]] == [(2, 13.0)]
    assert [(one["algorithm_version"], one["value"]) for one in body["earlier_figures"]] == [(1, 12.5)]


def test_another_facility_s_acquisition_is_not_found(api):
    row = acquisitions.acquisition()
    for answer in (
        api.get(f"{ROOT}{row.pk}/"),
        api.get(f"{ROOT}{row.pk}/original/"),
        api.patch(f"{ROOT}{row.pk}/", {"label": "x"}),
        api.post(f"{ROOT}{row.pk}/measure/"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_original_comes_back_byte_by_byte(api, facility):
    row = acquisitions.acquisition(facility)
    answer = api.get(f"{ROOT}{row.pk}/original/")
    assert b"".join(answer.streaming_content) == row.stored_file.path.read_bytes()
    assert "scan.tif" in answer["Content-Disposition"]


def test_a_correction_is_kept_and_measured_anew(api, facility, user):
    row = acquisitions.acquisition(facility, state=JobState.DONE)
    answer = api.patch(f"{ROOT}{row.pk}/", {"pixel_size_um": 0.2}, format="json")
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["pixel_size_um"]) == ("queued", 0.2)
    assert answer.json()["sources"] == {"pixel_size_um": f"user {user.username}"}


def test_measuring_again_is_accepted_once(api, facility):
    row = acquisitions.acquisition(facility, state=JobState.DONE)
    assert api.post(f"{ROOT}{row.pk}/measure/").status_code == 202
    answer = api.post(f"{ROOT}{row.pk}/measure/")
    assert (answer.status_code, answer.json()["code"]) == (409, "state")
