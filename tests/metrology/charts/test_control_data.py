from __future__ import annotations

import math

from metrology.charts.control_data import ChartPoint, finite, is_valid, with_unit, z_words


def test_numbers_that_json_does_not_know_are_none():
    assert [finite(value) for value in (1, None, math.nan, math.inf)] == [1.0, None, None, None]


def test_a_point_is_charted_if_it_has_a_value_and_is_not_marked_invalid():
    assert is_valid(ChartPoint("2026-01-05", 1.0))
    assert not is_valid(ChartPoint("2026-01-05", 1.0, statuses=("invalid",)))
    assert not is_valid(ChartPoint("2026-01-05", math.nan))


def test_a_unit_stands_in_brackets_behind_a_name_and_bare_behind_a_number():
    assert with_unit("width", "µm") == "width [µm]"
    assert with_unit("0.3", "µm", brackets=False) == "0.3 µm"
    assert with_unit("SSIM", "") == "SSIM"


def test_a_distance_is_told_by_harm_and_never_by_a_sign():
    assert z_words(51.3, "down") == "51.3 σ towards harm"
    assert z_words(-2.0, "up") == "2.0 σ away from harm"
    assert z_words(2.0, "none") == "2.0 σ above the baseline"
    assert z_words(-2.0, "none") == "2.0 σ below the baseline"
