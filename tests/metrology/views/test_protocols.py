"""Staff makes the settings of a good scan the protocol; a scan with others is kept, and says why it is not charted."""

from __future__ import annotations

import pytest
from django.urls import reverse

from common.models import JobState
from common.permissions import Role
from metrology.models import Acquisition, Protocol
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db
METADATA = {
    "zoom": {"value": 2.0, "source": "LSM ZoomX"},
    "immersion": {"value": "Oil", "source": "LSM Objective"},
    "channels": [{"gain": {"value": 600.0, "source": "LSM Gain"}}],
}


@pytest.fixture
def path():
    return catalogue.optical_path()


@pytest.fixture
def scan(path):
    facility = path.instrument.facility
    row = acquisitions.acquisition(facility)
    Acquisition.objects.filter(pk=row.pk).update(
        state=JobState.DONE, validity="valid", instrument=path.instrument, optical_path=path,
        standard=acquisitions.standard(facility), acquired_at=catalogue.START, metadata=METADATA,
        protocol=catalogue.protocol(facility),
    )  # fmt: skip
    return Acquisition.objects.get(pk=row.pk)


def sign_in(client, path, role):
    client.force_login(catalogue.member(role, of=path.instrument.facility))
    return client


def new(scan):
    return f"{reverse('metrology:protocol-new')}?acquisition={scan.pk}"


def test_the_form_offers_what_the_scan_states(client, path, scan):
    page = sign_in(client, path, Role.STAFF).get(new(scan)).content.decode()
    assert "Gain of channel 0" in page
    assert "Immersion" in page
    assert 'value="600.0"' in page


def test_ticked_settings_become_the_protocol(client, path, scan, monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_message: None)
    sign_in(client, path, Role.STAFF)
    form = client.get(new(scan)).context["form"]
    labels = {one["requirement"].label: place for place, one in enumerate(form.settings)}
    gain, word = labels["gain of channel 0"], labels["immersion"]
    said = {
        "standard_kind": "marbles", "optical_path": path.pk, "interval_days": 14, "text": "new detector",
        f"asked_{gain}": "on", f"value_{gain}": "610", f"tolerance_{gain}": "10", f"asked_{word}": "on",
        f"value_{word}": "Oil", "valid_from": "2026-01-01T00:00:00",
    }  # fmt: skip
    answer = client.post(new(scan), said)
    made = Protocol.objects.get(optical_path=path)
    assert answer.url == made.get_absolute_url()
    assert made.required_settings == [
        {"setting": "immersion", "channel": None, "value": "Oil", "tolerance": 0.0},
        {"setting": "gain", "channel": 0, "value": 610.0, "tolerance": 10.0},
    ]
    assert (made.interval_days, made.text) == (14, "new detector")
    page = client.get(made.get_absolute_url()).content.decode()
    assert "610 ± 10" in page
    scan.refresh_from_db()
    assert scan.state == JobState.QUEUED


def test_a_ticked_setting_without_a_value_is_refused(client, path, scan):
    sign_in(client, path, Role.STAFF)
    said = {"standard_kind": "marbles", "interval_days": 7, "asked_0": "on", "value_0": ""}
    answer = client.post(new(scan), said)
    assert answer.status_code == 400
    assert "left empty" in answer.content.decode()
    assert Protocol.objects.count() == 1


def test_an_operator_cannot_open_a_version(client, path, scan):
    answer = sign_in(client, path, Role.OPERATOR).get(new(scan))
    assert answer.status_code == 403
    assert "open a protocol" in answer.content.decode()


def test_a_viewer_reads_the_protocols_and_a_stranger_does_not(client, path, scan):
    protocol = scan.protocol
    viewer = sign_in(client, path, Role.VIEWER)
    assert viewer.get(protocol.get_absolute_url()).status_code == 200
    page = viewer.get(reverse("metrology:protocol-list")).content.decode()
    assert protocol.get_absolute_url() in page
    assert "Open a new version" not in viewer.get(protocol.get_absolute_url()).content.decode()
    client.force_login(catalogue.member(Role.STAFF))
    assert client.get(protocol.get_absolute_url()).status_code == 404
    assert client.get(new(scan)).status_code == 404
    client.logout()
    assert client.get(protocol.get_absolute_url()).status_code == 302


def test_the_page_of_a_scan_names_what_differs(client, path, scan):
    Protocol.objects.update(
        required_settings=[
            {"setting": "gain", "channel": 0, "value": 720.0, "tolerance": 0.0},
            {"setting": "averaging", "channel": None, "value": 4.0, "tolerance": 0.0},
        ]
    )
    page = sign_in(client, path, Role.VIEWER).get(scan.get_absolute_url()).content.decode()
    assert "gain of channel 0: 600 instead of 720" in page
    assert "not stated in the file" in page


def test_a_list_of_many_protocols_asks_the_database_few_times(client, path, django_assert_max_num_queries):
    for kind in ("beads", "slide", "kidney", "convallaria"):
        catalogue.protocol(path.instrument.facility, kind)
    sign_in(client, path, Role.VIEWER)
    with django_assert_max_num_queries(8):
        client.get(reverse("metrology:protocol-list"))
