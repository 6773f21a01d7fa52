"""The control chart of one series as a figure that a page's own theme colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from metrology.charts.control_data import ChartPoint, ControlChart, finite, is_uncertain, is_valid, with_unit
from metrology.charts.control_text import summary

if TYPE_CHECKING:
    from collections.abc import Sequence

Figure = dict[str, Any]

SIGNALLED: Final = frozenset({"ewma", "cusum", "confirmed", "tolerance", "action"})
MARGIN: Final = 0.06
"""Room above and below what is shown, as a part of its height."""
SYMBOLS: Final = {
    "points": "circle",
    "flag": "square",
    "repeat": "triangle-up",
    "uncertain": "diamond-open",
    "invalid": "x-thin-open",
}


def control_chart(chart: ControlChart) -> Figure:
    """Draw a control chart as a plotly figure without any colour.

    Parameters
    ----------
    chart : ControlChart
        What to draw.

    Returns
    -------
    dict
        `{"data": […], "layout": {…}}`, JSON-able. Each trace carries `meta.role` and each shape and annotation its
        role as `name`; the page's theme gives them their colours. `customdata` of points is
        [acquisition, z, statuses, note, uncertainty, verdict]. Bars are ± one standard error, where one is known.
    """
    return {
        "data": [*_limit_traces(chart), *_absolute_traces(chart), *_point_traces(chart)],
        "layout": {
            "meta": {"summary": summary(chart)},
            "xaxis": {"type": "date"},
            "yaxis": {"title": {"text": with_unit(chart.title, chart.unit)}, "automargin": True, **_shown_range(chart)},
            "hovermode": "closest",
            "showlegend": True,
            "legend": {"orientation": "h", "y": -0.2},
            "margin": {"l": 56, "r": 16, "t": 16, "b": 40},
            "shapes": [*_flag_shapes(chart), *_mark_shapes(chart)],
            "annotations": _annotations(chart),
        },
    }


def _line(role: str, name: str, x: list[str | None], y: list[float | None], *, dash: str = "solid") -> Figure:
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": x, "y": y,
        "line": {"dash": dash}, "hoverinfo": "skip", "connectgaps": False, "meta": {"role": role},
    }  # fmt: skip


def _shown_range(chart: ControlChart) -> Figure:
    """Return the part of the axis that holds valid points and limits: one invalid point far away flattens nothing."""
    spans = [level for span in chart.limits for level in (span.centre, span.low, span.high, *span.ewma_limits)]
    points = [value for point in chart.points if is_valid(point) for value in (point.value, point.ewma)]
    shown = [level for level in map(finite, (*points, *spans, *chart.tolerance, *chart.action)) if level is not None]
    if not points or not shown:
        return {}
    margin = MARGIN * (max(shown) - min(shown)) or MARGIN * abs(max(shown)) or 1.0
    return {"range": [min(shown) - margin, max(shown) + margin]}


def _limit_traces(chart: ControlChart) -> list[Figure]:
    dates = [date for span in chart.limits for date in (span.start, span.stop, None)]

    def steps(values: list[float | None]) -> list[float | None]:
        return [step for value in values for step in (finite(value), finite(value), None)]

    lines: list[tuple[str, str, list[float | None], str]] = [
        ("centre", "baseline", [span.centre for span in chart.limits], "solid"),
        ("limit", "3 σ, lower", [span.low for span in chart.limits], "dot"),
        ("limit", "3 σ, upper", [span.high for span in chart.limits], "dot"),
    ]
    for side in range(max((len(span.ewma_limits) for span in chart.limits), default=0)):
        levels = [span.ewma_limits[side] if side < len(span.ewma_limits) else None for span in chart.limits]
        lines.append(("limit", "EWMA limit", levels, "dash"))
    traces = [_line(role, name, list(dates), steps(values), dash=dash) for role, name, values, dash in lines]
    return traces if chart.limits else []


def _absolute_traces(chart: ControlChart) -> list[Figure]:
    if not chart.points:
        return []
    ends: list[str | None] = [chart.points[0].date, chart.points[-1].date]
    return [
        _line(role, role, list(ends), [level, level], dash=dash)
        for role, levels, dash in (("tolerance", chart.tolerance, "dashdot"), ("action", chart.action, "longdash"))
        for level in levels
    ]


def _point_traces(chart: ControlChart) -> list[Figure]:
    valid = [point for point in chart.points if is_valid(point)]
    traces = []
    if any(finite(point.ewma) is not None for point in valid):
        averages = [finite(point.ewma) for point in valid]
        traces.append(_line("ewma", "EWMA of clipped scores", [point.date for point in valid], averages))
    groups = {
        "points": valid,
        "repeat": [point for point in valid if "repeat" in point.statuses],
        "flag": [point for point in valid if SIGNALLED & set(point.statuses)],
        "uncertain": [point for point in valid if is_uncertain(point)],
        "invalid": [point for point in chart.points if not is_valid(point) and finite(point.value) is not None],
    }
    bars = _error_bars(valid)
    names = {
        "points": f"{chart.title} ± standard error" if bars else chart.title,
        "repeat": "repeat asked",
        "flag": "beyond a limit",
        "uncertain": "too uncertain to tell",
        "invalid": "invalid",
    }
    traces += [_markers(role, names[role], members, chart.unit) for role, members in groups.items() if members]
    return [trace | bars if trace["meta"]["role"] == "points" else trace for trace in traces]


def _error_bars(points: Sequence[ChartPoint]) -> Figure:
    """Return the bars of the points as a part of their trace; nothing where no uncertainty is known."""
    errors = [finite(point.uncertainty) for point in points]
    if all(error is None for error in errors):
        return {}
    return {"error_y": {"type": "data", "array": errors, "visible": True}}


def _markers(role: str, name: str, members: Sequence[ChartPoint], unit: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines+markers" if role == "points" else "markers",
        "name": name,
        "x": [point.date for point in members],
        "y": [finite(point.value) for point in members],
        "customdata": [
            [p.acquisition, finite(p.z), ", ".join(p.statuses), p.note, finite(p.uncertainty), p.verdict]
            for p in members
        ],
        "hovertemplate": f"%{{x|%Y-%m-%d}}<br>%{{y:.4g}} {unit}<br>z = %{{customdata[1]:.2f}} σ"
        "<br>%{customdata[2]}<br>%{customdata[3]}<extra></extra>",
        "marker": {"symbol": SYMBOLS[role], "size": 6 if role == "points" else 10},
        "meta": {"role": role},
    }


def _flag_shapes(chart: ControlChart) -> list[Figure]:
    return [
        {"type": "rect", "name": "flag", "xref": "x", "yref": "paper", "layer": "below",
         "x0": flag.since_low, "x1": flag.since_high, "y0": 0, "y1": 1, "line": {"width": 0}}
        for flag in chart.flags
    ]  # fmt: skip


def _mark_shapes(chart: ControlChart) -> list[Figure]:
    return [
        {"type": "line", "name": mark.role, "xref": "x", "yref": "paper",
         "x0": mark.date, "x1": mark.date, "y0": 0, "y1": 1, "line": {"width": 1, "dash": "dot"}}
        for mark in chart.marks
    ]  # fmt: skip


def _annotations(chart: ControlChart) -> list[Figure]:
    labels = [(mark.role, mark.date, mark.text) for mark in chart.marks]
    labels += [("flag", flag.since, flag.text) for flag in chart.flags]
    return [
        {"name": role, "text": _escaped(text), "x": date, "xref": "x", "y": 1, "yref": "paper", "yanchor": "bottom",
         "showarrow": False}
        for role, date, text in labels
        if text
    ]  # fmt: skip


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
