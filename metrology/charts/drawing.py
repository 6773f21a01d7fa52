"""A chart with its words and its table, and what the charts of standard samples have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Figure = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table behind a chart: its heading with the unit, and its values."""

    heading: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart, what it says in words, and its numbers.

    Parameters
    ----------
    name : str
        Stable, as in addresses.
    title : str
        Heading.
    summary : str
        What it says, for those who do not see it.
    figure : dict
        `{"data": […], "layout": {…}}` without colours; the page's theme gives them by role.
    columns : tuple of Column
        Its numbers, of equal length.
    is_wide : bool
        Whether it takes the whole width of a page.
    """

    name: str
    title: str
    summary: str
    figure: Figure
    columns: tuple[Column, ...]
    is_wide: bool = False

    @property
    def headings(self) -> tuple[str, ...]:
        """Headings of the columns."""
        return tuple(column.heading for column in self.columns)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The numbers row by row; None where there is none."""
        return list(zip(*(column.values for column in self.columns), strict=True))


def line(
    name: str, x: Sequence[Any], y: Sequence[Any], *, role: str, dash: str = "solid", hover: str = "%{y:.4g}"
) -> Figure:
    """Return a line through points.

    Parameters
    ----------
    name : str
        As the legend says it.
    x, y : sequence
        Places; None leaves a gap.
    role : str
        For its colour.
    dash : str
        plotly's name of the stroke.
    hover : str
        plotly's template of what is said under the pointer.

    Returns
    -------
    dict
        A trace.
    """
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": list(x), "y": list(y), "line": {"dash": dash, "width": 1.5},
        "hovertemplate": f"{hover}<extra>{name}</extra>", "meta": {"role": role},
    }  # fmt: skip


def markers(
    name: str, x: Sequence[Any], y: Sequence[Any], *, role: str, symbol: str = "circle", size: float = 6,
    hover: str = "%{x:.4g}, %{y:.4g}",
) -> Figure:  # fmt: skip
    """Return points.

    Parameters
    ----------
    name : str
        As the legend says it.
    x, y : sequence
        Places.
    role : str
        For their colour.
    symbol : str
        plotly's name of the mark.
    size : float
        Of a mark [px].
    hover : str
        plotly's template of what is said under the pointer.

    Returns
    -------
    dict
        A trace.
    """
    return {
        "type": "scatter", "mode": "markers", "name": name, "x": list(x), "y": list(y),
        "marker": {"symbol": symbol, "size": size}, "hovertemplate": f"{hover}<extra>{name}</extra>",
        "meta": {"role": role},
    }  # fmt: skip


def heat_map(
    x: Sequence[float], y: Sequence[float], z: Sequence[Sequence[float | None]], *, role: str, hover: str, bar: str
) -> Figure:
    """Return a field of numbers.

    Parameters
    ----------
    x, y : sequence of float
        Middles of the columns and rows.
    z : rows of numbers
        Values.
    role : str
        "image" for black to white, "map" for a scale of colours.
    hover : str
        plotly's template of what is said under the pointer.
    bar : str
        Title of the scale, with its unit; empty for none.

    Returns
    -------
    dict
        A trace.
    """
    trace: Figure = {
        "type": "heatmap", "x": list(x), "y": list(y), "z": [list(row) for row in z], "showscale": bool(bar),
        "hovertemplate": f"{hover}<extra></extra>", "meta": {"role": role},
    }  # fmt: skip
    if bar:
        trace["colorbar"] = color_bar(bar)
    return trace


def color_bar(title: str) -> Figure:
    """Return the scale beside a field of numbers.

    Parameters
    ----------
    title : str
        What it tells, with its unit.

    Returns
    -------
    dict
        Of a trace or its marker.
    """
    return {"title": {"text": title, "side": "right"}, "thickness": 10, "outlinewidth": 0, "len": 1}


def layout(x_title: str, y_title: str, *, legend: bool = False, **more: Any) -> Figure:
    """Return the layout of a chart with one pair of axes.

    Parameters
    ----------
    x_title, y_title : str
        What the axes tell, with their units.
    legend : bool
        Whether the traces are named.
    **more
        Further keys; `xaxis` and `yaxis` are added to the axes.

    Returns
    -------
    dict
        plotly's layout.
    """
    return {
        "xaxis": {"title": {"text": x_title}, **more.pop("xaxis", {})},
        "yaxis": {"title": {"text": y_title}, **more.pop("yaxis", {})},
        "showlegend": legend,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        "margin": {"l": 56, "r": 16, "t": 32 if legend else 12, "b": 44},
        "hovermode": "closest",
        **more,
    }


def picture_axes(x_title: str, y_title: str) -> Figure:
    """Return axes of equal scale, y downwards, for what lies in the field as in the image.

    Parameters
    ----------
    x_title, y_title : str
        What the axes tell, with their units.

    Returns
    -------
    dict
        plotly's layout.
    """
    return layout(
        x_title,
        y_title,
        xaxis={"constrain": "domain", "showgrid": False},
        yaxis={"autorange": "reversed", "scaleanchor": "x", "constrain": "domain", "showgrid": False},
    )
