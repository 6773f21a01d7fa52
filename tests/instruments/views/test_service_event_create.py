"""The page on which a service event is recorded."""

from __future__ import annotations

import pytest
from django.urls import reverse

from common.permissions import Role
from instruments.models import ServiceEvent
from tests.factories import catalogue

pytestmark = pytest.mark.django_db

GIVEN = {
    "kind": "light_source",
    "started_at": "2026-02-02T09:00",
    "ended_at": "2026-02-02T12:30",
    "components": "argon laser",
    "text": "Tube replaced.",
}


@pytest.fixture
def instrument():
    return catalogue.instrument()


@pytest.fixture
def url(instrument):
    return reverse("instruments:service-event-create", args=[instrument.slug])


@pytest.fixture
def operator(client, instrument):
    client.force_login(catalogue.member(Role.OPERATOR, of=instrument.facility))
    return client


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(client, url):
    assert client.post(url, GIVEN)["Location"].startswith(reverse("login"))


def test_a_viewer_is_told_who_may(client, instrument, url):
    client.force_login(catalogue.member(Role.VIEWER, of=instrument.facility))
    for answer in (client.get(url), client.post(url, GIVEN)):
        assert answer.status_code == 403
        assert "Only operators and staff may record a service event" in answer.content.decode()
    assert not ServiceEvent.objects.exists()


def test_another_facilitys_instrument_is_not_found(client, url):
    client.force_login(catalogue.member(Role.STAFF))
    assert client.post(url, GIVEN).status_code == 404


def test_the_page_says_which_baselines_begin_anew(operator, url):
    page = operator.get(url).content.decode()
    assert "Light source replaced" in page
    assert "field, intensity, marbles, noise, reference, sharpness, texture" in page


def test_an_operator_records_an_event_and_returns_to_the_instrument(operator, instrument, url):
    answer = operator.post(url, GIVEN)
    assert answer["Location"] == instrument.get_absolute_url()
    event = ServiceEvent.objects.get()
    assert (event.kind, event.components, event.ended_at.isoformat()) == (
        "light_source",
        "argon laser",
        "2026-02-02T12:30:00+00:00",
    )


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"ended_at": "2026-02-01T12:30"}, "ended_at"),
        ({"ended_at": "2226-02-01T12:30"}, "ended_at"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"kind": "exorcism"}, "kind"),
        ({"components": "x" * 201}, "components"),
    ],
)
def test_what_cannot_have_happened_so_is_refused_beside_its_field(operator, url, fault, field):
    answer = operator.post(url, GIVEN | fault)
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert not ServiceEvent.objects.exists()
