from __future__ import annotations

import numpy as np
import pytest

from enhancement.training.augment import SYMMETRIES, apply_symmetry, undo_symmetry


def test_the_eight_symmetries_are_all_different() -> None:
    plane = np.arange(9).reshape(3, 3)
    assert len({apply_symmetry(plane, symmetry).tobytes() for symmetry in range(SYMMETRIES)}) == 8


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_each_symmetry_is_undone_exactly_on_any_rectangle(symmetry: int) -> None:
    plane = np.random.default_rng(0).normal(size=(5, 9))
    before = plane.copy()
    np.testing.assert_array_equal(undo_symmetry(apply_symmetry(plane, symmetry), symmetry), plane)
    np.testing.assert_array_equal(plane, before)


def test_the_symmetries_form_a_group() -> None:
    plane = np.arange(16).reshape(4, 4)
    images = {apply_symmetry(plane, symmetry).tobytes() for symmetry in range(SYMMETRIES)}
    products = {
        apply_symmetry(apply_symmetry(plane, first), second).tobytes()
        for first in range(SYMMETRIES)
        for second in range(SYMMETRIES)
    }
    assert products == images
