from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrology.spc.ewma import ewma, one_sided_ewma

# NIST/SEMATECH e-Handbook, section 6.3.2.4
NIST = [52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6,
        52.1]  # fmt: skip
PRINTED = [50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33, 50.11, 49.36, 49.52, 50.05, 49.38, 49.92,
           50.73, 51.23, 51.94, 51.99]  # fmt: skip


def test_the_averages_of_the_nist_series_are_the_printed_ones():
    assert ewma(NIST, lambda_=0.3, start=50.0) == pytest.approx(np.array(PRINTED), abs=0.006)


@given(st.lists(st.floats(-50, 50), max_size=40))
def test_the_one_sided_average_is_never_below_zero_nor_below_the_plain_one(scores):
    reset = one_sided_ewma(scores)
    assert np.all(reset >= 0)
    assert np.all(reset >= ewma(scores) - 1e-9)


@given(st.floats(3, 1e6))
def test_one_wild_point_moves_the_clipped_average_by_at_most_a_quarter_sigma(height):
    assert one_sided_ewma([0.0, height], clip=2.5)[-1] == pytest.approx(0.25)


def test_the_input_is_not_changed():
    scores = np.array([5.0, -5.0])
    one_sided_ewma(scores, clip=2.5)
    assert scores.tolist() == [5.0, -5.0]
