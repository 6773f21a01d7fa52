from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InputError
from metrology.spc.design import ChartDesign
from metrology.spc.series import assess
from metrology.spc.tolerance import AbsoluteLimits
from metrology.spc.transforms import Scale

UP = Scale("none", "up")
FLAGS = {"ewma", "cusum"}


def weekly(values, **options):
    return assess(values, times_day=7.0 * np.arange(len(values)), **({"scale": UP} | options))


def noise(length, seed=0):
    return np.random.default_rng(seed).normal(size=length)


def kinds(assessment):
    return {signal.kind for signal in assessment.signals}


def ageing(seed, *, start=25, slope=0.15, length=60):
    values = noise(length, seed)
    values[start:] += slope * np.arange(1, length - start + 1)
    return values


@given(st.integers(0, 200), st.integers(1, 59))
@settings(max_examples=40, deadline=None)
def test_later_points_never_change_an_earlier_signal(seed, cut):
    values = ageing(seed)
    early = weekly(values[:cut], limits=AbsoluteLimits(tolerance=2.5)).signals
    late = weekly(values, limits=AbsoluteLimits(tolerance=2.5)).signals
    assert repr(early) == repr(tuple(signal for signal in late if signal.index < cut))


def test_an_ageing_instrument_is_flagged_after_it_starts_to_age_and_dated_near_it():
    early, dates = 0, []
    for seed in range(40):
        found = weekly(ageing(seed))
        flags = [signal for signal in found.signals if signal.kind in FLAGS]
        assert flags, f"seed {seed} was never flagged"
        early += flags[0].index < 25
        dates.append(flags[0].since_index)
        assert set(found.active) & FLAGS
    assert early == 0
    assert np.median(dates) == pytest.approx(25, abs=5)


def test_a_steady_instrument_is_hardly_ever_flagged():
    assert sum(bool(kinds(weekly(noise(60, seed))) & FLAGS) for seed in range(150)) <= 5


def test_one_wild_acquisition_asks_for_a_repeat_and_blames_nothing_else():
    values = noise(40, 3)
    values[35] = 9.0
    found = weekly(values)
    assert kinds(found) == {"repeat"}
    assert found.signals[0].index == 35
    assert found.signals[0].blames == "acquisition"
    assert "repeat" in found.statuses[35]
    assert found.active == ()


def test_bad_but_stable_is_seen_by_the_tolerance_alone():
    found = weekly(10 + noise(40, 1), limits=AbsoluteLimits(tolerance=5.0, action=50.0))
    assert kinds(found) == {"tolerance"}
    assert [signal.index for signal in found.signals] == [0]
    assert found.active == ("tolerance",)
    assert all("tolerance" in statuses for statuses in found.statuses)


def test_a_value_too_uncertain_to_tell_whether_beyond_the_action_limit_does_not_signal_by_itself():
    values = [1.0, 1.0, 12.0, 1.0]
    unsure = weekly(values, limits=AbsoluteLimits(action=10.0, guards=(3.0,) * 4))
    assert "action" not in kinds(unsure)
    assert ["unsure" in statuses for statuses in unsure.statuses] == [False, False, True, False]
    sure = weekly(values, limits=AbsoluteLimits(action=10.0, guards=(1.9,) * 4))
    assert "action" in kinds(sure)
    assert not any("unsure" in statuses for statuses in sure.statuses)


def test_uncertain_values_in_a_row_beyond_the_action_limit_signal_once_their_sum_is_sure():
    found = weekly([12.0] * 6, limits=AbsoluteLimits(action=10.0, guards=(3.0,) * 6))
    assert [signal.index for signal in found.signals if signal.kind == "action"] == [2]
    assert found.active == ("action",)


def test_uncertainty_never_adds_a_signal_of_the_action_limit():
    rng = np.random.default_rng(5)
    for _ in range(200):
        values, guards = rng.normal(9.5, 1.0, 30), tuple(rng.exponential(1.0, 30))
        exact, held = (
            [one.index for one in weekly(values, limits=limits).signals if one.kind == "action"]
            for limits in (AbsoluteLimits(action=10.0), AbsoluteLimits(action=10.0, guards=guards))
        )
        assert len(held) <= len(exact)
        assert all(values[index] > 10.0 for index in held)


def test_as_many_guards_as_points_are_needed():
    with pytest.raises(InputError, match="guard"):
        weekly([1.0, 2.0], limits=AbsoluteLimits(action=10.0, guards=(1.0,)))


def test_action_limits_count_even_for_the_first_point():
    found = weekly([99.0], limits=AbsoluteLimits(action=50.0))
    assert kinds(found) == {"action"}
    assert np.isnan(found.signals[0].magnitude_sigma)


