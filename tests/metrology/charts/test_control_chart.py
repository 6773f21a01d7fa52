from __future__ import annotations

import json
import math
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from metrology.charts.control_chart import control_chart
from metrology.charts.control_data import ChartPoint, ControlChart, FlagSpan, LimitSpan, Mark

CHART = ControlChart(
    title="Lateral width",
    unit="µm",
    points=[
        ChartPoint("2026-01-05", 0.30, 0.1, 0.301, ("baseline",), "a1"),
        ChartPoint("2026-01-12", 0.31, math.nan, math.nan, (), "a2"),
        ChartPoint("2026-01-19", 9.0, None, None, ("invalid",), "a3", "out of focus"),
        ChartPoint("2026-01-26", 0.39, 4.0, 0.33, ("ewma", "repeat"), "a4"),
        ChartPoint("2026-02-02", None, None, None, ("invalid",), "a5", "no beads"),
    ],
    limits=[
        LimitSpan("2026-01-05", "2026-01-19", 0.3, 0.27, 0.33),
        LimitSpan("2026-01-19", "2026-02-02", 0.3, 0.28, 0.32, (0.315,), "firm"),
    ],
    tolerance=(0.36,),
    action=(0.4,),
    marks=[Mark("2026-01-20", "<b>objective cleaned</b>"), Mark("2026-01-21", "epoch 2", "epoch")],
    flags=[FlagSpan("2026-01-26", "2026-01-19", "2026-01-12", "2026-01-26", "width rises")],
)


@pytest.fixture
def figure():
    return control_chart(CHART)


def roles(figure):
    return [trace["meta"]["role"] for trace in figure["data"]]


def trace(figure, role):
    return next(trace for trace in figure["data"] if trace["meta"]["role"] == role)


def test_the_figure_is_json_without_nan_and_plotly_accepts_it(figure):
    text = json.dumps(figure, allow_nan=False)
    assert go.Figure(json.loads(text)).to_dict()["data"]


def test_every_trace_has_a_role_and_no_colour_is_set(figure):
    assert set(roles(figure)) == {
        "centre", "limit", "tolerance", "action", "ewma", "points", "repeat", "flag", "invalid",
    }  # fmt: skip
    assert "color" not in json.dumps(figure)
    assert "template" not in figure["layout"]


def test_invalid_points_are_drawn_apart_and_never_in_the_line(figure):
    assert trace(figure, "points")["x"] == ["2026-01-05", "2026-01-12", "2026-01-26"]
    assert trace(figure, "invalid")["y"] == [9.0]


def test_each_point_carries_its_acquisition_score_and_reason(figure):
    assert trace(figure, "points")["customdata"][0] == ["a1", 0.1, "baseline", "", None, ""]
    assert trace(figure, "points")["customdata"][1][1] is None
    assert trace(figure, "invalid")["customdata"][0] == ["a3", None, "invalid", "out of focus", None, ""]


def test_state_is_told_by_symbol_and_not_by_colour_alone(figure):
    symbols = [trace(figure, role)["marker"]["symbol"] for role in ("points", "repeat", "flag", "invalid")]
    assert len(set(symbols)) == 4


def test_limits_change_in_steps_where_the_baseline_changed(figure):
    centre = trace(figure, "centre")
    assert centre["x"] == ["2026-01-05", "2026-01-19", None, "2026-01-19", "2026-02-02", None]
    ewma_limit = next(item for item in figure["data"] if item["name"] == "EWMA limit")
    assert ewma_limit["y"] == [None, None, None, 0.315, 0.315, None]


def test_events_epochs_and_flags_are_named_shapes_with_harmless_labels(figure):
    shapes = {shape["name"]: shape for shape in figure["layout"]["shapes"]}
    assert set(shapes) == {"event", "epoch", "flag"}
    assert (shapes["flag"]["x0"], shapes["flag"]["x1"]) == ("2026-01-12", "2026-01-26")
    texts = [note["text"] for note in figure["layout"]["annotations"]]
    assert "&lt;b&gt;objective cleaned&lt;/b&gt;" in texts


def test_the_axis_names_the_unit(figure):
    assert figure["layout"]["yaxis"]["title"]["text"] == "Lateral width [µm]"


def test_an_empty_series_is_an_empty_figure_that_says_so():
    figure = control_chart(ControlChart("Lateral width", "µm", [], tolerance=(1.0,)))
    assert figure["data"] == []
    assert figure["layout"]["meta"]["summary"] == "Lateral width has not been measured yet."


def test_the_axis_holds_valid_points_and_limits_and_not_the_invalid_ones(figure):
    low, high = figure["layout"]["yaxis"]["range"]
    assert 0.25 < low < 0.27
    assert 0.4 < high < 0.42


def test_the_axis_of_equal_points_has_a_height_and_that_of_invalid_points_is_free():
    equal = control_chart(ControlChart("Count", "", [ChartPoint("2026-01-05", 0.0), ChartPoint("2026-01-06", 0.0)]))
    assert equal["layout"]["yaxis"]["range"] == [-1.0, 1.0]
    invalid = control_chart(ControlChart("Count", "", [ChartPoint("2026-01-05", 9.0, statuses=("invalid",))]))
    assert "range" not in invalid["layout"]["yaxis"]


SURE = ChartPoint("2026-02-02", 0.30, uncertainty=0.01, verdict="within", acquisition="a5")
UNSURE = ChartPoint("2026-02-09", 0.39, uncertainty=0.05, verdict="cannot tell", acquisition="a6")
KEPT = ChartPoint("2026-02-16", 0.39, statuses=("invalid",), uncertainty=0.05, verdict="cannot tell", acquisition="a7")


def test_points_have_the_bars_that_are_known_and_the_legend_says_what_they_are():
    figure = control_chart(ControlChart("Width", "µm", [SURE, ChartPoint("2026-02-03", 0.31), UNSURE]))
    points = trace(figure, "points")
    assert points["error_y"] == {"type": "data", "array": [0.01, None, 0.05], "visible": True}
    assert points["name"] == "Width ± standard error"
    assert points["customdata"][2][4:] == [0.05, "cannot tell"]
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure


def test_a_chart_without_uncertainties_has_no_bars():
    assert "error_y" not in trace(control_chart(replace(CHART, points=[ChartPoint("2026-02-03", 0.31)])), "points")


def test_valid_points_too_uncertain_to_tell_are_marked_by_a_symbol_of_their_own():
    marked = trace(control_chart(ControlChart("Width", "µm", [SURE, UNSURE, KEPT])), "uncertain")
    assert marked["x"] == ["2026-02-09"]
    assert (marked["name"], marked["marker"]["symbol"]) == ("too uncertain to tell", "diamond-open")
    assert all(one["meta"]["role"] != "uncertain" for one in control_chart(ControlChart("W", "", [SURE]))["data"])
