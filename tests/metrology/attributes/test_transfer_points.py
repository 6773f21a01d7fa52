"""The points of a photon-transfer plot lie on the line of a detector of known gain."""

from __future__ import annotations

import numpy as np
import pytest

from metrology.attributes.frames import photon_transfer
from metrology.attributes.transfer_points import transfer_points


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(3)
    light = np.linspace(50, 1200, 256)[None, :] * np.ones((128, 1))
    return np.stack([np.clip(2 * rng.poisson(light), 0, 4095) for _ in range(12)]).astype(np.uint16)


def test_the_variance_is_twice_the_mean_where_a_photon_makes_two_counts(frames):
    means, variances = transfer_points(frames, largest_count=4095)
    assert len(means) == 16 * 32
    assert np.median(variances / means) == pytest.approx(2.0, rel=0.02)
    assert (np.diff(means) >= 0).all()


def test_the_points_are_those_that_the_line_is_fitted_to(frames):
    line = photon_transfer(frames, largest_count=4095)
    means, variances = transfer_points(frames, largest_count=4095)
    assert line.blocks == len(means)
    assert np.mean(variances - line.intercept - line.slope * means) == pytest.approx(0, abs=0.02 * variances.mean())


def test_squares_with_a_saturated_or_a_dark_pixel_are_left_out(frames):
    clipped = frames.copy()
    clipped[:, :, :8] = 0
    clipped[3, 4, 20] = 4095
    assert len(transfer_points(clipped, largest_count=4095)[0]) == 16 * 31 - 1


def test_of_many_squares_an_even_choice_from_dim_to_bright_is_kept(frames):
    every, _ = transfer_points(frames, largest_count=4095)
    few, _ = transfer_points(frames, largest_count=4095, most=40)
    assert (len(few), few[0], few[-1]) == (40, every[0], every[-1])
    assert np.median(few) == pytest.approx(np.median(every), rel=0.05)