def test_fewer_than_ten_points_raise_no_ewma_or_repeat_signal():
    values = noise(9, 4)
    values[8] = 30.0
    found = weekly(values)
    assert not kinds(found) & {"ewma", "repeat"}
    assert found.epochs[0].latest.stage == "tentative"
    assert found.price is None
    assert np.isnan(found.ewma).all()


def test_service_opens_an_epoch_and_ends_the_signal():
    values = np.concatenate([ageing(5), noise(25, 6)])
    found = weekly(values, epoch_starts=(0, 60))
    assert found.active == ()
    assert [signal for signal in found.signals if signal.index >= 60] == []
    assert found.epoch.tolist() == [0] * 60 + [1] * 25
    assert found.epochs[1].latest.baseline.points == 20
    assert found.stages[59] != found.stages[60] == "tentative"


def test_the_baseline_is_frozen_at_10_20_and_30_points():
    found = weekly(noise(50, 1))
    assert [(part.start, part.stop, part.baseline.points, part.watched) for part in found.segments] == [
        (0, 10, 10, False), (10, 20, 10, True), (20, 30, 20, True), (30, 50, 30, True),
    ]  # fmt: skip
    assert found.epochs[0].latest.stage == "firm"
    assert found.statuses[29] == ("baseline",)
    assert "baseline" not in found.statuses[30]


def test_a_drifting_series_does_not_teach_its_baseline_its_own_drift():
    values = noise(40, 9) * 0.5
    values[8:] += 0.25 * np.arange(1, 33)
    found = weekly(values)
    assert found.epochs[0].latest.baseline.points == 10
    assert "not adopted" in found.epochs[0].problem
    assert kinds(found) & FLAGS


def test_invalid_points_are_kept_but_charted_nowhere():
    values = noise(40, 2)
    valid = np.ones(40, bool)
    values[[5, 30]], valid[[5, 30]] = [np.nan, 1e6], False
    found = weekly(values, valid=valid, limits=AbsoluteLimits(action=100.0))
    without = weekly(np.delete(values, [5, 30]))
    assert found.statuses[5] == found.statuses[30] == ("invalid",)
    assert np.delete(found.z, [5, 30]) == pytest.approx(without.z)
    assert kinds(found) == kinds(without)


def test_a_value_that_the_scale_does_not_have_is_shown_but_still_judged_by_limits():
    values = np.exp(0.05 * noise(30, 1))
    values[20] = 0.0
    found = weekly(values, scale=Scale("log", "down"), limits=AbsoluteLimits(action=0.1))
    assert found.statuses[20] == ("unscored", "action")
    assert kinds(found) == {"action"}


@given(st.integers(0, 30), st.floats(0.1, 10))
@settings(max_examples=20, deadline=None)
def test_harm_downwards_is_the_mirror_image_of_harm_upwards(seed, stretch):
    values = ageing(seed) * stretch
    up, down = weekly(values), weekly(-values, scale=Scale("none", "down"))
    assert down.z == pytest.approx(up.z, nan_ok=True)
    assert [(s.kind, s.index, s.since_index) for s in up.signals] == [
        (s.kind, s.index, s.since_index) for s in down.signals
    ]
    assert down.segments[-1].ewma_harm == pytest.approx(-up.segments[-1].ewma_harm)


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_where_both_directions_are_harmful_both_are_seen(direction):
    found = weekly(direction * ageing(3), scale=Scale("none", "both"))
    flags = [signal for signal in found.signals if signal.kind in FLAGS]
    assert flags
    assert np.sign(flags[0].magnitude_sigma) == direction
    assert found.segments[-1].ewma_other is not None


def test_limits_come_back_in_measured_units():
    values = 0.3 * np.exp(0.04 * noise(40, 12))
    part = weekly(values, scale=Scale("log", "up")).segments[-1]
    assert part.centre == pytest.approx(0.3, rel=0.03)
    assert part.sigma_high / part.centre == pytest.approx(np.exp(part.baseline.scale))
    assert part.repeat_low < part.shewhart_low < part.sigma_low < part.centre
    assert part.centre < part.sigma_high < part.shewhart_high < part.repeat_high
    assert part.sigma_low < part.centre < part.ewma_harm


def test_the_ewma_in_measured_units_stands_where_its_score_says():
    values = 0.3 * np.exp(0.04 * noise(40, 12))
    found = weekly(values, scale=Scale("log", "down"))
    part = found.segments[-1]
    expected = np.exp(-(part.baseline.centre + found.ewma[-1] * part.baseline.scale))
    assert found.ewma_values[-1] == pytest.approx(expected)


