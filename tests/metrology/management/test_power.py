"""`manage.py power` takes in tables of power readings."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from metrology.models import PowerRecord
from tests.factories import catalogue, power

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]

TABLE = "light_source,read_at,setting_percent,power_mw\n488 nm,2026-03-02,50,2.0\n"


@pytest.fixture
def laser():
    return power.laser(catalogue.instrument(name="LSM 780"))


@pytest.fixture
def meter(laser):
    return power.meter(laser.instrument.facility)


def run(*paths, meter):
    out, err = io.StringIO(), io.StringIO()
    failed = ""
    try:
        call_command("power", *map(str, paths), instrument="LSM 780", meter=meter.name, stdout=out, stderr=err)
    except CommandError as error:
        failed = str(error)
    return out.getvalue(), err.getvalue(), failed


def test_a_table_comes_in_once(tmp_path, meter):
    table = tmp_path / "may.csv"
    table.write_text(TABLE)
    assert "1 reading of" in run(table, meter=meter)[0]
    out, _, failed = run(table, meter=meter)
    assert "nothing was added" in out
    assert failed == ""
    assert PowerRecord.objects.count() == 1


def test_wrong_lines_are_named_and_the_command_fails(tmp_path, meter):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(TABLE)
    bad.write_text(TABLE + "488 nm,2026-03-02,50,lots\n")
    out, err, failed = run(bad, good, tmp_path / "none.csv", meter=meter)
    assert "line 3: power_mw 'lots' is not a number" in err
    assert "none.csv: The file cannot be read" in err
    assert "good.csv" in out
    assert "2 of 3 tables were refused" in failed


def test_an_unknown_meter_is_said_so(tmp_path, laser):
    with pytest.raises(CommandError, match="There is no standard 'PM400'"):
        call_command("power", str(tmp_path / "a.csv"), instrument=laser.instrument.slug, meter="PM400")
