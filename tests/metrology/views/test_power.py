"""Pages of power readings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from common import jobs
from common.permissions import Role
from metrology.models import Acquisition, PowerRecord
from metrology.runtime.records import measure
from tests.factories import catalogue, power

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]

TABLE = b"light_source,read_at,setting_percent,power_mw\n488 nm,2026-03-02,50,2.0\n488 nm,2026-03-02,100,4.1\n"


@pytest.fixture
def instrument():
    return catalogue.instrument(name="LSM 780")


@pytest.fixture
def laser(instrument):
    return power.laser(instrument)


@pytest.fixture
def meter(instrument):
    return power.meter(instrument.facility)


@pytest.fixture
def operator(client, instrument):
    client.force_login(catalogue.member(Role.OPERATOR, of=instrument.facility, username="olga"))
    return client


@pytest.fixture
def address(instrument):
    return reverse("metrology:power", args=[instrument.slug])


def typed(laser, meter, *pairs, read_at="2026-03-02T09:30:00"):
    lines = {
        f"{name}_{line}": value
        for line, pair in enumerate(pairs, start=1)
        for name, value in zip(("setting", "power"), pair, strict=True)
    }
    return {"light_source": laser.pk, "meter": meter.pk, "read_at": read_at, **lines}


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(client, address):
    assert client.get(address)["Location"].startswith(reverse("login"))


def test_another_facilitys_readings_are_not_found(client, address, laser, meter):
    record = power.recorded(laser, meter, (100, 4.0))
    client.force_login(catalogue.member(Role.STAFF))
    for one in (address, record.get_absolute_url(), reverse("metrology:power-correct", args=[record.pk])):
        assert client.get(one).status_code == 404


def test_viewers_read_and_may_not_record(client, instrument, address, laser, meter):
    client.force_login(catalogue.member(Role.VIEWER, of=instrument.facility))
    record = power.recorded(laser, meter, (100, 4.0))
    page = client.get(address).content.decode()
    assert "488 nm at 100 %" in page
    assert "<textarea" not in page
    assert "Correct it" not in client.get(record.get_absolute_url()).content.decode()
    refused = client.post(address, typed(laser, meter, (10, 1)))
    assert refused.status_code == 403
    assert "operator" in refused.content.decode()
    table = reverse("metrology:power-table", args=[instrument.slug])
    assert client.post(table, {"meter": meter.pk, "text": TABLE.decode()}).status_code == 403
    assert client.get(reverse("metrology:power-correct", args=[record.pk])).status_code == 403


def test_the_page_of_the_instrument_leads_here_and_says_when_there_is_no_meter(operator, instrument, address):
    assert address in operator.get(instrument.get_absolute_url()).content.decode()
    assert "No power meter yet" in operator.get(address).content.decode()


def test_typed_readings_are_taken_in_and_empty_lines_left_out(operator, address, laser, meter):
    answer = operator.post(address, typed(laser, meter, (10, 0.4), ("", ""), (100, 4.0)), follow=True)
    assert "2 readings of 2026-03-02 09:30 UTC taken in" in answer.content.decode()
    record = PowerRecord.objects.get()
    assert list(record.readings.values_list("setting_percent", "power_mw")) == [(10.0, 0.4), (100.0, 4.0)]
    again = operator.post(address, typed(laser, meter, (10, 0.4), (100, 4.0)), follow=True).content.decode()
    assert "nothing was added" in again
    assert PowerRecord.objects.count() == 1


def test_half_a_line_no_line_and_a_wrong_one_are_said_beside_what_was_typed(operator, address, laser, meter):
    half = operator.post(address, typed(laser, meter, (10, "")))
    assert (half.status_code, "Type the power too" in half.content.decode()) == (400, True)
    none = operator.post(address, typed(laser, meter))
    assert "Type at least one setting" in none.content.decode()
    wrong = operator.post(address, typed(laser, meter, (10, 1), (120, 4))).content.decode()
    assert "Line 2: A setting of 120 % is not between 0 and 100" in wrong
    assert 'value="120' in wrong
    assert not PowerRecord.objects.exists()


def test_a_table_comes_in_as_a_file_or_pasted(operator, instrument, address, laser, meter):
    table = reverse("metrology:power-table", args=[instrument.slug])
    file = SimpleUploadedFile("may.csv", TABLE)
    page = operator.post(table, {"meter": meter.pk, "file": file}, follow=True).content.decode()
    assert "2 readings of 2026-03-02 00:00 UTC taken in" in page
    assert "olga" in page
    pasted = operator.post(table, {"meter": meter.pk, "text": TABLE.decode()}, follow=True).content.decode()
    assert "already here since" in pasted
    assert PowerRecord.objects.get().acquisition.original_name == "may.csv"
    out = operator.get(reverse("metrology:power-csv", args=[instrument.slug]))
    assert out.content.decode().splitlines()[1] == f"488 nm,2026-03-02T00:00:00+00:00,50.0,2.0,{meter}"


def test_wrong_lines_of_a_table_are_listed_and_nothing_is_added(operator, instrument, laser, meter):
    table = reverse("metrology:power-table", args=[instrument.slug])
    text = TABLE.decode() + "405 nm,2026-03-02,1,1\n488 nm,never,1,1\n"
    refused = operator.post(table, {"meter": meter.pk, "text": text})
    page = refused.content.decode()
    assert refused.status_code == 400
    assert "2 of 4 lines cannot be taken" in page
    assert "There is no light source &#x27;405 nm&#x27;" in page
    assert "is not a date" in page
    assert not PowerRecord.objects.exists()


def test_a_record_shows_readings_figures_and_who(operator, laser, meter):
    record = power.recorded(laser, meter, (50, 2.0), (100, 4.0), (100, 4.2), (10, 0.4))
    page = operator.get(record.get_absolute_url()).content.decode()
    for words in ("Laser power", "Power stability", "Power linearity", "4.1", "the command line"):
        assert words in page
    assert record.acquisition.measurements.first().series.get_absolute_url() in page
    moved = operator.get(record.acquisition.get_absolute_url())
    assert moved.url == record.get_absolute_url()


def test_pages_ask_again_only_while_figures_are_worked_out(operator, address, laser, meter):
    operator.post(address, typed(laser, meter, (100, 4.0)))
    record = PowerRecord.objects.get()
    for one in (address, record.get_absolute_url()):
        assert 'hx-trigger="load delay:2s"' in operator.get(one).content.decode()
    jobs.run(Acquisition, record.acquisition_id, measure)
    for one in (address, record.get_absolute_url()):
        page = operator.get(one).content.decode()
        assert "hx-trigger" not in page
        assert "4.000" in page


def test_a_correction_begins_with_what_is_there_and_ends_with_both(operator, laser, meter):
    record = power.recorded(laser, meter, (100, 4100.0))
    address = reverse("metrology:power-correct", args=[record.pk])
    assert "488 nm,2026-01-05T08:00:00+00:00,100.0,4100.0" in operator.get(address).content.decode()
    text = "light_source,read_at,setting_percent,power_mw\n488 nm,2026-01-05T08:00,100,4.1\n"
    two_days = operator.post(address, {"meter": meter.pk, "reason": "µW", "text": text + "488 nm,2026-01-06,100,4.1\n"})
    assert "correct one at a time" in two_days.content.decode()
    done = operator.post(address, {"meter": meter.pk, "reason": "read in µW", "text": text}, follow=True)
    page = done.content.decode()
    assert "Takes the place of" in page
    assert "read in µW" in page
    old = operator.get(record.get_absolute_url()).content.decode()
    assert "Kept, but not charted" in old
    assert "Correct it" not in old
    again = operator.post(address, {"meter": meter.pk, "reason": "again", "text": text.replace("4.1", "4.2")})
    assert again.status_code == 409


def test_many_records_take_as_many_queries_as_few(operator, address, laser, meter, django_assert_max_num_queries):
    for day in range(12):
        power.recorded(laser, meter, (50, 2.0), (100, 4.0), read_at=catalogue.START + timedelta(days=day))
    with django_assert_max_num_queries(18):
        assert operator.get(address).status_code == 200
