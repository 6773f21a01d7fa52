from __future__ import annotations

import pytest

from metrology.spc.assessment import Signal


@pytest.mark.parametrize("kind", ["ewma", "cusum", "tolerance", "action"])
def test_all_but_the_repeat_channel_blame_the_instrument(kind):
    assert Signal(kind, 5, 3, 2, 5, 1.0).blames == "instrument"
    assert Signal("repeat", 5, 5, 5, 5, 4.0).blames == "acquisition"
