"""Only staff decide, only what the gate lets through, and one model at a time is in use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from common.errors import AccessError, StateError
from common.permissions import Role
from enhancement.models import CaseState, ModelState, RestorationModel
from enhancement.services.releases import model_reject, model_release, models_expire, models_expire_after
from instruments.models import ServiceEvent, ServiceKind
from instruments.services.service_events import service_event_record
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


@pytest.mark.django_db(transaction=True)
def test_two_releases_at_the_same_moment_leave_one_released_model(model, staff):
    successor = made.model(model.run)
    together = Barrier(2)

    def release(candidate):
        try:
            together.wait(timeout=10)
            return model_release(user=staff, model=candidate).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        released = list(threads.map(release, (model, successor)))
    assert released == [model.pk, successor.pk]
    assert sorted(states().values()) == ["expired", "released"]


def test_the_database_refuses_a_second_released_model_of_a_channel(model):
    made.model(model.run, state="released")
    made.model(model.run, state="released", input_channel=1)
    with pytest.raises(IntegrityError, match="one_released_model"), transaction.atomic():
        made.model(model.run, state="released")


def serviced(instrument, ended_at, kind=ServiceKind.FULL_SERVICE):
    """Return a service that took an hour."""
    return ServiceEvent.objects.create(
        instrument=instrument, kind=kind, started_at=ended_at - timedelta(hours=1), ended_at=ended_at
    )


def test_a_service_recorded_late_leaves_the_models_released_after_it(model, staff):
    model_release(user=staff, model=model)
    assert models_expire_after(event=serviced(model.instrument, datetime(2019, 5, 1, tzinfo=ZoneInfo("UTC")))) == 0
    assert states() == {model.pk: "released"}
    assert models_expire_after(event=serviced(model.instrument, timezone.now())) == 1
    assert states() == {model.pk: "expired"}


def test_a_recorded_service_expires_the_models_with_the_event_itself(model, staff):
    model_release(user=staff, model=model)
    now = timezone.now()
    told = {"user": staff, "instrument": model.instrument, "started_at": now - timedelta(hours=1), "ended_at": now}
    service_event_record(kind="inspection", **told)
    assert states() == {model.pk: "released"}
    service_event_record(kind="realignment", **told)
    assert states() == {model.pk: "expired"}
    model.refresh_from_db()
    assert model.expired_because.startswith("serviced: realignment of optics")


def test_an_inspection_expires_no_model(model, staff):
    model_release(user=staff, model=model)
    assert models_expire_after(event=serviced(model.instrument, timezone.now(), ServiceKind.INSPECTION)) == 0
    assert states() == {model.pk: "released"}
