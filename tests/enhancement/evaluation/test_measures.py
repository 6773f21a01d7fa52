from __future__ import annotations

import numpy as np

from enhancement.evaluation.measures import AlignedPair, plane_view
from metrology.attributes import comparison


def test_an_aligned_pair_is_compared_where_it_lies_even_if_a_shift_would_match_better() -> None:
    target = np.random.default_rng(0).uniform(0, 255, size=(32, 32))
    shifted = np.roll(target, 3, axis=1)
    expected = np.mean((target - shifted) ** 2)
    assert np.isclose(comparison.mse(AlignedPair(target, shifted)).value, expected, rtol=1e-9)


def test_fractions_and_values_outside_0_to_255_are_kept() -> None:
    plane = np.array([[-3.25, 10.5], [300.75, 255.0]]).repeat(8, axis=0).repeat(8, axis=1)
    before = plane.copy()
    assert plane_view(plane).moments[0] == plane.mean()
    assert (plane_view(plane).counts.min(), plane_view(plane).counts.max()) == (-3.25, 300.75)
    np.testing.assert_array_equal(plane, before)
