"""The administration shows every table, to those who are no superusers their facility's rows only."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse

from common.permissions import Role
from instruments.models import Instrument, ServiceEvent
from metrology.models import Standard
from tests.factories import acquisitions, catalogue, monitor

pytestmark = pytest.mark.django_db
TABLES = [model for model in admin.site._registry if model._meta.app_label in {"instruments", "metrology"}]


@pytest.fixture
def superuser(client, django_user_model):
    user = django_user_model.objects.create_superuser("root", password="correct horse")
    client.force_login(user)
    return user


@pytest.fixture
def curator(client):
    user = catalogue.member(Role.STAFF, is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    client.force_login(user)
    return user


def test_the_whole_catalogue_is_administrated():
    names = {model.__name__ for model in TABLES}
    assert names >= {
        "Facility",
        "Membership",
        "Instrument",
        "Objective",
        "LightSource",
        "Detector",
        "OpticalPath",
        "ServiceEvent",
        "Standard",
        "Protocol",
        "Limits",
        "ReferenceAcquisition",
        "Acquisition",
    }


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_every_table_has_its_list_and_its_form(client, superuser, model):
    path = catalogue.optical_path()
    acquisitions.standard(path.instrument.facility)
    acquisitions.acquisition(path.instrument.facility, instrument=path.instrument)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert client.get(reverse(f"{name}_changelist")).status_code == 200
    may_add = admin.site._registry[model].has_add_permission(client.get("/admin/").wsgi_request)
    assert client.get(reverse(f"{name}_add")).status_code == (200 if may_add else 403)
    first = model.objects.first()
    if first is not None:
        assert client.get(reverse(f"{name}_change", args=[first.pk])).status_code == 200


def test_an_instrument_is_shown_with_its_parts(client, superuser):
    path = catalogue.optical_path()
    page = client.get(reverse("admin:instruments_instrument_change", args=[path.instrument.pk])).content.decode()
    assert path.objective.name in page
    assert path.name in page


def test_a_curator_sees_and_offers_only_the_own_facility(client, curator):
    own = catalogue.instrument(curator.memberships.get().facility, name="Ours")
    theirs = catalogue.instrument(name="Theirs")
    listed = client.get(reverse("admin:instruments_instrument_changelist")).content.decode()
    assert "Ours" in listed
    assert "Theirs" not in listed
    assert client.get(reverse("admin:instruments_instrument_change", args=[own.pk])).status_code == 200
    assert client.get(reverse("admin:instruments_instrument_change", args=[theirs.pk])).status_code == 302
    offered = client.get(reverse("admin:instruments_objective_add")).content.decode()
    assert "Ours" in offered
    assert "Theirs" not in offered


def test_a_curator_cannot_give_things_to_another_facility(client, curator):
    other = catalogue.facility()
    body = {"facility": other.pk, "name": "Sample", "kind": "beads", "lot": "", "bead_diameter_um": ""}
    assert b"Select a valid choice" in client.post(reverse("admin:metrology_standard_add"), body).content
    assert not Standard.objects.exists()


def test_history_is_neither_changed_nor_deleted(client, superuser):
    row = acquisitions.acquisition()
    change = reverse("admin:metrology_acquisition_change", args=[row.pk])
    assert client.post(change, {"label": "forged"}).status_code == 403
    assert client.post(reverse("admin:metrology_acquisition_delete", args=[row.pk])).status_code == 403
    assert Instrument.objects.count() == 0


def event_body(instrument, **fields):
    return {
        "instrument": instrument.pk, "kind": "detector", "started_at": "2026-02-02T08:00", "ended_at": "2026-02-02T10:00",
        "components": "NDD", "text": "Replaced.",
    } | fields  # fmt: skip


def test_a_service_event_added_here_has_the_instrument_judged_anew(client, curator):
    own = catalogue.instrument(curator.memberships.get().facility)
    health = monitor.health(own)
    answer = client.post(reverse("admin:instruments_serviceevent_add"), event_body(own))
    event = ServiceEvent.objects.get()
    assert answer.status_code == 302
    assert (event.instrument, event.kind, event.recorded_by) == (own, "detector", curator)
    health.refresh_from_db()
    assert health.needs_assessment


def test_a_service_event_of_the_future_or_of_another_facility_is_refused(client, curator):
    own = catalogue.instrument(curator.memberships.get().facility)
    for body in (event_body(own, ended_at="2999-02-02T10:00"), event_body(catalogue.instrument())):
        assert client.post(reverse("admin:instruments_serviceevent_add"), body).status_code == 200
    assert not ServiceEvent.objects.exists()


def test_a_service_event_is_neither_changed_nor_deleted(client, superuser):
    at = catalogue.START
    event = ServiceEvent.objects.create(instrument=catalogue.instrument(), started_at=at, ended_at=at)
    change = reverse("admin:instruments_serviceevent_change", args=[event.pk])
    assert client.post(change, event_body(event.instrument)).status_code == 403
    assert client.post(reverse("admin:instruments_serviceevent_delete", args=[event.pk])).status_code == 403
    assert ServiceEvent.objects.get().kind == "full_service"


def test_what_a_sample_is_cannot_be_changed_here_once_it_has_been_scanned(client, curator):
    facility = curator.memberships.get().facility
    standard = acquisitions.standard(facility, kind="marbles")
    change = reverse("admin:metrology_standard_change", args=[standard.pk])
    body = {"facility": facility.pk, "name": "Renamed", "kind": "beads", "lot": "", "bead_diameter_um": ""}
    acquisitions.acquisition(facility, standard=standard)
    assert client.post(change, body).status_code == 302
    standard.refresh_from_db()
    assert (standard.name, standard.kind) == ("Renamed", "marbles")
