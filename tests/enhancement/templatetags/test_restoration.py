"""What the pages of instruments and flags say of restoration."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common.permissions import Role
from enhancement.models import CaseState
from tests.factories import catalogue, monitor
from tests.factories import enhancement as made

pytestmark = pytest.mark.django_db

FLEET = "/"


@pytest.fixture
def instrument():
    return catalogue.instrument()


@pytest.fixture
def as_role(client, instrument):
    def sign_in(role):
        client.force_login(catalogue.member(role, of=instrument.facility))
        return client

    return sign_in


def model_of(instrument, **fields):
    return made.model(made.run(made.case(instrument), state="done"), **{"state": "released"} | fields)


def text(client, address):
    return client.get(address).content.decode()


def test_the_fleet_names_the_models_in_use_on_the_card_of_their_instrument(as_role, instrument):
    neighbour = catalogue.instrument(instrument.facility)
    first = model_of(instrument, name="Residual U-Net, run 1")
    second = model_of(instrument, name="Gaussian 1.5", input_channel=1, expires_at=timezone.now() + timedelta(days=1))
    page = text(as_role(Role.VIEWER), FLEET)
    cards = {one: page.split(f">{one.name}</a></h2>")[1].split("</article>")[0] for one in (instrument, neighbour)}
    links = [f'<a href="{one.get_absolute_url()}">{one.name}</a>' for one in (first, second)]
    assert f"Restored by {', '.join(links)}</span>" in cards[instrument]
    assert "Restored by" not in cards[neighbour]


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "candidate"},
        {"state": "rejected"},
        {"state": "expired"},
        {"expires_at": timezone.now() - timedelta(days=1)},
    ],
)
def test_the_fleet_does_not_name_a_model_that_may_not_be_used(as_role, instrument, fields):
    model_of(instrument, **fields)
    assert "Restored by" not in text(as_role(Role.VIEWER), FLEET)


def test_models_of_all_instruments_take_one_query(as_role, instrument, django_assert_num_queries):
    viewer = as_role(Role.VIEWER)
    viewer.get(FLEET)  # the session of the sign-in is written once
    with CaptureQueriesContext(connection) as without:
        viewer.get(FLEET)
    model_of(instrument)
    for _ in range(5):
        model_of(catalogue.instrument(instrument.facility))
    with django_assert_num_queries(len(without)):
        assert text(viewer, FLEET).count("Restored by") == 6


def test_a_flag_links_its_open_case_instead_of_offering_another(as_role, instrument):
    flag = monitor.flag(instrument)
    offer = "Open a restoration case"
    assert offer in text(as_role(Role.OPERATOR), flag.get_absolute_url())
    case = made.case(instrument, flag=flag)
    page = text(as_role(Role.OPERATOR), flag.get_absolute_url())
    assert offer not in page
    assert f'href="{case.get_absolute_url()}">The restoration case' in page
    assert case.get_absolute_url() in text(as_role(Role.VIEWER), flag.get_absolute_url())


def test_a_flag_whose_case_was_closed_offers_a_new_one(as_role, instrument):
    flag = monitor.flag(instrument)
    made.case(instrument, flag=flag, state=CaseState.CLOSED)
    made.case(instrument)  # of no flag
    page = text(as_role(Role.OPERATOR), flag.get_absolute_url())
    assert "Open a restoration case" in page
    assert reverse("enhancement:case-open") in page
