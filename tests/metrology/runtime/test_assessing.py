"""An instrument is judged by all its series: flags rise and fall in the order of time, whatever order scans came in."""

from __future__ import annotations

import itertools
from datetime import timedelta

import numpy as np
import pytest

from instruments.models import ServiceEvent
from metrology.attributes.registry import ATTRIBUTES
from metrology.models import (
    Acquisition,
    Assessment,
    Baseline,
    Flag,
    FlagSignal,
    FlagState,
    Health,
    Limits,
    Measurement,
    Protocol,
    Series,
    Standard,
    StoredFile,
    Validity,
)
from metrology.runtime.assessing import assess_instrument, blaming_kinds, design_for
from tests.factories import catalogue

pytestmark = pytest.mark.django_db
_sha = itertools.count(1)


@pytest.fixture
def path():
    return catalogue.optical_path()


def series_of(path, attribute_id="sharpness", *, kind="marbles", channel=0):
    facility = path.instrument.facility
    standard, _ = Standard.objects.get_or_create(facility=facility, name=kind, kind=kind)
    protocol, _ = Protocol.objects.get_or_create(facility=facility, standard_kind=kind, version=1)
    return Series.objects.create(
        instrument=path.instrument, optical_path=path, standard=standard, protocol=protocol,
        attribute_id=attribute_id, channel=channel, algorithm_version=1,
    )  # fmt: skip


def scan(series, week, value, *, validity=Validity.VALID, state="done", uncertainty=None):
    stored = StoredFile.objects.create(sha256=f"{next(_sha):064x}", size_bytes=1)
    row = Acquisition.objects.create(
        facility=series.instrument.facility, stored_file=stored, original_name=f"w{week}.tif", state=state,
        instrument=series.instrument, optical_path=series.optical_path, standard=series.standard, protocol=series.protocol,
        acquired_at=catalogue.START + timedelta(weeks=week), validity=validity,
    )  # fmt: skip
    Measurement.objects.create(series=series, acquisition=row, value=value, uncertainty=uncertainty)
    return row


def history(series, values, order=None):
    for week in order if order is not None else range(len(values)):
        scan(series, int(week), float(values[week]))


def steady(n, seed=1):
    return 20 * np.exp(np.random.default_rng(seed).normal(0, 0.02, n))


def fallen(n=50, at=35, to=0.7):
    values = steady(n)
    values[at:] *= to
    return values


def judge(instrument_id):
    """Judge after a change, as the services note it."""
    Health.objects.update_or_create(instrument_id=instrument_id, defaults={"needs_assessment": True})
    return assess_instrument(instrument_id)


def weeks_since_start(moment):
    return (moment - catalogue.START).total_seconds() / (7 * 86_400)


def test_a_steady_instrument_is_in_control_and_not_flagged(path):
    history(series_of(path), steady(40))
    assert judge(path.instrument_id)
    assert Health.objects.get().verdict == "in_control"
    assert not Flag.objects.exists()
    assert Assessment.objects.get().status == "in_control"
    assert list(Baseline.objects.values_list("n", "stage")) == [(10, "provisional"), (20, "provisional"), (30, "firm")]


def test_a_fall_towards_harm_is_flagged_at_its_second_scan_and_dated_at_its_first(path):
    history(series_of(path), fallen())
    judge(path.instrument_id)
    flag = Flag.objects.get()
    assert weeks_since_start(flag.raised_at) == 36
    assert abs(weeks_since_start(flag.since) - 35) <= 1
    assert flag.state == FlagState.OPEN
    assert Health.objects.get().verdict == "degraded"
    assert flag.transitions.count() == 1


def test_a_rise_away_from_harm_is_not_flagged(path):
    history(series_of(path), fallen(to=1.4))
    judge(path.instrument_id)
    assert not Flag.objects.exists()


@pytest.mark.parametrize(("to", "flags"), [(1.4, 1), (0.7, 0)])
def test_read_noise_in_the_dark_is_flagged_where_it_rises_and_not_where_it_falls(path, to, flags):
    history(series_of(path, "read_noise", kind="dark"), fallen(to=to))
    judge(path.instrument_id)
    assert Flag.objects.count() == flags


def test_scans_that_come_in_any_order_give_the_same_flag(path):
    history(series_of(path), fallen(), order=np.random.default_rng(3).permutation(50))
    judge(path.instrument_id)
    assert weeks_since_start(Flag.objects.get().raised_at) == 36


