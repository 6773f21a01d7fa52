"""The pages of flags and the steps people take on them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from common.permissions import Role
from instruments.models import ServiceEvent
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db

STEPS = ("acknowledge", "confirm", "dismiss", "resolve", "comment")


@pytest.fixture
def flag():
    series = monitor.series()
    monitor.assessment(series)
    return monitor.flag(at=series)


def signed_in(client, flag, role):
    client.force_login(catalogue.member(role, of=flag.instrument.facility))
    return client


def url(flag, step=""):
    return reverse(f"metrology:flag-{step}" if step else "metrology:flag", args=[flag.pk])


def state_of(flag):
    flag.refresh_from_db()
    return flag.state


def test_who_is_not_signed_in_sees_and_does_nothing(client, flag):
    assert client.get(reverse("metrology:flag-list"))["Location"].startswith(reverse("login"))
    assert client.get(url(flag))["Location"].startswith(reverse("login"))
    assert client.post(url(flag, "acknowledge"))["Location"].startswith(reverse("login"))
    assert state_of(flag) == "open"


def test_another_facilitys_flag_is_not_found(client, flag):
    client.force_login(catalogue.member(Role.STAFF))
    event = {"service_event": "1", "text": "x"}
    assert client.get(url(flag)).status_code == 404
    assert [client.post(url(flag, step), event).status_code for step in STEPS] == [404] * 5
    assert "No flag asks for hands" in client.get(reverse("metrology:flag-list")).content.decode()


def test_a_viewer_takes_no_step_and_is_told_who_may(client, flag):
    signed_in(client, flag, Role.VIEWER)
    answers = [client.post(url(flag, step), {"service_event": "1", "text": "x"}) for step in STEPS]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert "your role is viewer" in answers[0].content.decode()
    page = client.get(url(flag)).content.decode()
    assert "Acknowledge</button>" not in page
    assert state_of(flag) == "open"


def test_steps_cannot_be_taken_by_following_a_link(client, flag):
    signed_in(client, flag, Role.STAFF)
    assert [client.get(url(flag, step)).status_code for step in STEPS] == [405] * 5


def test_the_inbox_shows_unresolved_flags_first_and_all_on_request(client, flag):
    closed = monitor.flag(catalogue.instrument(flag.instrument.facility), state="dismissed")
    signed_in(client, flag, Role.VIEWER)
    inbox = client.get(reverse("metrology:flag-list")).content.decode()
    assert flag.get_absolute_url() in inbox
    assert closed.get_absolute_url() not in inbox
    assert "Detector ageing" in inbox
    everything = client.get(reverse("metrology:flag-list"), {"state": "all"}).content.decode()
    assert closed.get_absolute_url() in everything


def test_many_flags_take_pages_and_few_queries(client, flag, django_assert_max_num_queries):
    series = flag.signals.get().series
    for week in range(60):
        monitor.flag(at=series, week=10 + week, state="dismissed")
    signed_in(client, flag, Role.VIEWER)
    with django_assert_max_num_queries(10):
        answer = client.get(reverse("metrology:flag-list"), {"state": "dismissed"})
    assert len(answer.context["flags"]) == 50


def test_the_page_holds_the_evidence(client, flag):
    monitor.acquisition(flag.instrument, path=flag.raised_by.optical_path, sample=flag.raised_by.standard, week=0)
    signed_in(client, flag, Role.OPERATOR)
    page = client.get(url(flag)).content.decode()
    assert "drift (EWMA)" in page
    assert '<td class="num">61.00</td>' in page
    assert "Sharpness</strong></a> [8-bit eq./px]" in page
    assert "only one detector lost signal" in page
    assert page.count("<feFuncR") == 2
    assert 'filter="url(#flag-before)"' in page
    assert "style=" not in page


def test_an_operator_acknowledges_comments_and_resolves(client, flag):
    signed_in(client, flag, Role.OPERATOR)
    assert client.post(url(flag, "acknowledge")).status_code == 302
    assert state_of(flag) == "acknowledged"
    client.post(url(flag, "comment"), {"text": "Lamp ordered <today>."})
    when = flag.raised_at + timedelta(days=1)
    event = ServiceEvent.objects.create(instrument=flag.instrument, started_at=when, ended_at=when)
    client.post(url(flag, "resolve"), {"service_event": event.pk})
    assert state_of(flag) == "resolved"
    page = client.get(url(flag)).content.decode()
    assert "Lamp ordered &lt;today&gt;." in page
    assert "acknowledged → resolved by a service" in page


def test_a_repeat_is_chosen_from_the_list(client, flag):
    repeat = monitor.acquisition(flag.instrument, week=9)
    signed_in(client, flag, Role.OPERATOR)
    assert f'<option value="{repeat.pk}">' in client.get(url(flag)).content.decode()
    client.post(url(flag, "confirm"), {"repeat": repeat.pk})
    assert state_of(flag) == "confirmed"


def test_an_impossible_step_is_a_conflict_with_a_sentence(client, flag):
    signed_in(client, flag, Role.STAFF)
    client.post(url(flag, "dismiss"), {"text": "bad slide"})
    answer = client.post(url(flag, "acknowledge"))
    assert answer.status_code == 409
    assert "A flag that is dismissed cannot become acknowledged." in answer.content.decode()


def test_dismissing_without_a_reason_and_resolving_without_an_event_are_refused(client, flag):
    signed_in(client, flag, Role.STAFF)
    assert client.post(url(flag, "dismiss")).status_code == 400
    assert client.post(url(flag, "resolve"), {"service_event": "the last one"}).status_code == 400
    assert state_of(flag) == "open"


def test_only_staff_is_offered_to_dismiss(client, flag):
    signed_in(client, flag, Role.OPERATOR)
    assert "Only staff may dismiss a flag." in client.get(url(flag)).content.decode()
    assert client.post(url(flag, "dismiss"), {"text": "bad slide"}).status_code == 403
    signed_in(client, flag, Role.STAFF)
    assert "Dismiss the flag" in client.get(url(flag)).content.decode()
