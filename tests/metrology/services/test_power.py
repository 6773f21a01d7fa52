"""Power readings come in once, whole or not at all, and are corrected by a record of their own."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from common import jobs
from common.errors import AccessError, InputError, InvalidDateError, NotFoundError, StateError
from common.models import JobState
from common.permissions import Role
from metrology.models import Acquisition, Measurement, PowerReading, PowerRecord, Series, StoredFile, Validity
from metrology.runtime.records import measure
from metrology.selectors.power import records_table
from metrology.services.confirm import acquisition_confirm
from metrology.services.given import stated
from metrology.services.power import power_correct, power_import, power_record, reference_setting
from tests.factories import catalogue, power

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]

TABLE = (
    "light_source,read_at,setting_percent,power_mw\n"
    "488 nm,2026-03-02,10,0.4\n488 nm,2026-03-02,50,2.0\n488 nm,2026-03-02,100,4.1\n"
    "561 nm,2026-03-02,100,9.0\n561 nm,2026-03-02,100,9.2\n"
)


@pytest.fixture
def instrument():
    made = catalogue.instrument()
    power.laser(made)
    power.laser(made, "561 nm", 561.0)
    return made


@pytest.fixture
def laser(instrument):
    return instrument.lightsources.get(name="488 nm")


@pytest.fixture
def meter(instrument):
    return power.meter(instrument.facility)


@pytest.fixture
def operator(instrument):
    return catalogue.member(Role.OPERATOR, of=instrument.facility)


def brought(instrument, meter, user, text=TABLE):
    return power_import(text, instrument=instrument, meter=meter, user=user, original_name="power.csv")


def test_a_table_becomes_a_record_for_each_source_and_says_who_brought_it(instrument, meter, operator):
    first, second = brought(instrument, meter, operator)
    assert (first.duplicate, second.duplicate) == (False, False)
    scan = first.record.acquisition
    assert (scan.instrument, scan.standard, scan.uploaded_by, scan.optical_path) == (instrument, meter, operator, None)
    assert str(scan.light_setting) == "488 nm at 100 %"
    assert scan.original_name == "power.csv"
    assert "3 readings" in first.message
    assert list(second.record.readings.values_list("power_mw", flat=True)) == [9.0, 9.2]


def test_the_same_table_again_adds_nothing_and_says_so(instrument, meter, operator):
    brought(instrument, meter, operator)
    again = brought(instrument, meter, operator)
    assert [one.duplicate for one in again] == [True, True]
    assert "already here since" in again[0].message
    assert (PowerRecord.objects.count(), PowerReading.objects.count(), Acquisition.objects.count()) == (2, 5, 2)


def test_what_was_given_out_as_a_table_adds_nothing_when_it_comes_back(instrument, meter, operator):
    brought(instrument, meter, operator)
    table = records_table(PowerRecord.objects.order_by("pk"))
    assert all(one.duplicate for one in brought(instrument, meter, operator, table))


def test_readings_of_two_meters_given_out_as_one_table_add_nothing_and_come_in_elsewhere_by_their_meters(
    instrument, meter, operator
):
    other = power.meter(instrument.facility, name="=another")
    brought(instrument, meter, operator)
    brought(instrument, other, operator)
    table = records_table(PowerRecord.objects.order_by("pk"))
    assert table.splitlines()[0].endswith(",meter")
    assert all(one.duplicate for one in brought(instrument, meter, operator, table))
    PowerRecord.objects.all().delete()
    Acquisition.objects.all().delete()
    assert {one.record.acquisition.standard for one in brought(instrument, meter, operator, table)} == {meter, other}
    assert records_table(PowerRecord.objects.order_by("pk")) == table


def test_one_wrong_line_and_nothing_is_written(instrument, meter, operator):
    with pytest.raises(InputError) as refused:
        brought(instrument, meter, operator, TABLE + "561 nm,2026-03-03,100,lots\n")
    assert refused.value.details["lines"] == [
        {"line": 7, "problem": "power_mw 'lots' is not a number; write for example 0.85."}
    ]
    assert not PowerRecord.objects.exists()
    assert not Acquisition.objects.exists()


def test_other_readings_of_the_same_moment_are_refused_by_their_line(instrument, meter, operator):
    brought(instrument, meter, operator)
    new_day = "561 nm,2026-03-09,100,8.0\n"
    with pytest.raises(InputError, match="correct record") as refused:
        brought(instrument, meter, operator, TABLE + new_day + "488 nm,2026-03-02,100,4.2\n")
    assert refused.value.details["lines"][0]["line"] == 2
    assert PowerRecord.objects.count() == 2


def test_a_longer_table_adds_only_its_new_days(instrument, meter, operator):
    brought(instrument, meter, operator)
    longer = brought(instrument, meter, operator, TABLE + "488 nm,2026-03-09,100,4.0\n")
    assert [one.duplicate for one in longer] == [True, True, False]
    assert PowerRecord.objects.count() == 3


def test_a_session_is_charted_at_the_setting_read_most_often_the_highest_of_several():
    assert reference_setting(power.rows((10, 1), (20, 2), (20, 2), (100, 9))) == 20
    assert reference_setting(power.rows((10, 1), (100, 9), (50, 5))) == 100


def test_only_operators_of_the_facility_may(instrument, laser, meter):
    said = {"light_source": laser, "meter": meter, "read_at": catalogue.START, "rows": power.rows((10, 1))}
    with pytest.raises(AccessError):
        power_record(user=catalogue.member(Role.VIEWER, of=instrument.facility), **said)
    with pytest.raises(NotFoundError):
        power_record(user=catalogue.member(Role.STAFF), **said)
    with pytest.raises(NotFoundError):
        power_record(user=None, **said | {"meter": power.meter(catalogue.facility())})
    assert not PowerRecord.objects.exists()


def test_a_standard_that_is_no_meter_and_a_date_in_the_future_are_refused(laser, meter):
    said = {
        "light_source": laser,
        "meter": meter,
        "read_at": catalogue.START,
        "rows": power.rows((10, 1)),
        "user": None,
    }
    slide = power.meter(laser.instrument.facility, name="a slide")
    slide.kind = "slide"
    slide.save()
    with pytest.raises(InputError, match="not a power meter"):
        power_record(**said | {"meter": slide})
    with pytest.raises(InvalidDateError):
        power_record(**said | {"read_at": catalogue.START + timedelta(days=10_000)})


def test_a_power_meter_is_not_imaged_and_readings_are_not_confirmed_like_a_scan(instrument, laser, meter, operator):
    with pytest.raises(InputError, match="not imaged"):
        stated({"standard": meter}, instrument.facility)
    record = power.recorded(laser, meter, (10, 1))
    with pytest.raises(StateError, match="readings of a power meter"):
        acquisition_confirm(record.acquisition, user=operator, label="another")


def corrected(record, meter, user, *pairs, reason="read in µW", **fields):
    said = {
        "light_source": record.acquisition.light_setting.light_source,
        "meter": meter,
        "read_at": record.acquisition.acquired_at,
        "rows": power.rows(*pairs),
    }
    return power_correct(record, user=user, reason=reason, **said | fields)


def test_a_correction_takes_the_place_and_the_earlier_record_is_kept(laser, meter, operator):
    wrong = power.recorded(laser, meter, (100, 4100.0))
    right = corrected(wrong, meter, operator, (100, 4.1))
    jobs.run(Acquisition, right.acquisition_id, measure)
    again = power_record(
        light_source=laser, meter=meter, read_at=catalogue.START, rows=power.rows((100, 4100.0)), user=operator
    )
    assert (again.duplicate, "and corrected; nothing was added" in again.message) == (True, True)
    wrong, scan = PowerRecord.objects.get(pk=wrong.pk), Acquisition.objects.get(pk=wrong.acquisition_id)
    assert (wrong.replaced_by, right.reason) == (right, "read in µW")
    assert scan.validity == Validity.INVALID
    assert f"by record {right.pk}" in scan.validity_reason
    assert wrong.readings.get().power_mw == 4100.0
    assert sorted(Measurement.objects.values_list("value", flat=True)) == [4.1, 4100.0]
    assert Series.objects.count() == 1
    jobs.requeue(scan)
    jobs.run(Acquisition, scan.pk, measure)
    scan.refresh_from_db()
    assert (scan.state, scan.validity) == (JobState.DONE, Validity.INVALID)


def test_a_correction_is_refused_twice_without_reason_or_without_a_difference(laser, meter, operator):
    wrong = power.recorded(laser, meter, (100, 4.0))
    with pytest.raises(InputError, match="reason"):
        corrected(wrong, meter, operator, (100, 4.1), reason=" ")
    with pytest.raises(InputError, match="nothing was changed"):
        corrected(wrong, meter, operator, (100, 4.0))
    other = power.laser(catalogue.instrument(laser.instrument.facility))
    with pytest.raises(InputError, match="is not of"):
        corrected(wrong, meter, operator, (100, 4.1), light_source=other)
    with pytest.raises(AccessError):
        corrected(wrong, meter, catalogue.member(Role.VIEWER, of=laser.instrument.facility), (100, 4.1))
    corrected(wrong, meter, operator, (100, 4.1))
    with pytest.raises(StateError, match="corrected before"):
        corrected(wrong, meter, operator, (100, 4.2))
    waiting = PowerRecord.objects.get(replaces=wrong)
    with pytest.raises(StateError, match="measured right now"):
        corrected(waiting, meter, operator, (100, 4.3))
    assert PowerRecord.objects.count() == 2


MORNING = (
    "light_source,read_at,setting_percent,power_mw\n"
    "488 nm,2026-03-02T09:30,100,4.1\n488 nm,2026-03-02T09:31,100,4.2\n488 nm,2026-03-02T09:32,100,4.3\n"
)


@pytest.mark.parametrize("line", ["09:29,100,4.0", "09:33,100,4.0", "09:31,50,2.0", "09:31,100,4.2"])
def test_a_table_that_holds_a_session_and_more_is_refused_so_that_nothing_is_doubled(instrument, meter, operator, line):
    brought(instrument, meter, operator, MORNING)
    there = PowerRecord.objects.get()
    with pytest.raises(InputError, match=f"correct record {there.pk} instead"):
        brought(instrument, meter, operator, f"{MORNING}488 nm,2026-03-02T{line}\n")
    assert (PowerRecord.objects.count(), PowerReading.objects.count()) == (1, 3)


@pytest.mark.parametrize("left_out", [1, 2, 3])
def test_a_part_of_a_session_that_is_here_adds_nothing(instrument, meter, operator, left_out):
    brought(instrument, meter, operator, MORNING)
    lines = MORNING.splitlines(keepends=True)
    (again,) = brought(instrument, meter, operator, "".join(lines[:left_out] + lines[left_out + 1 :]))
    assert (again.duplicate, again.record) == (True, PowerRecord.objects.get())
    assert PowerReading.objects.count() == 3


def test_two_sessions_of_a_day_given_out_as_one_table_add_nothing_when_it_comes_back(instrument, meter, operator):
    brought(instrument, meter, operator, MORNING)
    (later,) = brought(instrument, meter, operator, MORNING.replace("T09", "T15"))
    assert later.duplicate is False
    (again,) = brought(instrument, meter, operator, records_table(PowerRecord.objects.order_by("-pk")))
    assert again.duplicate
    assert PowerReading.objects.count() == 6


def test_a_reading_that_another_meter_showed_too_is_another_reading(instrument, meter, operator):
    brought(instrument, meter, operator, MORNING)
    (other,) = brought(instrument, power.meter(instrument.facility, name="another"), operator, MORNING)
    assert other.duplicate is False


def test_readings_of_the_moment_that_a_record_had_before_its_correction_are_taken_in(laser, meter, operator):
    wrong = power.recorded(laser, meter, (100, 4.0))
    corrected(wrong, meter, operator, (100, 4.0), read_at=catalogue.START + timedelta(days=2))
    new = power.recorded(laser, meter, (100, 4.4))
    assert new.readings.get().power_mw == 4.4


def test_a_correction_is_undone_by_another_and_that_by_a_third(laser, meter, operator):
    first = power.recorded(laser, meter, (100, 4.0))
    for value in (4.5, 4.0, 4.5):
        (last,) = PowerRecord.objects.filter(replaced_by=None)
        made = corrected(last, meter, operator, (100, value), reason="looked it up again")
        assert (made.replaces, made.readings.get().power_mw) == (last, value)
        jobs.run(Acquisition, made.acquisition_id, measure)
    assert Acquisition.objects.get(pk=made.acquisition_id).validity == Validity.VALID
    again = power_record(
        light_source=laser, meter=meter, read_at=catalogue.START, rows=power.rows((100, 4.5)), user=operator
    )
    assert (again.duplicate, again.record) == (True, made)
    assert PowerRecord.objects.count() == 4
    assert not PowerRecord.objects.filter(pk=first.pk, replaced_by=None).exists()


def test_a_correction_may_leave_a_reading_out(laser, meter, operator):
    wrong = power.recorded(laser, meter, (100, 4.0), (100, 4000.0))
    assert corrected(wrong, meter, operator, (100, 4.0)).readings.count() == 1


def test_a_refused_table_leaves_no_file(instrument, meter, operator, media_root):
    def kept():
        return StoredFile.objects.count(), sum(one.is_file() for one in media_root.rglob("*"))

    brought(instrument, meter, operator, MORNING)
    before = kept()
    with pytest.raises(InputError):
        brought(instrument, meter, operator, MORNING + "488 nm,2026-03-02T09:33,100,4.4\n561 nm,2026-03-02,50,1\n")
    brought(instrument, meter, operator, MORNING)
    assert kept() == before


def test_readings_dated_before_1990_are_refused(laser, meter, operator):
    said = {"light_source": laser, "meter": meter, "rows": power.rows((10, 1)), "user": operator}
    with pytest.raises(InputError, match="before 1990"):
        power_record(read_at=catalogue.START.replace(year=1989), **said)
    record = power.recorded(laser, meter, (10, 1))
    with pytest.raises(InputError, match="before 1990"):
        corrected(record, meter, operator, (10, 2), read_at=catalogue.START.replace(year=1))


@pytest.mark.django_db(transaction=True)
def test_two_people_who_bring_the_same_table_at_once_make_one_record_of_each_session(instrument, meter):
    start, taken = threading.Barrier(2), []

    def bring():
        start.wait(10)
        taken.extend(one.duplicate for one in brought(instrument, meter, None))
        connection.close()

    people = [threading.Thread(target=bring) for _ in range(2)]
    for one in people:
        one.start()
    for one in people:
        one.join(30)
    assert sorted(taken) == [False, False, True, True]
    assert (PowerRecord.objects.count(), PowerReading.objects.count()) == (2, 5)