def test_judging_again_changes_nothing(path):
    history(series_of(path), fallen())
    judge(path.instrument_id)
    before = list(Flag.objects.values()), Baseline.objects.count(), Flag.objects.get().signals.count()
    judge(path.instrument_id)
    assert (list(Flag.objects.values()), Baseline.objects.count(), Flag.objects.get().signals.count()) == before


def service(path, week, kind="realignment"):
    at = catalogue.START + timedelta(weeks=week)
    return ServiceEvent.objects.create(instrument=path.instrument, kind=kind, started_at=at, ended_at=at)


def test_a_service_resolves_the_flag_and_opens_a_baseline_and_an_inspection_does_not(path):
    values = fallen()
    values[42:] = 1.3 * steady(8, seed=2)  # after the service it is another instrument
    history(series_of(path), values)
    service(path, 39.5, kind="inspection")
    event = service(path, 41.5)
    judge(path.instrument_id)
    flag = Flag.objects.get()
    assert (flag.state, flag.resolved_by, flag.closed_at) == (FlagState.RESOLVED, event, event.ended_at)
    epochs = Assessment.objects.get().result["epochs"]
    assert [epoch["service_event"] for epoch in epochs] == [None, event.pk]
    assert Health.objects.get().verdict in {"in_control", "no_data"}


def test_a_service_before_the_flag_does_not_resolve_it(path):
    history(series_of(path), fallen())
    service(path, 5.5, kind="detector")
    judge(path.instrument_id)
    assert Flag.objects.get().state == FlagState.OPEN


def test_signals_of_many_series_join_one_flag(path):
    for attribute_id in ("sharpness", "brenner", "mean"):
        history(series_of(path, attribute_id), fallen())
    judge(path.instrument_id)
    flag = Flag.objects.get()
    assert set(flag.signals.values_list("series__attribute_id", flat=True)) == {"sharpness", "brenner", "mean"}


def test_a_dismissed_flag_is_not_raised_again_by_the_same_excursion(path):
    history(series_of(path), fallen())
    judge(path.instrument_id)
    Flag.objects.update(state=FlagState.DISMISSED, closed_at=catalogue.START + timedelta(weeks=60))
    scan(Series.objects.get(), 50, 14.0)
    judge(path.instrument_id)
    assert Flag.objects.count() == 1


def test_an_invalid_scan_is_kept_and_greyed_and_judges_nothing(path):
    one = series_of(path)
    history(one, steady(30))
    for week in (30, 31):
        scan(one, week, 2.0, validity=Validity.INVALID)
    judge(path.instrument_id)
    result = Assessment.objects.get().result
    assert (len(result["points"]), len(result["invalid"])) == (30, 2)
    assert not Flag.objects.exists()


def test_values_of_a_scan_that_was_assigned_elsewhere_since_are_left_out(path):
    one = series_of(path)
    history(one, steady(30))
    other = catalogue.optical_path(catalogue.instrument(path.instrument.facility))
    Acquisition.objects.filter(original_name="w7.tif").update(instrument=other.instrument, optical_path=other)
    judge(path.instrument_id)
    assert len(Assessment.objects.get().result["points"]) == 29


def test_an_instrument_is_not_judged_while_a_scan_waits_that_may_be_of_it(path):
    one = series_of(path)
    history(one, steady(30))
    waiting = scan(one, 31, 20.0, state="queued")
    assert not judge(path.instrument_id)
    Acquisition.objects.filter(pk=waiting.pk).update(instrument=None)
    assert not judge(path.instrument_id)
    Acquisition.objects.filter(pk=waiting.pk).update(state="failed")
    assert judge(path.instrument_id)


def test_an_instrument_of_which_nothing_has_changed_is_not_judged_again(path):
    history(series_of(path), steady(30))
    assert judge(path.instrument_id)
    judged_at = Health.objects.get().assessed_at
    assert not assess_instrument(path.instrument_id)
    assert Health.objects.get().assessed_at == judged_at


def test_a_series_whose_scans_all_turned_out_to_be_of_something_else_is_judged_no_more(path):
    history(series_of(path), fallen())
    judge(path.instrument_id)
    assert Assessment.objects.exists()
    other = Standard.objects.create(facility=path.instrument.facility, name="other", kind="marbles")
    Acquisition.objects.update(standard=other)
    judge(path.instrument_id)
    assert not Assessment.objects.exists()
    assert Health.objects.get().reasons == []


