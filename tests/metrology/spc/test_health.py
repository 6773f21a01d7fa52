from __future__ import annotations

import pytest

from metrology.spc.health import SeriesState, judge_instrument


@pytest.mark.parametrize(
    ("active", "verdict"),
    [
        ([(), ()], "in_control"),
        ([("repeat",), ()], "watch"),
        ([("ewma", "cusum"), ()], "watch"),
        ([("tolerance",), ()], "watch"),
        ([("tolerance", "ewma"), ()], "degraded"),
        ([("ewma",), ("cusum",)], "degraded"),
        ([("action",), ()], "degraded"),
    ],
)
def test_the_verdict_follows_from_what_still_holds(active, verdict):
    health = judge_instrument([SeriesState(f"series {number}", 20, kinds) for number, kinds in enumerate(active)])
    assert health.verdict == verdict
    assert len(health.reasons) == sum(bool(kinds) for kinds in active)


def test_the_gravest_reason_comes_first_and_names_its_series():
    health = judge_instrument(
        [SeriesState("noise", 9, ("repeat",)), SeriesState("width", 9, ("ewma",)), SeriesState("field", 9, ("action",))]
    )
    assert [reason.split(":")[0] for reason in health.reasons] == ["field", "width", "noise"]
    assert "action limit" in health.reasons[0]


def test_an_instrument_without_measurements_has_no_verdict():
    assert judge_instrument([]).verdict == "no_data"
    assert judge_instrument([SeriesState("width", 0)]).verdict == "no_data"
