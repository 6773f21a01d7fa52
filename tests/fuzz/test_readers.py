"""A few hundred broken files in every run of the tests; `make fuzz` looks at ten thousand."""

from __future__ import annotations

from tests.fuzz.readers import fuzz


def test_broken_files_are_read_or_refused_and_nothing_is_left_behind():
    outcomes, failures = fuzz(300, seed=7, real_data=None)
    assert failures == []
    assert sum(one.read for one in outcomes.values()) > 30  # not everything is refused at the door
    assert sum(sum(one.refused.values()) for one in outcomes.values()) > 100
