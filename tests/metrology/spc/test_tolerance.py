from __future__ import annotations

import numpy as np
import pytest

from common.errors import InputError
from metrology.spc.tolerance import beyond


def test_values_beyond_a_limit_are_those_on_its_harmful_side():
    values = [1.0, 2.0, 3.0, np.nan]
    assert beyond(values, 2.0, harmful="up").tolist() == [False, False, True, False]
    assert beyond(values, 2.0, harmful="down").tolist() == [True, False, False, False]
    assert beyond(values, 0.5, harmful="both", target=2.0).tolist() == [True, False, True, False]


def test_no_limit_is_never_passed():
    assert not beyond([1e9], None, harmful="up").any()


def test_a_limit_on_both_sides_needs_a_target():
    with pytest.raises(InputError, match="target"):
        beyond([1.0], 0.5, harmful="both")
