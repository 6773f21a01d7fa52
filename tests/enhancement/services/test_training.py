"""Who may start a training, on what, and what freezes."""

from __future__ import annotations

import hashlib
import json

import pytest

from common.errors import AccessError, InputError, NotFoundError, StateError, TrainingDataError
from common.models import JobState
from common.permissions import Role
from enhancement.models import CaseState, TrainingRun, TrainingSet
from enhancement.services.training import run_cancel, run_resume, training_start
from tests.factories import catalogue
from tests.factories import enhancement as made

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(tmp_path):
    return made.case(made.two_detector_instrument(tmp_path))


@pytest.fixture
def staff(case):
    return catalogue.member(Role.STAFF, of=case.instrument.facility)


def test_an_operator_cannot_start_a_training_and_reads_why(case):
    operator = catalogue.member(Role.OPERATOR, of=case.instrument.facility)
    with pytest.raises(AccessError, match=r"Only staff may start a training; your role is operator\. Ask a member"):
        training_start(user=operator, case=case)
    assert not TrainingRun.objects.exists()


def test_staff_of_another_facility_does_not_see_the_case(case):
    with pytest.raises(NotFoundError):
        training_start(user=catalogue.member(Role.STAFF), case=case)


def test_a_training_freezes_files_channels_and_the_part_of_every_field(case, staff):
    run = training_start(user=staff, case=case, config=made.TINY, seed=3)
    frozen = run.training_set
    manifest = frozen.manifest
    assert (
        frozen.sha256
        == hashlib.sha256(
            json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        ).hexdigest()
    )
    assert (manifest["source"], manifest["input_channel"], manifest["target_channel"]) == ("channels", 0, 1)
    parts = {pair["field"]: pair["part"] for pair in manifest["pairs"]}
    assert sorted(parts.values()) == ["test", "train", "train", "train", "train", "validation"]
    assert all(len(pair["raw"]["sha256"]) == 64 for pair in manifest["pairs"])
    assert (run.state, run.seed, run.config["seed"], run.epochs_planned) == (JobState.QUEUED, 3, 3, 2)
    case.refresh_from_db()
    assert case.state == CaseState.TRAINING


def test_the_same_choice_is_frozen_once_and_another_seed_anew(case, staff):
    for seed in (1, 1, 2):
        run = training_start(user=staff, case=case, config=made.TINY, seed=seed)
        run_cancel(user=staff, run=run)
    assert TrainingSet.objects.count() == 2


def test_a_training_is_sent_to_its_queue_once_it_is_committed(
    case, staff, monkeypatch, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr("common.dispatch._send", lambda *message: sent.append(message))
    with django_capture_on_commit_callbacks(execute=True):
        run = training_start(user=staff, case=case, config=made.TINY)
    assert sent == [("enhancement.train", (run.pk,), "train")]


def test_a_case_has_one_unfinished_training_at_most(case, staff):
    training_start(user=staff, case=case, config=made.TINY)
    with pytest.raises(StateError, match="not finished"):
        training_start(user=staff, case=case, config=made.TINY)


@pytest.mark.parametrize("fields", [0, 1, 2])
def test_too_few_fields_are_refused_with_what_to_scan(tmp_path, fields):
    case = made.case(made.two_detector_instrument(tmp_path, fields=fields))
    staff = catalogue.member(Role.STAFF, of=case.instrument.facility)
    with pytest.raises(TrainingDataError, match="needs at least 3") as caught:
        training_start(user=staff, case=case)
    assert "Scan" in caught.value.hint
    assert caught.value.details["fields"] == fields
    assert not TrainingSet.objects.exists()


def test_an_unknown_network_preset_or_setting_is_refused(case, staff):
    with pytest.raises(NotFoundError, match="No network is called"):
        training_start(user=staff, case=case, architecture="transformer")
    with pytest.raises(InputError, match="No training preset"):
        training_start(user=staff, case=case, preset="overnight")
    with pytest.raises(InputError, match="settings does not exist"):
        training_start(user=staff, case=case, config={"warp": 9})
    with pytest.raises(InputError, match="epochs is 0"):
        training_start(user=staff, case=case, config={"epochs": 0})
    assert not TrainingRun.objects.exists()


def test_a_cancelled_training_resumes_and_a_complete_one_does_not(case, staff):
    run = training_start(user=staff, case=case, config=made.TINY)
    run_cancel(user=staff, run=run)
    case.refresh_from_db()
    assert case.state == CaseState.OPEN
    run_resume(user=staff, run=run)
    run.refresh_from_db()
    assert run.state == JobState.QUEUED
    TrainingRun.objects.update(state=JobState.DONE)
    with pytest.raises(StateError, match="complete"):
        run_resume(user=staff, run=run)


def test_an_operator_can_neither_cancel_nor_resume_a_training(case, staff):
    operator = catalogue.member(Role.OPERATOR, of=case.instrument.facility)
    run = training_start(user=staff, case=case, config=made.TINY)
    with pytest.raises(AccessError, match="Only staff may cancel a training"):
        run_cancel(user=operator, run=run)
    assert TrainingRun.objects.get().state == JobState.QUEUED
    run_cancel(user=staff, run=run)
    with pytest.raises(AccessError, match="Only staff may resume a training"):
        run_resume(user=operator, run=run)
    assert TrainingRun.objects.get().state == JobState.CANCELLED


def test_a_training_of_a_closed_case_is_refused(case, staff):
    case.state = CaseState.CLOSED
    case.save()
    with pytest.raises(StateError, match="closed"):
        training_start(user=staff, case=case, config=made.TINY)
