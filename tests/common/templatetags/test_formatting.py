"""Numbers, sizes and times are written as a metrologist would."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from common.templatetags.formatting import duration_text, number_text, quantity_text, size_text


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (1.30217, 0.0117, "1.302 ± 0.012 µm"),
        (1.30217, 0.00996, "1.302 ± 0.010 µm"),
        (0.5, 2.04, "0.5 ± 2.0 µm"),
        (-3.14159, 0.21, "−3.14 ± 0.21 µm"),
        (0.0, 0.25, "0.00 ± 0.25 µm"),
        (12345.6, 230.0, "12350 ± 230 µm"),
        (2.5e-7, 1.2e-8, "(2.50 ± 0.12) × 10⁻⁷ µm"),
        (3.4567e8, 1.2e6, "(3.457 ± 0.012) × 10⁸ µm"),
    ],
)
def test_value_stops_at_the_second_digit_of_its_uncertainty(value, uncertainty, text):
    assert plain(quantity_text(value, "µm", uncertainty)) == text


@pytest.mark.parametrize("uncertainty", [None, math.nan, math.inf, 0.0])
def test_an_uncertainty_that_does_not_exist_is_not_written(uncertainty):
    assert plain(quantity_text(1.5, "µm", uncertainty)) == "1.500 µm"


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_missing_value_is_a_dash_without_unit(value):
    assert quantity_text(value, "µm", 0.1) == "—"
    assert number_text(value) == "—"
    assert duration_text(value) == "—"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1.3, 3, "1.30"),
        (0.012345, 3, "0.0123"),
        (9.996, 3, "10.0"),
        (999999.0, 3, "1.00 × 10⁶"),
        (123456.0, 4, "123500"),
        (1.302e7, 4, "1.302 × 10⁷"),
        (-0.00002, 2, "−2.0 × 10⁻⁵"),
        (0.0, 4, "0"),
    ],
)
def test_significant_digits_are_kept_with_their_zeros(value, digits, text):
    assert plain(number_text(value, digits=digits)) == text


def test_fewer_than_one_digit_is_refused():
    with pytest.raises(InputError, match="at least one significant digit"):
        number_text(1.0, digits=0)


@given(st.floats(min_value=-1e9, max_value=1e9, allow_subnormal=False), st.integers(min_value=1, max_value=9))
def test_written_number_is_within_half_a_last_digit(value, digits):
    text = plain(number_text(value, digits=digits)).replace("−", "-")
    mantissa, _, power = text.partition(" × 10")
    exponent = int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)
    written = float(mantissa) * 10.0**exponent
    half_digit = 0.5 * 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1) if value else 0
    assert abs(written - value) <= half_digit * (1 + 1e-6) + 1e-12 * abs(value)


@given(
    st.floats(min_value=-1e9, max_value=1e9, allow_nan=False),
    st.floats(min_value=1e-6, max_value=1e6, allow_nan=False),
)
def test_value_and_uncertainty_have_equally_many_decimals(value, uncertainty):
    left, right = re.sub(r"[()]| × .*", "", plain(quantity_text(value, "", uncertainty))).split(" ± ")
    assert len(left.partition(".")[2]) == len(right.partition(".")[2])


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (52_428_800, "52.4 MB"),
        (3_221_225_472, "3.2 GB"),
        (512_000, "512 kB"),
    ],
)
def test_sizes_count_in_thousands(size_bytes, text):
    assert plain(size_text(size_bytes)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0452, "45 ms"),
        (3.21, "3.2 s"),
        (42, "42 s"),
        (59.7, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3840, "1 h 04 min"),
        (266_400, "3 d 2 h"),
        (-3.21, "−3.2 s"),
    ],
)
def test_durations_show_the_two_units_that_matter(seconds, text):
    assert plain(duration_text(seconds)) == text


@pytest.mark.parametrize(("value", "written"), [(12.0, "12"), (-3.0, "−3"), (12.5, "12.50"), (2e6, number_text(2e6))])
def test_whole_values_without_uncertainty_are_counts(value, written):
    assert quantity_text(value) == written


def test_a_whole_value_with_uncertainty_is_a_measurement():
    assert quantity_text(12.0, "", 0.5) == "12.00\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.50"
