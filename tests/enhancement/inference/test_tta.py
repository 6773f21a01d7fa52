from __future__ import annotations

import numpy as np

from enhancement.inference.tta import eight_fold


def test_a_function_without_a_preferred_direction_has_no_spread() -> None:
    tile = np.random.default_rng(0).normal(size=(16, 16)).astype(np.float32)
    mean, spread = eight_fold(tile, lambda turned: 2 * turned)
    np.testing.assert_array_equal(mean, 2 * tile)
    np.testing.assert_array_equal(spread, 0)


def test_a_function_with_a_direction_is_averaged_over_all_eight_and_its_spread_told() -> None:
    tile = np.zeros((5, 5), np.float32)
    tile[2, 2] = 8
    mean, spread = eight_fold(tile, lambda turned: np.roll(turned, 1, axis=1))
    for row, column in ((1, 2), (3, 2), (2, 1), (2, 3)):
        assert mean[row, column] == 2  # the pixel lands on each side in 2 of 8 orientations
        assert spread[row, column] == np.float32(np.sqrt(0.25 * 0.75) * 8)
    assert mean.sum() == 8
