"""A table of power readings is read as it is documented, and every wrong line is named with what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from common.errors import InputError
from metrology.services.power_table import PowerRow, Session, check_session, sessions_of, table_text
from tests.factories import catalogue, power

pytestmark = pytest.mark.django_db

HEAD = "light_source,read_at,setting_percent,power_mw\n"


@pytest.fixture
def instrument():
    made = catalogue.instrument()
    power.laser(made)
    power.laser(made, "Laser B", 561.0)
    return made


def problems(text, instrument):
    with pytest.raises(InputError) as refused:
        sessions_of(text, instrument)
    return {one["line"]: one["problem"] for one in refused.value.details["lines"]}


def test_lines_of_one_source_on_one_day_make_one_session(instrument):
    text = HEAD + (
        "488 nm,2026-03-02T09:31,10,0.42\n561,2026-03-02,10,1.5\n\n488NM,2026-03-02T09:30,50,2.1\n488,2026-03-03,50,2.0\n"
    )
    first, second, third = sessions_of(text, instrument)
    assert (first.light_source.name, second.light_source.name) == ("488 nm", "Laser B")
    assert first.read_at == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    assert [(row.setting_percent, row.power_mw, row.line) for row in first.rows] == [(10.0, 0.42, 2), (50.0, 2.1, 5)]
    assert third.read_at == datetime(2026, 3, 3, tzinfo=UTC)


def test_columns_stand_in_any_order_and_semicolons_allow_decimal_commas(instrument):
    text = "Power_mW;setting_percent;read_at;light_source\n0,42;12,5;2026-03-02T10:00+01:00;488 nm\n"
    (session,) = sessions_of(text, instrument)
    assert session.rows[0].power_mw == 0.42
    assert session.rows[0].setting_percent == 12.5
    assert session.read_at == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_line_may_name_its_meter_and_makes_a_session_of_that_meter(instrument):
    meter = power.meter(instrument.facility, name="PM 100")
    lines = "488 nm,2026-03-02,10,0.4,pm100\n488 nm,2026-03-02,10,0.5,\n488 nm,2026-03-02,50,2.0,'PM 100\n"
    named, unnamed = sessions_of(HEAD.replace("\n", ",meter\n") + lines, instrument)
    assert (named.meter, [row.line for row in named.rows]) == (meter, [2, 4])
    assert (unnamed.meter, [row.line for row in unnamed.rows]) == (None, [3])


def test_a_meter_of_another_facility_is_not_known(instrument):
    power.meter(catalogue.facility(), name="PM 200")
    power.meter(instrument.facility, name="PM 100")
    found = problems(HEAD.replace("\n", ",meter\n") + "488 nm,2026-03-02,10,0.4,PM 200\n", instrument)
    assert found == {2: "There is no power meter 'PM 200'; write the name of one of: PM 100."}


def test_every_wrong_line_is_named_with_what_to_do(instrument):
    text = HEAD + (
        "405,2026-03-02,10,0.4\n488 nm,soon,10,0.4\n488 nm,2026-03-02,ten,0.4\n488 nm,2026-03-02,110,0.4\n"
        "488 nm,2026-03-02,10,-1\n488 nm,2999-01-01,10,1\n488 nm,2026-03-02,10\n488 nm,2026-03-02,10,nan\n"
        "488 nm,2026-03-02,10,0.4\n488 nm,2026-03-02,10,1e9\n"
    )
    found = problems(text, instrument)
    assert sorted(found) == [2, 3, 4, 5, 6, 7, 8, 9, 11]
    assert "'405'; write the name of one of: 488 nm, Laser B" in found[2]
    assert "2026-03-02" in found[3]
    assert "'ten' is not a number" in found[4]
    assert "not between 0 and 100" in found[5]
    assert "zero the meter" in found[6]
    assert "future" in found[7]
    assert "write all of them" in found[8]
    assert "in mW" in found[11]


def test_a_name_that_means_two_sources_is_not_guessed(instrument):
    power.laser(instrument, "Laser C", 561.0)
    assert "More than one light source is called '561'" in problems(HEAD + "561,2026-03-02,1,1\n", instrument)[2]
    assert len(sessions_of(HEAD + "laser c,2026-03-02,1,1\n", instrument)) == 1


def test_a_wavelength_does_not_mean_a_source_that_was_removed(instrument):
    power.laser(instrument, "Laser 561 of before", 561.0, removed_on="2020-01-01")
    (session,) = sessions_of(HEAD + "561,2026-03-02,1,1\n", instrument)
    assert session.light_source.name == "Laser B"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        (HEAD, "has no reading"),
        ("light_source,read_at,power_mw\n", "lacks setting_percent"),
        (HEAD.replace("power_mw", "power_uw"), "has 'power_uw'"),
        ("light_source,read_at,setting_percent,power_mw,power_mw\n1,1,1,1,1\n", "names a column twice"),
        (HEAD + '"488 nm,2026-03-02,1,1\n', "cannot be read"),
    ],
)
def test_a_table_of_another_form_says_what_its_form_is(instrument, text, words):
    with pytest.raises(InputError, match=words):
        sessions_of(text, instrument)


@pytest.mark.parametrize(
    ("content", "words"), [(b" \n", "empty"), (b"\xff\xfe\x00", "UTF-8"), (b"a" * 1_000_001, "larger than 1 MB")]
)
def test_what_is_no_table_is_refused(content, words):
    with pytest.raises(InputError, match=words):
        table_text(content)


def test_the_mark_that_a_spreadsheet_writes_first_is_left_out():
    assert table_text("\ufeffa,b".encode()) == "a,b"


def session(*rows):
    return Session(None, catalogue.START, rows)


def test_typed_readings_are_checked_by_their_line():
    with pytest.raises(InputError, match="1 of 2 lines") as refused:
        check_session(session(PowerRow(10, 1), PowerRow(-1, 1)))
    assert refused.value.details["lines"][0]["line"] == 2
    with pytest.raises(InputError, match="no reading"):
        check_session(session())


@pytest.mark.parametrize("days", [-2, 2, 365_000])
def test_a_reading_that_is_not_of_its_session_is_refused_by_its_line(days):
    near = PowerRow(10, 1, catalogue.START + timedelta(hours=5))
    check_session(session(near))
    with pytest.raises(InputError, match="more than a day away") as refused:
        check_session(session(near, PowerRow(10, 1, catalogue.START + timedelta(days=days))))
    assert refused.value.details["lines"][0]["line"] == 2


def test_a_reading_of_a_session_of_now_does_not_lie_in_the_future():
    now = datetime.now(UTC)
    late = PowerRow(10, 1, now + timedelta(hours=23))
    with pytest.raises(InputError, match="lies in the future"):
        check_session(Session(None, now, (late,)))


def test_a_decimal_comma_in_a_table_of_commas_is_refused_by_its_line(instrument):
    text = HEAD + "488 nm,2026-03-02,50,0,85\n488 nm,2026-03-02,50,0.85\n488 nm,2026-03-02,100,1,7\n"
    found = problems(text, instrument)
    assert sorted(found) == [2, 4]
    for words in found.values():
        assert "5 cells instead of 4" in words
        assert "semicolon between columns, or a point in numbers" in words


def test_a_date_before_any_meter_was_read_is_refused_by_its_line(instrument):
    lines = ("0001-01-01T00:00+14:00", "1989-12-31", "9999-12-31T23:59-14:00", "1990-01-02")
    found = problems(HEAD + "".join(f"488 nm,{day},50,0.85\n" for day in lines), instrument)
    assert sorted(found) == [2, 3, 4]
    assert "before 1990" in found[2]
    assert "before 1990" in found[3]
    assert "future" in found[4]


def test_the_name_of_a_source_goes_before_the_wavelength_of_another(instrument):
    named = power.laser(instrument, "561 nm", 560.0)
    (session,) = sessions_of(HEAD + "561 nm,2026-03-02,1,1\n", instrument)
    assert session.light_source == named
