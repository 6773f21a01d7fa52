"""A training goes from a manifest to candidates, survives its worker, and stops when asked."""

from __future__ import annotations

import numpy as np
import pytest

from common import jobs
from common.models import JobState
from common.permissions import Role
from enhancement.models import CaseState, ModelState, RestorationModel, TrainingRun
from enhancement.runtime.training import train_run
from enhancement.selectors.comparison import gate_checks
from enhancement.services.training import run_cancel, run_resume, training_start
from tests.factories import catalogue
from tests.factories import enhancement as made

pytestmark = pytest.mark.django_db


def start(folder, *, fields=6, **changes):
    instrument = made.two_detector_instrument(folder, fields=fields)
    staff = catalogue.member(Role.STAFF, of=instrument.facility)
    case = made.case(instrument)
    return training_start(user=staff, case=case, config=made.TINY | changes), staff


def reread(run):
    return TrainingRun.objects.get(pk=run.pk)


def test_a_training_ends_with_a_comparison_a_verdict_and_two_candidates(tmp_path):
    run, _ = start(tmp_path, fields=9)
    assert jobs.run(TrainingRun, run.pk, train_run), reread(run).error_message
    run = reread(run)
    assert [row["epoch"] for row in run.history] == [1, 2]
    assert run.stopped_by == "epochs"
    assert {row["id"] for row in run.comparison["rows"]} == {
        "raw",
        "gaussian",
        "mean",
        "median",
        "nlm",
        "network",
        "network_tta",
    }
    assert len(run.comparison["fields"]) == 3
    assert run.comparison["target"]["mean"]["psnr"] is None  # identical to itself
    assert not run.gate["passed"]  # two steps cannot beat a tuned filter
    assert "beats the best filter, PSNR" in [check["name"] for check in gate_checks(run)]  # each check has a name
    assert len(gate_checks(run)) == 5
    assert run.case.state == CaseState.COMPARED
    network, conventional = (run.models.get(kind=kind) for kind in ("network", "filter"))
    assert network.weights_path.exists()
    assert not network.gate_passed
    assert network.card["data"]["manifest_sha256"] == run.training_set.sha256
    assert set(network.envelope) == {"mean", "cv", "sharpness", "noise", "glcm_homogeneity"}
    assert conventional.card["filter"]["id"] == run.gate["recommended"]
    assert conventional.state == ModelState.CANDIDATE
    assert sorted(path.name for path in (run.folder / "validation").iterdir()) == ["0001.webp", "0002.webp"]


def test_a_cancelled_training_keeps_its_best_weights_and_offers_nothing(tmp_path):
    run, staff = start(tmp_path, epochs=50)

    def cancel_after_the_first_epoch(row):
        original = TrainingRun.save

        def save(self, *args, **kwargs):
            original(self, *args, **kwargs)
            if "history" in (kwargs.get("update_fields") or ()) and self.epoch == 1:
                TrainingRun.objects.filter(pk=self.pk).update(cancel_requested=True)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TrainingRun, "save", save)
            patch.setattr("enhancement.runtime.telling.ASK_EVERY_S", 0.0)
            train_run(row)

    jobs.run(TrainingRun, run.pk, cancel_after_the_first_epoch)
    run = reread(run)
    assert (run.state, run.stopped_by, run.epoch) == (JobState.CANCELLED, "cancelled", 1)
    assert (run.folder / "weights.safetensors").exists()
    assert not run.models.exists()
    assert run.case.state == CaseState.OPEN

    TrainingRun.objects.filter(pk=run.pk).update(config=run.config | {"epochs": 50})
    run_resume(user=staff, run=run)
    assert reread(run).state == JobState.QUEUED
    run_cancel(user=staff, run=run)
    assert reread(run).state == JobState.CANCELLED
    assert reread(run).case.state == CaseState.OPEN


def refused(run):
    jobs.run(TrainingRun, run.pk, train_run)
    run = reread(run)
    assert run.state == JobState.FAILED
    assert run.case.state == CaseState.OPEN
    assert not RestorationModel.objects.exists()
    return run


def replace_file(run, pixels, folder, *, part="train", field=0):
    """Let one side of the manifest's pairs be another file."""
    entry = [pair for pair in run.training_set.manifest["pairs"] if pair["part"] == part][field]
    sha256 = made.stored(pixels, folder).sha256
    entry["raw"]["sha256"] = entry["target"]["sha256"] = sha256
    run.training_set.save()
    return entry


def test_a_constant_image_is_refused_with_the_name_of_its_field(tmp_path):
    run, _ = start(tmp_path)
    entry = replace_file(run, np.full((2, 64, 64), 7, np.uint16), tmp_path)
    run = refused(run)
    assert run.error_code == "training_data"
    assert entry["field"] in run.error_message
    assert "constant" in run.error_message


def test_pairs_of_two_sizes_are_refused_with_both_sizes(tmp_path):
    run, _ = start(tmp_path)
    entry = replace_file(run, made.two_detectors(1), tmp_path)
    entry["target"]["sha256"] = made.stored(made.two_detectors(1, (64, 96)), tmp_path).sha256
    run.training_set.save()
    run = refused(run)
    assert run.error_code == "training_data"
    assert "64 × 64 px and 96 × 64 px" in run.error_message


def test_a_missing_original_is_refused_with_what_to_do(tmp_path):
    run, _ = start(tmp_path)
    entry = replace_file(run, made.two_detectors(1), tmp_path)
    entry["raw"]["sha256"] = "0" * 64
    run.training_set.save()
    run = refused(run)
    assert run.error_code == "training_data"
    assert "backup" in run.error_message
