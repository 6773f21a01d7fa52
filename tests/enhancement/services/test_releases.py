"""Only staff decide, only what the gate lets through, and one model at a time is in use."""

from __future__ import annotations

import pytest

from common.errors import AccessError, StateError
from common.permissions import Role
from enhancement.models import CaseState, ModelState, RestorationModel
from enhancement.services.releases import model_reject, model_release, models_expire
from tests.factories import catalogue
from tests.factories import enhancement as made

pytestmark = pytest.mark.django_db

GATE = {
    "checks": [
        {"id": "beats_filter_psnr", "passed": False, "sentence": "PSNR is -1.0 dB against the best tuned filter."},
        {"id": "photometry", "passed": True, "sentence": "One target count becomes 1.000 restored counts."},
    ]
}


@pytest.fixture
def model():
    return made.model()


@pytest.fixture
def staff(model):
    return catalogue.member(Role.STAFF, of=model.instrument.facility)


def states():
    return dict(RestorationModel.objects.values_list("pk", "state"))


def test_an_operator_can_neither_release_nor_reject(model):
    operator = catalogue.member(Role.OPERATOR, of=model.instrument.facility)
    for decide in (model_release, model_reject):
        with pytest.raises(AccessError, match="Only staff may"):
            decide(user=operator, model=model)
    assert states() == {model.pk: ModelState.CANDIDATE}


def test_a_released_model_says_who_and_why_and_its_case_is_released(model, staff):
    released = model_release(user=staff, model=model, text="better on all fields")
    assert (released.state, released.decided_by, released.decision_text) == ("released", staff, "better on all fields")
    released.case.refresh_from_db()
    assert released.case.state == CaseState.RELEASED
    with pytest.raises(StateError, match="released"):
        model_release(user=staff, model=model)


def test_a_network_that_the_gate_refused_is_refused_with_the_gate_s_reasons(model, staff):
    network = made.model(model.run, kind="network", gate_passed=False, card={"gate": GATE})
    with pytest.raises(StateError, match=r"PSNR is -1\.0 dB") as caught:
        model_release(user=staff, model=network)
    assert caught.value.details["reasons"] == [GATE["checks"][0]["sentence"]]
    assert "filter" in caught.value.hint
    assert network.pk in {pk for pk, state in states().items() if state == ModelState.CANDIDATE}


def test_releasing_a_model_expires_the_one_before_of_the_same_channel_only(model, staff):
    other_channel = made.model(model.run, input_channel=1)
    successor = made.model(model.run)
    for each in (model, other_channel, successor):
        model_release(user=staff, model=each)
    assert states() == {model.pk: "expired", other_channel.pk: "released", successor.pk: "released"}
    model.refresh_from_db()
    assert model.expired_because == f"replaced by {successor.name}"


def test_a_service_expires_the_released_models_of_its_instrument_only(model, staff):
    elsewhere = made.model(state="released")
    candidate = made.model(model.run)
    model_release(user=staff, model=model)
    assert models_expire(model.instrument, because="serviced on 2026-03-02: realignment") == 1
    assert states() == {model.pk: "expired", candidate.pk: "candidate", elsewhere.pk: "released"}
    model.refresh_from_db()
    assert model.expires_at is not None
    assert model.expired_because.startswith("serviced")


def test_a_rejected_model_cannot_be_released(model, staff):
    model_reject(user=staff, model=model, text="invented edges")
    with pytest.raises(StateError, match="rejected"):
        model_release(user=staff, model=model)
