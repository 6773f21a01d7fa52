"""The first page."""

from __future__ import annotations

import pytest
from django.urls import reverse

from common.models import JobState
from common.permissions import Role
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db

URL = "/"


@pytest.fixture
def facility():
    return catalogue.facility()


@pytest.fixture
def viewer(client, facility):
    client.force_login(catalogue.member(Role.VIEWER, of=facility))
    return client


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(client):
    answer = client.get(URL)
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("login"))


def test_who_belongs_to_no_facility_is_told_whom_to_ask(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("nobody"))
    answer = client.get(URL)
    assert answer.status_code == 403
    assert "You do not belong to a facility yet." in answer.content.decode()


def test_an_empty_facility_is_told_what_is_missing(viewer):
    page = viewer.get(URL).content.decode()
    assert "No instrument yet" in page
    assert "Ask an administrator" in page


def test_the_verdict_is_symbol_word_and_colour(viewer, facility):
    one = catalogue.instrument(facility, name="LSM 510")
    monitor.health(one, "degraded", reasons=["sharpness: -4.2 σ"])
    worst = monitor.assessment(monitor.series(one), status="degraded", urgency=100)
    flag = monitor.flag(at=worst.series)
    page = viewer.get(URL).content.decode()
    assert "1 of 1 instrument needs hands: LSM 510." in page
    assert '<span class="badge badge-degraded"><span aria-hidden="true">■</span>Degraded</span>' in page
    assert "Sharpness: -4.2 σ." in page
    assert worst.series.get_absolute_url() in page
    assert flag.get_absolute_url() in page
    assert monitor.SPARKLINE in page


def test_the_page_asks_again_only_while_scans_are_measured(viewer, facility):
    one = catalogue.instrument(facility)
    monitor.health(one)
    assert "hx-trigger" not in viewer.get(URL).content.decode()
    monitor.acquisition(one, state=JobState.QUEUED)
    busy = viewer.get(URL, {"verdict": "in_control"}).content.decode()
    assert "Measuring 0 of 1 scans" in busy
    assert 'hx-get="/?verdict=in_control" hx-trigger="load delay:2s"' in busy


def test_htmx_gets_the_fragment_only(viewer):
    fragment = viewer.get(URL, headers={"HX-Request": "true"}).content.decode()
    assert '<div id="fleet"' in fragment
    assert "<html" not in fragment


def test_a_filter_that_nothing_fits_offers_the_way_back(viewer, facility):
    monitor.health(catalogue.instrument(facility))
    page = viewer.get(URL, {"verdict": "degraded"}).content.decode()
    assert "No instrument matches" in page
    assert "Show all instruments" in page


def test_names_are_shown_as_text(viewer, facility):
    catalogue.instrument(facility, name="<b>LSM</b>")
    page = viewer.get(URL).content.decode()
    assert "&lt;b&gt;LSM&lt;/b&gt;" in page
    assert "<b>LSM</b>" not in page


def test_twenty_instruments_take_at_most_fifteen_queries(viewer, facility, django_assert_max_num_queries):
    for _ in range(20):
        one = catalogue.instrument(facility)
        monitor.health(one, "watch")
        for attribute in ("mean", "noise"):
            monitor.assessment(monitor.series(one, attribute_id=attribute), values=(1.0,))
    with django_assert_max_num_queries(15):
        assert viewer.get(URL).status_code == 200
