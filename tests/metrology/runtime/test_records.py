"""The worker turns power readings into figures that are charted, judged by limits, and flagged like all others."""

from __future__ import annotations

import io
from datetime import timedelta

import numpy as np
import pytest

from common import jobs
from common.errors import InputError
from common.permissions import Role
from metrology.models import Acquisition, Baseline, Flag, Measurement, Protocol, Series, Validity
from metrology.runtime.assessing import assess_instrument
from metrology.runtime.records import measure
from metrology.selectors.flags import flag_get
from metrology.services.flag_steps import flag_confirm
from metrology.services.ingest import acquisition_ingest
from metrology.services.limits import LimitValues, limits_set
from metrology.services.protocols import protocol_open
from tests.factories import acquisitions, catalogue, power

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]


@pytest.fixture
def laser():
    return power.laser(catalogue.instrument())


@pytest.fixture
def meter(laser):
    return power.meter(laser.instrument.facility)


def figures(record):
    return {one.series.attribute_id: one for one in record.acquisition.measurements.select_related("series")}


def test_the_figures_are_those_of_the_definitions(laser, meter):
    record = power.recorded(laser, meter, (10, 0.5), (50, 2.5), (100, 4.9), (100, 5.1), (100, 5.0))
    found = figures(record)
    assert found["laser_power"].value == pytest.approx(5.0)
    assert found["laser_power"].uncertainty == pytest.approx(np.std([4.9, 5.1, 5.0], ddof=1) / np.sqrt(3))
    assert found["laser_power"].n == 3
    assert found["power_stability"].value == pytest.approx(1 - 0.2 / 10.0)
    expected = np.corrcoef([10, 50, 100, 100, 100], [0.5, 2.5, 4.9, 5.1, 5.0])[0, 1] ** 2
    assert found["power_linearity"].value == pytest.approx(expected)
    assert record.acquisition.validity == Validity.VALID
    assert {one.series.light_setting.setting_percent for one in found.values()} == {100.0}
    assert {one.series.standard for one in found.values()} == {meter}


def test_figures_for_which_there_are_too_few_readings_are_not_asked_for(laser, meter):
    assert set(figures(power.recorded(laser, meter, (100, 5.0)))) == {"laser_power"}
    later = catalogue.START + timedelta(days=7)
    assert set(figures(power.recorded(laser, meter, (10, 0.5), (100, 5.0), read_at=later))) == {"laser_power"}


def test_a_laser_that_is_off_says_what_could_not_be_had_and_why(laser, meter):
    record = power.recorded(laser, meter, (10, 0.0), (50, 0.0), (100, 0.0), (100, 0.0))
    assert figures(record)["laser_power"].value == 0.0
    failures = {one.attribute_id: one.message for one in record.acquisition.failures.all()}
    assert "laser is on" in failures["power_stability"]
    assert set(failures) == {"power_stability", "power_linearity"}


def test_another_setting_meter_or_laser_makes_charts_of_its_own(laser, meter):
    power.recorded(laser, meter, (100, 5.0))
    power.recorded(laser, meter, (50, 2.5), read_at=catalogue.START + timedelta(days=1))
    power.recorded(laser, power.meter(meter.facility, name="another"), (100, 4.0))
    power.recorded(power.laser(laser.instrument, "561 nm", 561.0), meter, (100, 9.0))
    assert Series.objects.filter(attribute_id="laser_power").count() == 4
    power.recorded(laser, meter, (100, 5.1), read_at=catalogue.START + timedelta(days=2))
    assert Series.objects.filter(attribute_id="laser_power").count() == 4


@pytest.mark.parametrize("setting", [10.0005, 2.0005, 0.0015, 33.3335])
def test_a_setting_with_a_half_in_its_fourth_decimal_has_a_power(laser, meter, setting):
    record = power.recorded(laser, meter, (setting, 0.5), (setting, 0.7))
    assert figures(record)["laser_power"].value == pytest.approx(0.6)
    assert figures(record)["laser_power"].n == 2


def weekly(laser, meter, powers):
    for week, value in enumerate(powers):
        at = catalogue.START + timedelta(weeks=week)
        power.recorded(laser, meter, (100, value), (100, value * 1.001), read_at=at)
    laser.instrument.refresh_from_db()
    assess_instrument(laser.instrument.pk)


