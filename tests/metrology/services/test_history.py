"""The history of an instrument is measured again by the queue, once, and nothing that is there is lost."""

from __future__ import annotations

import pytest

from common import jobs
from common.errors import AccessError, NotFoundError, StateError
from common.models import JobState
from common.permissions import Role
from metrology.models import Acquisition
from metrology.services.confirm import history_remeasure
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
