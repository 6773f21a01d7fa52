"""The history of an instrument is measured again by the queue, once, and nothing that is there is lost."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from common import jobs
from common.errors import AccessError, NotFoundError, StateError
from common.models import JobState
from common.permissions import Role
from metrology.models import Acquisition, Health, Remeasuring
from metrology.selectors.history import history_progress
from metrology.services.confirm import acquisition_confirm
from metrology.services.history import history_cancel, history_remeasure
from metrology.services.protocols import protocol_open
from metrology.tasks import send_history
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch):
    messages = []
    monkeypatch.setattr("common.dispatch._send", lambda task, ids, _queue: messages.append((task, *ids)))
    return messages


@pytest.fixture
def instrument():
    made = catalogue.instrument()
    for state in (JobState.DONE, JobState.DONE, JobState.FAILED, JobState.RUNNING):
        acquisitions.acquisition(made.facility, instrument=made, state=state)
    acquisitions.acquisition(made.facility, instrument=catalogue.instrument(of=made.facility), state=JobState.DONE)
    return made


def staff(instrument):
    return catalogue.member(Role.STAFF, of=instrument.facility)


def test_all_finished_scans_of_the_instrument_wait_and_one_message_sends_the_others(
    instrument, sent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        assert history_remeasure(instrument, user=staff(instrument)) == 3
    assert sent == [("metrology.send_history", instrument.pk)]
    assert Acquisition.objects.filter(state=JobState.QUEUED).count() == 3
    assert Acquisition.objects.filter(state=JobState.RUNNING).count() == 1
    with django_capture_on_commit_callbacks(execute=True):
        assert send_history(instrument.pk) == 3
    assert sorted(sent[1:]) == sorted(
        ("metrology.measure", pk)
        for pk in Acquisition.objects.filter(state=JobState.QUEUED).values_list("pk", flat=True)
    )


def test_messages_are_not_sent_twice(instrument, sent, django_capture_on_commit_callbacks):
    history_remeasure(instrument, user=None)
    with django_capture_on_commit_callbacks(execute=True):
        assert (send_history(instrument.pk), send_history(instrument.pk)) == (3, 0)
    assert len(sent) == 3


def test_what_was_not_sent_before_a_death_is_recovered(instrument, sent, settings, django_capture_on_commit_callbacks):
    history_remeasure(instrument, user=None)
    settings.JOB_STALE_SECONDS = -1
    with django_capture_on_commit_callbacks(execute=True):
        jobs.recover(Acquisition)
    assert len([one for one in sent if one[0] == "metrology.measure"]) >= 3


def test_only_staff_of_the_facility_may(instrument):
    with pytest.raises(AccessError):
        history_remeasure(instrument, user=catalogue.member(Role.OPERATOR, of=instrument.facility))
    with pytest.raises(NotFoundError):
        history_remeasure(instrument, user=catalogue.member(Role.STAFF))


def test_nothing_to_measure_is_said_so():
    with pytest.raises(StateError, match="No finished scan"):
        history_remeasure(catalogue.instrument(), user=None)


def test_the_page_and_the_api_ask_for_it(instrument, client, sent):
    client.force_login(staff(instrument))
    page = client.post(f"/instruments/{instrument.slug}/measure/")
    assert page.url == instrument.get_absolute_url()
    again = client.post(f"/api/v1/instruments/{instrument.slug}/measure/")
    assert (again.status_code, again.json()["code"]) == (409, "state")
    client.force_login(catalogue.member(Role.OPERATOR, of=instrument.facility))
    assert client.post(f"/instruments/{instrument.slug}/measure/").status_code == 403


def standing(instrument):
    """How the work on each finished scan stands, all columns of it."""
    return list(instrument.acquisitions.exclude(state=JobState.RUNNING).order_by("pk").values("pk", *jobs.WORK_FIELDS))


def claimed(instrument):
    """The first waiting scan, taken by a worker."""
    scan = instrument.acquisitions.filter(state=JobState.QUEUED).order_by("pk").first()
    return jobs.claim(Acquisition, scan.pk)


def test_what_is_noted_of_a_scan_is_all_that_the_queue_changes():
    assert set(jobs.WORK_FIELDS) == set(jobs._from_the_start())


def test_a_stopped_history_leaves_each_waiting_scan_as_it_was(instrument):
    failed = instrument.acquisitions.get(state=JobState.FAILED)
    Acquisition.objects.filter(pk=failed.pk).update(
        error_code="axes", error_message="Three colours.", error_details={"axes": "YXS"}, attempts=2
    )
    Acquisition.objects.filter(instrument=instrument, state=JobState.DONE).update(
        finished_at=catalogue.START, progress=1.0, attempts=1
    )
    before = standing(instrument)
    history_remeasure(instrument, user=None)
    assert standing(instrument) != before
    boss = staff(instrument)
    assert history_cancel(instrument, user=boss) == 3
    assert standing(instrument) == before
    asked = Remeasuring.objects.get()
    assert asked.cancelled_by == boss
    assert asked.cancelled_at is not None
    assert history_progress(instrument) is None


def test_a_scan_at_work_is_measured_to_its_end_and_what_is_done_stays(instrument):
    history_remeasure(instrument, user=None)
    first = claimed(instrument)
    jobs.finish(first)
    second = claimed(instrument)
    assert history_cancel(instrument, user=None) == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (JobState.DONE, JobState.RUNNING)
    jobs.finish(second)
    second.refresh_from_db()
    assert second.state == JobState.DONE
    assert second.cancel_requested is False


def test_a_message_of_a_stopped_scan_finds_nothing_to_do(instrument, sent, django_capture_on_commit_callbacks):
    history_remeasure(instrument, user=None)
    scan = instrument.acquisitions.filter(state=JobState.QUEUED).first()
    history_cancel(instrument, user=None)
    assert jobs.claim(Acquisition, scan.pk) is None
    with django_capture_on_commit_callbacks(execute=True):
        assert send_history(instrument.pk) == 0


def test_scans_that_wait_for_another_reason_go_on_waiting(instrument):
    history_remeasure(instrument, user=None)
    corrected, *_ = instrument.acquisitions.filter(state=JobState.QUEUED)
    sample = acquisitions.standard(instrument.facility)
    acquisition_confirm(corrected, user=None, standard=sample)
    new = acquisitions.acquisition(instrument.facility, instrument=instrument, state=JobState.QUEUED)
    assert history_cancel(instrument, user=None) == 2
    waiting = set(instrument.acquisitions.filter(state=JobState.QUEUED).values_list("pk", flat=True))
    assert waiting == {corrected.pk, new.pk}


def test_a_failed_scan_of_which_something_is_said_meanwhile_goes_on_waiting(instrument):
    failed = instrument.acquisitions.get(state=JobState.FAILED)
    done = instrument.acquisitions.filter(state=JobState.DONE).first()
    history_remeasure(instrument, user=None)
    for scan in (failed, done):
        acquisition_confirm(scan, user=None, label="a better name")
    assert history_cancel(instrument, user=None) == 2
    assert [Acquisition.objects.get(pk=one.pk).state for one in (failed, done)] == [JobState.QUEUED, JobState.DONE]


def test_scans_that_a_new_protocol_measures_again_go_on_waiting(instrument):
    path = catalogue.optical_path(instrument)
    sample = acquisitions.standard(instrument.facility)
    scan = instrument.acquisitions.filter(state=JobState.DONE).first()
    Acquisition.objects.filter(pk=scan.pk).update(optical_path=path, standard=sample, acquired_at=catalogue.START)
    history_remeasure(instrument, user=None)
    protocol_open(
        user=staff(instrument),
        standard_kind=sample.kind,
        optical_path=None,
        required_settings=[],
        valid_from=catalogue.START,
    )
    assert history_cancel(instrument, user=None) == 2
    assert Acquisition.objects.get(pk=scan.pk).state == JobState.QUEUED


@pytest.mark.django_db(transaction=True)
def test_a_scan_that_somebody_changes_is_noted_as_it_is_after_the_change():
    made = catalogue.instrument()
    scan = acquisitions.acquisition(made.facility, instrument=made, state=JobState.DONE, attempts=1)

    def ask():
        history_remeasure(made, user=None)
        connection.close()

    asking = threading.Thread(target=ask)
    with transaction.atomic():
        Acquisition.objects.filter(pk=scan.pk).update(attempts=2)
        asking.start()
        asking.join(1)  # it waits for this change
    asking.join(30)
    assert history_cancel(made, user=None) == 1
    scan.refresh_from_db()
    assert (scan.state, scan.attempts) == (JobState.DONE, 2)


def test_the_judgement_that_waited_is_asked_for_and_only_then(instrument, sent, django_capture_on_commit_callbacks):
    Health.objects.create(instrument=instrument, needs_assessment=True)
    history_remeasure(instrument, user=None)
    with django_capture_on_commit_callbacks(execute=True):
        history_cancel(instrument, user=None)
    assert sent == []  # one is still at work: it asks when it is done
    instrument.acquisitions.filter(state=JobState.RUNNING).update(state=JobState.DONE)
    history_remeasure(instrument, user=None)
    with django_capture_on_commit_callbacks(execute=True):
        history_cancel(instrument, user=None)
    assert ("metrology.assess", instrument.pk) in sent


def test_progress_counts_done_waiting_and_running(instrument):
    assert history_progress(instrument) is None
    boss = staff(instrument)
    history_remeasure(instrument, user=boss)
    jobs.finish(claimed(instrument))
    claimed(instrument)
    found = history_progress(instrument)
    assert (found.total, found.done, found.waiting, found.running) == (3, 1, 1, 1)
    assert (found.words, found.asked_by) == ("1 of 3 scans", boss.get_username())


def test_it_goes_on_and_can_be_stopped_after_every_process_died(instrument, sent, django_capture_on_commit_callbacks):
    history_remeasure(instrument, user=None)
    claimed(instrument)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.recover(Acquisition, all_workers_are_dead=True)
    assert len([one for one in sent if one[0] == "metrology.measure"]) == 4
    assert history_progress(instrument).waiting == 3
    assert history_cancel(instrument, user=None) == 3


def test_only_staff_of_the_facility_may_stop_it_and_only_while_it_waits(instrument):
    history_remeasure(instrument, user=None)
    with pytest.raises(AccessError):
        history_cancel(instrument, user=catalogue.member(Role.OPERATOR, of=instrument.facility))
    with pytest.raises(NotFoundError):
        history_cancel(instrument, user=catalogue.member(Role.STAFF))
    history_cancel(instrument, user=None)
    with pytest.raises(StateError, match="nothing left to stop"):
        history_cancel(instrument, user=None)


def test_the_page_shows_progress_and_stops_it_like_the_api(instrument, client, sent):
    api = f"/api/v1/instruments/{instrument.slug}/measure/"
    client.force_login(staff(instrument))
    assert client.get(api).json()["total"] == 0
    client.post(api)
    assert client.get(api).json()["waiting"] == 3
    page = client.get(instrument.get_absolute_url()).content.decode()
    stop = f"/instruments/{instrument.slug}/measure/cancel/"
    assert "0 of 3 scans" in page
    assert stop in page
    client.force_login(catalogue.member(Role.OPERATOR, of=instrument.facility))
    assert stop not in client.get(instrument.get_absolute_url()).content.decode()
    assert client.post(stop).status_code == 403
    client.force_login(staff(instrument))
    assert client.post(stop, HTTP_HX_REQUEST="true")["HX-Refresh"] == "true"
    assert "3 scans are as they were" in client.get(instrument.get_absolute_url()).content.decode()
    again = client.post(f"{api}cancel/")
    assert (again.status_code, again.json()["code"]) == (409, "state")
    client.post(api)
    assert client.post(f"{api}cancel/").json() == {"stopped": 3}


@pytest.mark.django_db(transaction=True)
def test_a_worker_and_the_one_who_stops_never_take_the_same_scan(sent):
    made = catalogue.instrument()
    scans = [acquisitions.acquisition(made.facility, instrument=made, state=JobState.DONE).pk for _ in range(40)]
    history_remeasure(made, user=None)
    begun, measured = threading.Event(), []

    def work():
        for pk in scans:
            job = jobs.claim(Acquisition, pk)
            if job is not None:
                jobs.finish(job)
                measured.append(pk)
            begun.set()
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    begun.wait(10)
    stopped = history_cancel(made, user=None)
    worker.join(30)
    states = set(Acquisition.objects.filter(pk__in=scans).values_list("state", flat=True))
    assert states == {JobState.DONE}
    assert stopped + len(measured) == 40
    assert measured