def test_a_falling_laser_leaves_its_baseline_and_is_flagged(laser, meter):
    rng = np.random.default_rng(3)
    steady = 5.0 * (1 + 0.004 * rng.standard_normal(25))
    weekly(laser, meter, [*steady, *(4.0 * (1 + 0.004 * rng.standard_normal(4)))])
    series = Series.objects.get(attribute_id="laser_power")
    assert Baseline.objects.filter(series=series).exists()
    flag = Flag.objects.get()
    assert flag.signals.filter(series=series).exists()
    assert flag.hypotheses[0]["cause"] == "the light source or how it is coupled in"
    assert "488 nm at 100 %" in " ".join(flag.instrument.health.reasons)


def test_a_new_setting_of_a_laser_goes_on_beside_the_one_that_was_charted_before(laser, meter):
    power.recorded(laser, meter, (50, 2.5))
    power.recorded(laser, meter, (100, 5.0), read_at=catalogue.START + timedelta(days=1))
    assert set(Series.objects.values_list("light_setting__setting_percent", "retired_at")) == {
        (50.0, None),
        (100.0, None),
    }


def test_limits_that_staff_set_are_held_against_power(laser, meter):
    weekly(laser, meter, [5.0, 5.01, 4.99])
    series = Series.objects.get(attribute_id="laser_power")
    staff = catalogue.member(Role.STAFF, of=laser.instrument.facility)
    limits_set(user=staff, series=series, values=LimitValues(action_low=4.5))
    later = catalogue.START + timedelta(weeks=20)
    series.instrument.limits.update(valid_from=catalogue.START)
    power.recorded(laser, meter, (100, 4.0), (100, 4.01), read_at=later)
    assess_instrument(laser.instrument.pk)
    assert Flag.objects.get().signals.get().kind == "action"


def test_a_flag_of_a_laser_is_repeated_by_readings_of_the_same_laser_only(laser, meter):
    weekly(laser, meter, [5.0, 5.01, 4.99])
    series = Series.objects.get(attribute_id="laser_power")
    staff = catalogue.member(Role.STAFF, of=laser.instrument.facility)
    limits_set(user=staff, series=series, values=LimitValues(action_low=4.5))
    series.instrument.limits.update(valid_from=catalogue.START)
    power.recorded(laser, meter, (100, 4.0), read_at=catalogue.START + timedelta(weeks=20))
    assess_instrument(laser.instrument.pk)
    flag = Flag.objects.get()
    other = power.laser(laser.instrument, "561 nm", 561.0)
    at = catalogue.START + timedelta(weeks=21)
    no_repeat = power.recorded(other, meter, (100, 9.0), read_at=at).acquisition
    repeat = power.recorded(laser, meter, (100, 4.0), read_at=at).acquisition
    assert flag_get(laser.instrument.facility, flag.pk).repeats == (repeat,)
    with pytest.raises(InputError, match="does not repeat"):
        flag_confirm(user=staff, flag_id=flag.pk, repeat_id=no_repeat.pk)
    assert flag_confirm(user=staff, flag_id=flag.pk, repeat_id=repeat.pk).state == "confirmed"


def test_a_corrected_reading_is_no_point_of_the_chart(laser, meter):
    weekly(laser, meter, [5.0, 5.01, 4.99])
    wrong = power.recorded(laser, meter, (100, 4990.0), read_at=catalogue.START + timedelta(weeks=5))
    Acquisition.objects.filter(pk=wrong.acquisition_id).update(validity=Validity.INVALID, validity_reason="Corrected.")
    assess_instrument(laser.instrument.pk)
    result = Series.objects.get(attribute_id="laser_power").assessment.result
    assert len(result["points"]) == 3
    assert result["invalid"][0]["reason"] == "Corrected."


def test_a_new_protocol_version_measures_the_readings_again_into_series_of_its_own(laser, meter):
    record = power.recorded(laser, meter, (100, 5.0))
    staff = catalogue.member(Role.STAFF, of=laser.instrument.facility)
    protocol_open(
        user=staff, standard_kind="power_meter", optical_path=None, required_settings=[], valid_from=catalogue.START
    )
    scan = Acquisition.objects.get(pk=record.acquisition_id)
    assert scan.is_active
    jobs.run(Acquisition, scan.pk, measure)
    assert Measurement.objects.count() == 2
    assert Protocol.objects.get(version=2).series.get().measurements.get().value == 5.0
    assert Series.objects.get(protocol__version=1).retired_at is not None


def test_an_image_is_still_measured_as_one():
    path = catalogue.optical_path()
    content = acquisitions.ome_tiff(instrument=path.instrument)
    scan = acquisition_ingest(
        facility=path.instrument.facility, source=io.BytesIO(content), original_name="scan.tif"
    ).acquisition
    assert jobs.run(Acquisition, scan.pk, measure)
    scan.refresh_from_db()
    assert scan.size_x
    assert {one["attribute_id"] for one in scan.readings} >= {"mean", "noise"}
