from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy import ndimage

from metrology.attributes.bead_selection import find_beads
from metrology.attributes.bead_smoothing import SIGMA_ZYX_PX, smooth_stack

RNG = np.random.default_rng(12)
STACKS = {
    "12 bits": RNG.poisson(300, (9, 70, 41)).astype(np.uint16),
    "8 bits": RNG.poisson(20, (5, 33, 64)).astype(np.uint8),
    "full 16 bits": RNG.integers(0, 65536, (4, 20, 30)).astype(np.uint16),
    "smaller than the window": RNG.poisson(50, (1, 3, 2)).astype(np.uint16),
    "fractions below zero": RNG.normal(-20, 5, (7, 65, 18)),
    "a large offset": 1e6 + RNG.normal(0, 3, (6, 16, 17)),
    "32 bits": RNG.poisson(1000, (6, 16, 17)).astype(np.int32),
}


@pytest.mark.parametrize("name", STACKS)
def test_projection_and_lines_equal_scipys_gaussian_filter(name):
    stack = STACKS[name]
    expected = ndimage.gaussian_filter(stack.astype(np.float64), SIGMA_ZYX_PX)
    smooth = smooth_stack(stack)
    span = np.ptp(stack.astype(float))
    np.testing.assert_allclose(
        smooth.projection.astype(float) + smooth.darkest, expected.max(axis=0), rtol=0, atol=1e-6 * span
    )
    for at in ((0, 0, 0), tuple(size - 1 for size in stack.shape), tuple(size // 2 for size in stack.shape)):
        for axis in range(3):
            line = np.moveaxis(expected, axis, -1)[tuple(np.delete(at, axis))]
            np.testing.assert_allclose(smooth.line(at, axis) + smooth.darkest, line, rtol=0, atol=1e-9 * span)


@pytest.mark.parametrize("name", STACKS)
def test_background_and_noise_equal_median_and_deviation_to_a_bin_of_the_range(name):
    stack = STACKS[name]
    expected = ndimage.gaussian_filter(stack.astype(np.float64), SIGMA_ZYX_PX)
    deviations = np.abs(expected - np.median(expected))
    smooth = smooth_stack(stack)
    bins = 3 * np.ptp(stack.astype(float)) / 65536
    assert smooth.background + smooth.darkest == pytest.approx(np.median(expected), abs=bins + _gap(expected))
    assert smooth.noise == pytest.approx(
        1.4826 * np.median(deviations), abs=3 * bins + _gap(expected) + _gap(deviations)
    )


def _gap(values) -> float:
    """The distance of the two middle values, which is large in small stacks and between which numpy takes the mean."""
    ordered = np.sort(values, axis=None)
    return ordered[ordered.size // 2] - ordered[ordered.size // 2 - 1]


def test_a_constant_stack_has_no_noise_and_no_beads():
    stack = np.full((5, 40, 37), 137.3)
    smooth = smooth_stack(stack)
    assert (smooth.darkest, smooth.background, smooth.noise) == (137.3, 0.0, 0.0)
    assert find_beads(stack, largest_count=4095) == []


def test_a_smoothed_stack_does_not_depend_on_the_number_of_threads():
    stack = np.random.default_rng(3).poisson(200, (6, 200, 50)).astype(np.uint16)
    before, runs = numba.get_num_threads(), []
    try:
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            runs.append(smooth_stack(stack))
    finally:
        numba.set_num_threads(before)
    one, other = runs
    np.testing.assert_array_equal(one.projection, other.projection)
    assert (one.background, one.noise) == (other.background, other.noise)


def test_smoothing_leaves_the_stack_alone():
    stack = STACKS["12 bits"].copy()
    smooth_stack(stack).line((1, 2, 3), 1)
    np.testing.assert_array_equal(stack, STACKS["12 bits"])
    assert stack.flags.writeable
