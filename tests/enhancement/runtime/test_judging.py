"""The best of each column is the best in the sense of that column."""

from __future__ import annotations

import math

import pytest

from enhancement.runtime.judging import _best, _finite

ROWS = [
    {"id": "raw", "mean": {"mse": 9.0, "ssim": 0.2, "cv": 0.50, "psnr": 20.0}},
    {"id": "gaussian", "mean": {"mse": 4.0, "ssim": 0.6, "cv": 0.70, "psnr": 30.0}},
    {"id": "network", "mean": {"mse": 5.0, "ssim": 0.7, "cv": 0.40, "psnr": None}},
]
TARGET = {"mean": {"mse": 0.0, "ssim": 1.0, "cv": 0.51, "psnr": None}}


@pytest.mark.parametrize(
    ("column", "better", "best"),
    [
        ("mse", "low", "gaussian"),
        ("ssim", "high", "network"),
        ("psnr", "high", "network"),  # None stands for infinite: identical to the target
        ("cv", "target", "network"),  # raw is nearer, but its noise makes that figure
        ("cv", "one", "gaussian"),
    ],
)
def test_the_best_of_a_column_is_lowest_highest_or_nearest(column, better, best):
    assert _best({"id": column, "better": better}, ROWS, TARGET) == best


def test_what_json_cannot_say_is_none():
    assert _finite(math.inf) is None
    assert _finite(2) == 2.0
