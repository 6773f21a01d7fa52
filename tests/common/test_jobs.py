"""A job row is done once, survives its worker, and fails with a sentence."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from common import jobs
from common.errors import FitError, StateError
from common.models import JobState
from metrology.models import Acquisition, StoredFile
from tests.factories import catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture
def job():
    stored = StoredFile.objects.create(sha256="a" * 64, size_bytes=1)
    return Acquisition.objects.create(facility=catalogue.facility(), stored_file=stored, original_name="a.tif")


def reread(job):
    return Acquisition.objects.get(pk=job.pk)


def test_a_job_is_done_once(job):
    calls = []
    assert jobs.run(Acquisition, job.pk, calls.append)
    assert not jobs.run(Acquisition, job.pk, calls.append)
    assert len(calls) == 1
    assert reread(job).state == JobState.DONE
    assert reread(job).progress == 1


def test_a_job_that_a_living_worker_has_is_not_taken(job):
    assert jobs.claim(Acquisition, job.pk) is not None
    assert jobs.claim(Acquisition, job.pk) is None


def test_a_job_whose_worker_fell_silent_is_taken_by_another(job, settings):
    jobs.claim(Acquisition, job.pk)
    Acquisition.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS + 1))
    again = jobs.claim(Acquisition, job.pk)
    assert again is not None
    assert again.attempts == 2


def test_a_job_that_kills_every_worker_fails_after_three(job):
    for _ in range(jobs.MOST_ATTEMPTS):
        assert jobs.claim(Acquisition, job.pk) is not None
        Acquisition.objects.update(heartbeat_at=None)
    assert jobs.claim(Acquisition, job.pk) is None
    assert reread(job).state == JobState.FAILED
    assert reread(job).error_code == "worker_lost"


def test_an_error_of_the_tree_becomes_the_row_s_sentence(job):
    def work(_row):
        raise FitError("The Gaussian did not fit.", hint="Scan the beads again.", r_squared=0.1)

    assert not jobs.run(Acquisition, job.pk, work)
    row = reread(job)
    assert (row.state, row.error_code) == (JobState.FAILED, "fit")
    assert row.error_message == "The Gaussian did not fit. Scan the beads again."
    assert row.error_details == {"r_squared": 0.1}


def test_a_worker_that_was_suspended_does_not_end_the_job_of_its_successor(job, settings):
    suspended = jobs.claim(Acquisition, job.pk)
    Acquisition.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS + 1))
    successor = jobs.claim(Acquisition, job.pk)
    jobs.finish(suspended)
    assert reread(job).state == JobState.RUNNING
    jobs.finish(successor)
    assert reread(job).state == JobState.DONE


def test_a_worker_that_was_suspended_while_staff_started_the_job_again_does_not_end_it(job):
    suspended = jobs.claim(Acquisition, job.pk)
    jobs.cancel(job)
    jobs.finish(suspended)
    job.refresh_from_db()
    jobs.requeue(job)
    successor = jobs.claim(Acquisition, job.pk)
    assert successor.attempts == suspended.attempts
    jobs.finish(suspended)
    job.refresh_from_db()
    assert job.state == JobState.RUNNING


def test_what_is_told_of_the_progress_reaches_the_row_with_the_heartbeat(job, monkeypatch):
    monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 0.05)
    row = jobs.claim(Acquisition, job.pk)
    before = row.heartbeat_at
    jobs.beat(row, 0.4, "measuring")
    updates = []
    monkeypatch.setattr(jobs, "_claimed", lambda told: Recorded(told, updates))
    with jobs.kept_alive(row):
        wait_until(lambda: len(updates) > 1)
    assert updates[0]["progress"] == 0.4
    assert updates[0]["stage"] == "measuring"
    assert updates[0]["heartbeat_at"] > before


def test_a_heartbeat_forgives_a_database_that_restarts(job, monkeypatch, caplog):
    monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 0.05)
    row = jobs.claim(Acquisition, job.pk)
    updates = []
    monkeypatch.setattr(jobs, "_claimed", lambda told: Recorded(told, updates, failures=2))
    with jobs.kept_alive(row):
        wait_until(lambda: len(updates) >= 4)
    assert "no heartbeat" in caplog.text


class Recorded:
    """Stands for the row in the heartbeat's thread, which would use a connection outside the test's transaction."""

    def __init__(self, told, updates, failures=0):
        assert isinstance(told, Acquisition)
        self.updates, self.failures = updates, failures

    def update(self, **fields):
        self.updates.append(fields)
        if len(self.updates) <= self.failures:
            raise OperationalError("the server closes the connection")


def wait_until(holds):
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert holds()


def test_an_unforeseen_error_ends_the_row_without_showing_its_inside(job, caplog):
    def work(_row):
        raise ZeroDivisionError("secret")

    assert not jobs.run(Acquisition, job.pk, work)
    row = reread(job)
    assert (row.state, row.error_code) == (JobState.FAILED, "internal")
    assert "secret" not in row.error_message
    assert "secret" in caplog.text


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_at_its_end(job):
    jobs.cancel(job)
    assert reread(job).state == JobState.CANCELLED
    with pytest.raises(StateError):
        jobs.cancel(job)
    jobs.requeue(job)

    def work(row):
        jobs.cancel(row)
        assert jobs.cancel_requested(row)

    jobs.run(Acquisition, job.pk, work)
    assert reread(job).state == JobState.CANCELLED


def test_recover_sends_again_what_a_dead_worker_left_and_nothing_else(
    job, django_capture_on_commit_callbacks, monkeypatch
):
    sent = []
    monkeypatch.setattr("common.dispatch._send", lambda task, ids, queue: sent.append((task, ids, queue)))
    jobs.claim(Acquisition, job.pk)
    with django_capture_on_commit_callbacks(execute=True):
        assert jobs.recover(Acquisition) == 0  # its heartbeat is fresh
    with django_capture_on_commit_callbacks(execute=True):
        assert jobs.recover(Acquisition, all_workers_are_dead=True) == 1
    assert sent == [("metrology.measure", (job.pk,), "measure")]
    assert reread(job).state == JobState.QUEUED


def test_a_job_is_not_blamed_when_everything_was_stopped(job, monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_message: None)
    for _ in range(2 * jobs.MOST_ATTEMPTS):
        assert jobs.claim(Acquisition, job.pk) is not None
        jobs.recover(Acquisition, all_workers_are_dead=True)
    assert jobs.run(Acquisition, job.pk, lambda _row: None)


def test_a_job_waiting_without_a_message_is_sent_again_but_not_at_every_look(
    job, settings, django_capture_on_commit_callbacks, monkeypatch
):
    sent = []
    monkeypatch.setattr("common.dispatch._send", lambda *message: sent.append(message))
    Acquisition.objects.update(queued_at=timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS + 1))
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            jobs.recover(Acquisition)
    assert len(sent) == 1


def test_a_finished_job_can_be_put_back_and_an_active_one_cannot(job):
    jobs.run(Acquisition, job.pk, lambda _row: None)
    jobs.requeue(job)
    assert reread(job).state == JobState.QUEUED
    with pytest.raises(StateError):
        jobs.requeue(job)
