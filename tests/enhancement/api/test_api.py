"""The same things under /api/v1/, with the same refusals."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from common.permissions import Role
from enhancement.models import RestorationModel, RestoredImage, TrainingRun
from tests.factories import catalogue
from tests.factories import enhancement as made

pytestmark = pytest.mark.django_db


@pytest.fixture
def instrument(tmp_path):
    return made.two_detector_instrument(tmp_path, fields=3)


@pytest.fixture
def api(instrument):
    def client(role, of=None):
        signed_in = APIClient()
        signed_in.force_authenticate(catalogue.member(role, of=of or instrument.facility))
        return signed_in

    return client


def test_anonymous_requests_are_refused_with_the_envelope(instrument):
    for what in ("cases", "runs", "models", "restored"):
        answer = APIClient().get(f"/api/v1/{what}/")
        assert answer.status_code == 401
        assert answer.json()["code"] == "not_authenticated"


def test_an_operator_opens_a_case_and_staff_train_and_cancel_on_it(instrument, api):
    answer = api(Role.OPERATOR).post("/api/v1/cases/", {"instrument": instrument.slug}, format="json")
    assert answer.status_code == 201
    body = {"case": answer.json()["id"], "preset": "quick", "seed": 2, "config": {"epochs": 3}}
    refused = api(Role.OPERATOR).post("/api/v1/runs/", body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "access")
    assert "Only staff may start a training" in refused.json()["message"]
    staff = api(Role.STAFF)
    run = staff.post("/api/v1/runs/", body, format="json").json()
    assert (run["state"], run["epochs_planned"], run["pair_count"], run["pair_source"]) == ("queued", 3, 3, "channels")
    assert staff.post("/api/v1/runs/", body, format="json").status_code == 409
    detail = api(Role.VIEWER).get(f"/api/v1/runs/{run['id']}/").json()
    assert len(detail["manifest"]["pairs"]) == 3
    assert detail["history"] == []
    assert staff.post(f"/api/v1/runs/{run['id']}/cancel/").json()["state"] == "cancelled"
    assert api(Role.OPERATOR).post(f"/api/v1/runs/{run['id']}/resume/").status_code == 403
    assert staff.post(f"/api/v1/runs/{run['id']}/resume/").json()["state"] == "queued"


def test_one_pair_is_refused_with_what_to_scan(tmp_path, api):
    instrument = made.two_detector_instrument(tmp_path, fields=1)
    case = made.case(instrument)
    answer = api(Role.STAFF, instrument.facility).post("/api/v1/runs/", {"case": case.pk}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "training_data")
    assert "Scan 8 more fields" in answer.json()["message"]
    assert not TrainingRun.objects.exists()


def test_wrong_input_names_its_fields(api):
    answer = api(Role.STAFF).post("/api/v1/runs/", {"preset": "forever"}, format="json")
    assert answer.status_code == 400
    assert set(answer.json()["details"]["fields"]) == {"case", "preset"}


def test_things_of_another_facility_are_not_found(instrument, api):
    model = made.model(made.run(made.case(instrument)))
    stranger = api(Role.STAFF, catalogue.facility())
    addresses = [f"cases/{model.case_id}", f"runs/{model.run_id}", f"models/{model.pk}"]
    for address in addresses:
        assert stranger.get(f"/api/v1/{address}/").status_code == 404
    assert stranger.post(f"/api/v1/models/{model.pk}/release/", {}, format="json").status_code == 404
    for what in ("cases", "runs", "models", "restored"):
        assert stranger.get(f"/api/v1/{what}/").json()["count"] == 0


def test_staff_release_and_reject_models(instrument, api):
    run = made.run(made.case(instrument), state="done")
    first, second = made.model(run), made.model(run)
    operator, staff = api(Role.OPERATOR), api(Role.STAFF)
    assert operator.post(f"/api/v1/models/{first.pk}/release/", {}, format="json").status_code == 403
    released = staff.post(f"/api/v1/models/{first.pk}/release/", {"text": "fine"}, format="json").json()
    assert (released["state"], released["decision_text"]) == ("released", "fine")
    assert staff.post(f"/api/v1/models/{second.pk}/reject/", {}, format="json").json()["state"] == "rejected"
    assert RestorationModel.objects.filter(state="released").count() == 1


def test_an_operator_asks_for_a_restoration_once_and_downloads_it(instrument, api):
    made.model(made.run(made.case(instrument), state="done"), state="released")
    operator = api(Role.OPERATOR)
    body = {"acquisition": instrument.acquisitions.first().pk}
    first = operator.post("/api/v1/restored/", body, format="json")
    again = operator.post("/api/v1/restored/", body, format="json")
    assert (first.status_code, again.status_code) == (201, 200)
    address = f"/api/v1/restored/{first.json()['id']}/"
    assert operator.get(address).json()["state"] == "queued"
    assert operator.get(f"{address}download/").status_code == 404
    image = RestoredImage.objects.get()
    image.folder.mkdir(parents=True)
    (image.folder / "restored.ome.tif").write_bytes(b"II*\x00")
    assert operator.get(f"{address}download/").getvalue() == b"II*\x00"


def test_an_operator_cancels_a_restoration_until_it_has_ended(instrument, api):
    model = made.model(made.run(made.case(instrument), state="done"), state="released")
    image = RestoredImage.objects.create(acquisition=instrument.acquisitions.first(), model=model)
    address = f"/api/v1/restored/{image.pk}/cancel/"
    assert APIClient().post(address).status_code == 401
    assert api(Role.VIEWER).post(address).status_code == 403
    assert api(Role.OPERATOR, catalogue.facility()).post(address).status_code == 404
    operator = api(Role.OPERATOR)
    assert operator.post(address).json()["state"] == "cancelled"
    answer = operator.post(address)
    assert (answer.status_code, answer.json()["code"]) == (409, "state")
    assert "already ended" in answer.json()["message"]
    RestoredImage.objects.update(state="running", cancel_requested=False)
    body = operator.post(address).json()
    assert (body["state"], body["cancel_requested"]) == ("running", True)
    RestoredImage.objects.update(state="done")
    assert operator.post(address).status_code == 409


@pytest.mark.parametrize("what", ["cases", "runs", "models", "restored"])
def test_a_list_asks_a_bounded_number_of_queries(what, instrument, api, django_assert_max_num_queries):
    for scan in instrument.acquisitions.all():
        model = made.model(made.run(made.case(instrument)))
        RestoredImage.objects.create(acquisition=scan, model=model)
    with django_assert_max_num_queries(6):
        assert api(Role.VIEWER).get(f"/api/v1/{what}/").json()["count"] == 3


@pytest.mark.parametrize("what", ["cases", "runs", "models", "restored"])
def test_an_address_without_a_number_is_not_found(what, api):
    answer = api(Role.VIEWER).get(f"/api/v1/{what}/abc/")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
