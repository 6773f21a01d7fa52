"""A training that is killed goes on from its checkpoint, and ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from django.db import connection

from common import jobs
from common.models import JobState
from common.permissions import Role
from enhancement.models import TrainingRun
from enhancement.runtime.training import train_run
from enhancement.services.training import run_resume, training_start
from tests.factories import catalogue
from tests.factories import enhancement as made

WORKER = """
import sys, django
django.setup()
from pathlib import Path
from django.conf import settings
settings.MEDIA_ROOT = Path(sys.argv[1])
from common import jobs
from enhancement.models import TrainingRun
from enhancement.runtime.training import train_run
jobs.run(TrainingRun, int(sys.argv[2]), train_run)
"""


def start_worker(run, media_root):
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "STREHL_DATABASE_NAME": connection.settings_dict["NAME"],
        "STREHL_EMBEDDED_AUTOSTART": "false",
        "STREHL_TORCH_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(media_root), str(run.pk)], env=environment, stderr=subprocess.PIPE
    )


def wait_for_epoch(run, epoch, worker, *, seconds=240):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        run.refresh_from_db()
        if run.epoch >= epoch:
            return
        assert worker.poll() is None, worker.stderr.read().decode()
        time.sleep(0.02)
    pytest.fail(f"no epoch {epoch} after {seconds} s, stage {run.stage!r}")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_training_killed_in_the_middle_ends_with_the_very_weights_of_one_that_was_not(
    tmp_path, media_root, monkeypatch
):
    monkeypatch.setattr("common.dispatch._send", lambda *_message: None)
    instrument = made.two_detector_instrument(tmp_path)
    staff = catalogue.member(Role.STAFF, of=instrument.facility)
    settings = made.TINY | {"epochs": 4, "steps_per_epoch": 6}

    killed = training_start(user=staff, case=made.case(instrument), config=settings)
    worker = start_worker(killed, media_root)
    wait_for_epoch(killed, 1, worker)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    worker.stderr.close()
    killed.refresh_from_db()
    assert killed.state == JobState.RUNNING  # nobody told the row
    assert killed.epoch < 4
    before = list(killed.history)

    assert jobs.recover(TrainingRun, all_workers_are_dead=True) == 1
    assert jobs.run(TrainingRun, killed.pk, train_run)
    killed.refresh_from_db()
    assert [row["epoch"] for row in killed.history] == [1, 2, 3, 4]
    assert killed.history[: len(before)] == before  # not trained again
    assert killed.attempts == 1  # a start after a crash blames no job

    whole = training_start(user=staff, case=made.case(instrument), config=settings)
    assert jobs.run(TrainingRun, whole.pk, train_run)
    weights = [run.models.get(kind="network").weights_sha256 for run in (killed, whole)]
    assert weights[0] == weights[1]


@pytest.mark.django_db
def test_a_failed_training_resumed_by_staff_keeps_its_history(tmp_path, monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_message: None)
    instrument = made.two_detector_instrument(tmp_path)
    staff = catalogue.member(Role.STAFF, of=instrument.facility)
    run = training_start(user=staff, case=made.case(instrument), config=made.TINY | {"epochs": 3})

    def die_after_the_second_epoch(row):
        from enhancement.services import records

        keep = records.epoch_record

        def record(*args, **kwargs):
            keep(*args, **kwargs)
            if args[1]["epoch"] == 2:
                raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr("enhancement.runtime.training.epoch_record", record)
            train_run(row)

    jobs.run(TrainingRun, run.pk, die_after_the_second_epoch)
    run.refresh_from_db()
    assert (run.state, run.error_code, run.epoch) == (JobState.FAILED, "internal", 2)
    before, reached = list(run.history), run.progress
    run_resume(user=staff, run=run)
    told = []
    monkeypatch.setattr(jobs, "beat", lambda _run, share, _stage: told.append(share))
    assert jobs.run(TrainingRun, run.pk, train_run)
    assert min(told) >= reached > 0.5  # reading and tuning again does not move the bar back
    assert told == sorted(told)
    run.refresh_from_db()
    assert run.history[:2] == before
    assert run.epoch == 3
