"""Power readings by the API."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from common.permissions import Role
from metrology.models import PowerRecord
from tests.factories import catalogue, power

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]

TABLE = b"light_source,read_at,setting_percent,power_mw\n488 nm,2026-03-02,50,2.0\n488 nm,2026-03-09,100,4.1\n"


@pytest.fixture
def laser():
    return power.laser(catalogue.instrument())


@pytest.fixture
def meter(laser):
    return power.meter(laser.instrument.facility)


@pytest.fixture
def address(laser):
    return f"/api/v1/instruments/{laser.instrument.slug}/power/"


@pytest.fixture
def operator(client, laser):
    client.force_login(catalogue.member(Role.OPERATOR, of=laser.instrument.facility))
    return client


def said(laser, meter, *pairs, **fields):
    readings = [{"setting_percent": setting, "power_mw": value} for setting, value in pairs]
    return {"light_source": laser.pk, "meter": meter.pk, "read_at": "2026-03-02T09:30Z", "readings": readings} | fields


def sent(client, address, body):
    return client.post(address, body, content_type="application/json")


def test_nobody_and_viewers_and_other_facilities_may_not(client, address, laser, meter):
    assert client.get(address).status_code == 401
    client.force_login(catalogue.member(Role.VIEWER, of=laser.instrument.facility))
    assert client.get(address).json()["results"] == []
    assert sent(client, address, said(laser, meter, (10, 1))).status_code == 403
    record = power.recorded(laser, meter, (100, 4.0))
    client.force_login(catalogue.member(Role.STAFF))
    assert client.get(address).status_code == 404
    assert client.get(f"/api/v1/power/{record.pk}/").status_code == 404


def test_readings_are_recorded_once(operator, address, laser, meter):
    first = sent(operator, address, said(laser, meter, (50, 2.0), (100, 4.0)))
    assert (first.status_code, first.json()["duplicate"]) == (201, False)
    again = sent(operator, address, said(laser, meter, (50, 2.0), (100, 4.0)))
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert "nothing was added" in again.json()["message"]
    (listed,) = operator.get(address).json()["results"]
    assert (listed["setting_percent"], listed["meter"], listed["light_source"]) == (100.0, meter.pk, laser.pk)
    assert operator.get(address, {"light_source": laser.pk, "meter": meter.pk}).json()["count"] == 1
    assert operator.get(address, {"light_source": laser.pk + 1}).json()["count"] == 0


@pytest.mark.parametrize("moment", ["2999-01-01T00:00Z", "1990-01-01T00:00Z", "0001-01-01T00:00+14:00"])
def test_a_reading_of_another_time_than_its_session_is_refused(operator, address, laser, meter, moment):
    body = said(laser, meter, (50, 2.0))
    body["readings"][0]["read_at"] = moment
    assert sent(operator, address, body).status_code == 400
    assert sent(operator, address, said(laser, meter, (50, 2.0), read_at=moment)).status_code == (
        201 if moment.startswith("1990") else 400
    )


@pytest.mark.parametrize("name", ["setting_percent", "power_mw"])
def test_true_is_no_number(operator, address, laser, meter, name):
    body = said(laser, meter, (50, 2.0))
    body["readings"][0][name] = True
    answer = sent(operator, address, body)
    assert answer.status_code == 400
    assert name in answer.content.decode()
    assert not PowerRecord.objects.exists()


def test_a_table_is_taken_in_whole_or_its_lines_are_named(operator, address, meter, laser):
    wrong = operator.post(
        f"{address}table/", {"meter": meter.pk, "file": SimpleUploadedFile("a.csv", TABLE + b"488 nm,x,1,1\n")}
    )
    assert wrong.status_code == 400
    assert wrong.json()["details"]["lines"][0]["line"] == 4
    assert not PowerRecord.objects.exists()
    for code in (201, 200):
        answer = operator.post(f"{address}table/", {"meter": meter.pk, "file": SimpleUploadedFile("a.csv", TABLE)})
        assert answer.status_code == code
        assert [one["duplicate"] for one in answer.json()] == [code == 200] * 2
    assert operator.get(f"{address}values.csv").content.decode().count("488 nm") == 2


def test_a_record_has_its_readings_and_figures_and_is_corrected_by_another(operator, laser, meter):
    record = power.recorded(laser, meter, (100, 4000.0), (100, 4200.0))
    body = operator.get(f"/api/v1/power/{record.pk}/").json()
    assert [one["power_mw"] for one in body["readings"]] == [4000.0, 4200.0]
    figures = {one["attribute"]: one for one in body["figures"]}
    assert figures["laser_power"]["value"] == 4100.0
    assert figures["laser_power"]["uncertainty"] == pytest.approx(100.0)
    assert figures["laser_power"]["series"]
    right = sent(operator, f"/api/v1/power/{record.pk}/correct/", said(laser, meter, (100, 4.1), reason="in µW"))
    assert (right.status_code, right.json()["replaces"], right.json()["reason"]) == (201, record.pk, "in µW")
    old = operator.get(f"/api/v1/power/{record.pk}/").json()
    assert (old["replaced_by"], old["validity"]) == (right.json()["id"], "invalid")
    again = sent(operator, f"/api/v1/power/{record.pk}/correct/", said(laser, meter, (100, 4.2), reason="again"))
    assert (again.status_code, again.json()["code"]) == (409, "state")


def test_a_series_of_power_names_its_light_source_and_setting(operator, laser, meter):
    record = power.recorded(laser, meter, (100, 4.0))
    pk = record.acquisition.measurements.get().series_id
    body = operator.get(f"/api/v1/series/{pk}/").json()["series"]
    assert (body["optical_path"], body["light_source"], body["setting_percent"]) == (None, laser.pk, 100.0)