def test_another_reference_opens_an_epoch(path):
    series = series_of(path, "ssim")
    values = np.concatenate([np.full(20, 0.9), np.full(20, 0.6)]) + np.random.default_rng(3).normal(0, 0.002, 40)
    history(series, values)
    first, second = Acquisition.objects.order_by("acquired_at")[:2]
    Measurement.objects.filter(acquisition__acquired_at__lt=catalogue.START + timedelta(weeks=20)).update(
        reference=first
    )
    Measurement.objects.filter(acquisition__acquired_at__gte=catalogue.START + timedelta(weeks=20)).update(
        reference=second
    )
    judge(path.instrument_id)
    epochs = Assessment.objects.get().result["epochs"]
    assert [epoch["opened_by"] for epoch in epochs] == ["first scan", "another reference"]
    assert not Flag.objects.exists()


def test_a_retired_series_is_charted_but_raises_no_flag(path):
    series = series_of(path)
    history(series, fallen())
    Series.objects.update(retired_at=catalogue.START)
    judge(path.instrument_id)
    assert Assessment.objects.get().status == "degraded"
    assert not Flag.objects.exists()
    assert Health.objects.get().verdict == "no_data"


def limit(path, week, **fields):
    Limits.objects.create(
        facility=path.instrument.facility,
        attribute_id="sharpness",
        valid_from=catalogue.START + timedelta(weeks=week),
        **fields,
    )


def test_an_action_limit_flags_what_is_bad_but_stable_from_its_date_on(path):
    history(series_of(path), steady(6))
    limit(path, 3, action_low=30.0)
    judge(path.instrument_id)
    assert weeks_since_start(Flag.objects.get().raised_at) == 3


def test_one_value_too_uncertain_to_tell_is_watched_and_several_in_a_row_flag(path):
    series = series_of(path)
    history(series, steady(3))
    limit(path, 0, action_low=15.0)
    for week in (3, 4, 5):
        scan(series, week, 13.0, uncertainty=2.0)
        Health.objects.update(needs_assessment=True)
        judge(path.instrument_id)
        assert [one.kind for one in FlagSignal.objects.all()] == (["action"] if week == 5 else [])
        assert Health.objects.get().verdict == ("degraded" if week == 5 else "watch")


def test_a_tolerance_limit_asks_to_watch_and_does_not_flag(path):
    history(series_of(path), steady(20))
    limit(path, 0, tolerance_low=30.0)
    judge(path.instrument_id)
    assert Health.objects.get().verdict == "watch"
    assert not Flag.objects.exists()


def test_an_instrument_s_own_limit_counts_before_the_facility_s(path):
    history(series_of(path), steady(20))
    limit(path, 0, action_low=30.0)
    limit(path, 0, instrument=path.instrument, action_low=10.0)
    judge(path.instrument_id)
    assert not Flag.objects.exists()


def test_any_specimen_is_charted_but_only_an_absolute_limit_flags(path):
    history(series_of(path, kind="other"), fallen())
    judge(path.instrument_id)
    assert len(Assessment.objects.get().result["signals"]) > 0
    assert not Flag.objects.exists()
    assert blaming_kinds(ATTRIBUTES["sharpness"], "other") == ("action",)


def test_the_false_alarms_of_an_instrument_are_shared_among_its_series():
    assert design_for(1).false_alarm_probability == pytest.approx(0.02)
    assert design_for(33).false_alarm_probability == design_for(64).false_alarm_probability == pytest.approx(0.02 / 64)


def test_causes_point_at_the_detector_when_only_its_channel_moved(path):
    history(series_of(path, "mean"), fallen())
    history(series_of(path, "mean", channel=1), steady(50, seed=9))
    judge(path.instrument_id)
    assert Flag.objects.get().hypotheses[0]["cause"] == "the detector of channel 0"


def test_causes_point_at_the_slide_when_another_instrument_moved_on_it_too(path):
    history(series_of(path, "mean"), fallen())
    other = catalogue.optical_path(catalogue.instrument(path.instrument.facility))
    history(series_of(other, "mean"), fallen())
    judge(path.instrument_id)
    judge(other.instrument_id)
    assert Flag.objects.get(instrument=other.instrument).hypotheses[0]["cause"] == "the standard slide itself"
