"""The page of an instrument."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from common.models import JobState
from common.permissions import Role
from instruments.models import ServiceEvent
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def instrument():
    return catalogue.instrument(name="LSM 510")


@pytest.fixture
def viewer(client, instrument):
    client.force_login(catalogue.member(Role.VIEWER, of=instrument.facility))
    return client


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(client, instrument):
    assert client.get(instrument.get_absolute_url())["Location"].startswith(reverse("login"))


def test_another_facilitys_instrument_is_not_found(client, instrument):
    client.force_login(catalogue.member(Role.STAFF))
    assert client.get(instrument.get_absolute_url()).status_code == 404


def test_a_new_instrument_links_the_next_steps_for_those_who_may_take_them(client, viewer, instrument):
    seen = viewer.get(instrument.get_absolute_url()).content.decode()
    assert "No chart yet" in seen
    assert reverse("instruments:service-event-create", args=[instrument.slug]) not in seen
    client.force_login(catalogue.member(Role.OPERATOR, of=instrument.facility))
    page = client.get(instrument.get_absolute_url()).content.decode()
    assert "No chart yet" in page
    assert reverse("metrology:upload") in page
    assert reverse("instruments:service-event-create", args=[instrument.slug]) in page


def test_everything_known_is_shown(viewer, instrument):
    path = catalogue.optical_path(instrument)
    series = monitor.series(instrument, path=path)
    monitor.assessment(series, status="degraded", urgency=100)
    monitor.health(instrument, "degraded", reasons=["sharpness: -4.2 σ"])
    flag = monitor.flag(at=series)
    now = timezone.now()
    ServiceEvent.objects.create(instrument=instrument, kind="cleaning", started_at=now, ended_at=now, text="Dust.")
    page = viewer.get(instrument.get_absolute_url()).content.decode()
    for words in ("Sharpness: -4.2 σ", "Optics cleaned", "Dust.", path.name, path.objective.name, monitor.SPARKLINE):
        assert words in page
    assert series.get_absolute_url() in page
    assert flag.get_absolute_url() in page
    assert 'aria-label="Since 2026-01-05: 1 flag and 1 service event; degraded since 2026-01-05."' in page


def test_the_page_asks_again_only_while_its_scans_are_measured(viewer, instrument):
    monitor.acquisition(catalogue.instrument(instrument.facility), state=JobState.RUNNING)
    assert "hx-trigger" not in viewer.get(instrument.get_absolute_url()).content.decode()
    monitor.acquisition(instrument, state=JobState.RUNNING)
    assert 'hx-trigger="load delay:2s"' in viewer.get(instrument.get_absolute_url()).content.decode()


def test_many_series_take_at_most_25_queries(viewer, instrument, django_assert_max_num_queries):
    path = catalogue.optical_path(instrument, channels=6)
    for channel in range(6):
        monitor.assessment(monitor.series(instrument, path=path, channel=channel))
        monitor.flag(at=instrument.series.get(channel=channel), week=20 + channel, state="dismissed")
    with django_assert_max_num_queries(25):
        assert viewer.get(instrument.get_absolute_url()).status_code == 200