def test_points_without_scatter_give_no_baseline_but_a_reason():
    found = weekly(np.full(25, 0.5))
    assert found.segments == ()
    assert "scatter" in found.epochs[0].problem
    assert found.signals == ()


def test_an_empty_series_says_nothing():
    found = weekly([])
    assert found.signals == ()
    assert found.epochs == ()


def test_the_price_is_stated_from_a_provisional_baseline_on():
    found = weekly(noise(15, 1))
    assert "false flag" in found.price.sentence


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"times_day": [0.0, 7.0]}, "every point"),
        ({"times_day": [0.0, 14.0, 7.0]}, "Sort"),
        ({"valid": [True]}, "every point"),
        ({"epoch_starts": (1,)}, "first point"),
        ({"epoch_starts": (0, 9)}, "first point"),
        ({"values": [1.0, np.nan, 2.0]}, "invalid"),
    ],
)
def test_input_that_does_not_fit_together_is_refused_with_the_next_step(change, hint):
    given_ = {"values": [1.0, 2.0, 3.0], "times_day": [0.0, 7.0, 14.0], "scale": UP} | change
    with pytest.raises(InputError, match=hint):
        assess(given_.pop("values"), **given_)


def test_the_input_is_not_changed():
    values, times, valid = noise(30), 7.0 * np.arange(30), np.ones(30, bool)
    copies = [array.copy() for array in (values, times, valid)]
    assess(values, times_day=times, valid=valid, scale=Scale("log"))
    for array, copy in zip((values, times, valid), copies, strict=True):
        assert np.array_equal(array, copy)


@pytest.mark.slow
def test_a_fleet_raises_no_more_false_flags_than_promised():
    """3 000 series of 82 weeks: the last 52 are one year under a full baseline."""
    rng = np.random.default_rng(21)
    flagged = sum(
        any(signal.kind in FLAGS and signal.index >= 30 for signal in weekly(rng.normal(size=82)).signals)
        for _ in range(3000)
    )
    assert flagged / 3000 <= 1.2 * ChartDesign().false_alarm_probability + 2 * np.sqrt(0.01 / 3000)


@pytest.mark.slow
def test_a_modest_autocorrelation_does_not_ruin_the_promise():
    rng = np.random.default_rng(22)
    flagged = 0
    for _ in range(1500):
        values = rng.normal(size=52)
        for index in range(1, 52):
            values[index] = 0.2 * values[index - 1] + np.sqrt(1 - 0.04) * values[index]
        flagged += bool(kinds(weekly(values)) & FLAGS)
    assert flagged / 1500 < 0.045


@pytest.mark.slow
def test_a_slow_drift_after_20_points_is_flagged_within_32_weeks_at_one_false_flag_in_a_hundred_years():
    rng = np.random.default_rng(23)
    delays = []
    for _ in range(600):
        values = rng.normal(size=100)
        values[20:] += 0.05 * np.arange(1, 81)
        flags = [signal.index for signal in weekly(values).signals if signal.kind in FLAGS and signal.index >= 20]
        delays.append(flags[0] - 19 if flags else 999)
    assert np.median(delays) <= 32


def kinds_at(values, **options):
    found = assess(values, times_day=np.arange(len(values)) * 7.0, scale=Scale("none", "up"), **options)
    return [(signal.kind, signal.index) for signal in found.signals]


def test_a_large_step_is_confirmed_by_its_second_scan():
    values = np.random.default_rng(5).normal(0, 1, 40)
    values[30:] += 10
    assert ("repeat", 30) in kinds_at(values)
    assert ("confirmed", 31) in kinds_at(values)


def test_one_bad_scan_and_two_on_opposite_sides_or_away_from_harm_confirm_nothing():
    quiet = np.random.default_rng(5).normal(0, 1, 40)
    for places, shifts in (([30], [10]), ([30, 31], [10, -10]), ([30, 31], [-10, -10]), ([30, 32], [10, 10])):
        values = quiet.copy()
        values[places] = shifts
        assert "confirmed" not in {kind for kind, _ in kinds_at(values)}


def test_an_invalid_scan_between_two_far_ones_does_not_part_them():
    values = np.random.default_rng(5).normal(0, 1, 40)
    values[30:] += 10
    valid = np.ones(40, dtype=bool)
    valid[31] = False
    assert ("confirmed", 32) in kinds_at(values, valid=valid)


def test_two_far_scans_of_two_epochs_confirm_nothing():
    values = np.random.default_rng(5).normal(0, 1, 40)
    values[19] += 10
    values[20:] += 10
    assert "confirmed" not in {kind for kind, _ in kinds_at(values, epoch_starts=(0, 20))}
