"""Charts of a homogeneous slide: the light over the field, lines through its brightest place, brightness over depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.templatetags.formatting import quantity_text
from metrology.charts.drawing import Column, Drawing, heat_map, layout, line, markers, picture_axes

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_BRIGHTEST = "% of the brightest block"


def field_drawings(numbers: Mapping[str, Any]) -> list[Drawing]:
    """Draw how evenly a field is lit.

    Parameters
    ----------
    numbers : mapping
        As `metrology.runtime.figures_field.field_numbers` writes them.

    Returns
    -------
    list of Drawing
        The map with its fitted surface, and the profiles along a row and a column.
    """
    return [_map(numbers), _profile(numbers, "row"), _profile(numbers, "column")]


def _unit(numbers: Mapping[str, Any]) -> tuple[str, float, float]:
    """Return the unit of lengths and the height and width of a pixel in it."""
    size = numbers["pixel_size_yx_um"]
    return ("px", 1.0, 1.0) if size is None else ("µm", float(size[0]), float(size[1]))


def _map(numbers: Mapping[str, Any]) -> Drawing:
    unit, high, wide = _unit(numbers)
    x = [round(place * wide, 4) for place in numbers["columns_px"]]
    y = [round(place * high, 4) for place in numbers["rows_px"]]
    hover = f"x %{{x:.4g}} {unit}, y %{{y:.4g}} {unit}<br>%{{z:.1f}} %"
    measured = heat_map(x, y, numbers["measured_percent"], role="map", hover=hover, bar=_OF_BRIGHTEST)
    fitted = {
        "type": "contour", "x": x, "y": y, "z": numbers["fitted_percent"], "showscale": False, "hoverinfo": "skip",
        "name": "fitted", "contours": {"coloring": "none", "showlabels": True}, "ncontours": 6, "meta": {"role": "contour"},
    }  # fmt: skip
    rows, columns = numbers["size_yx_px"]
    data = [measured, fitted]
    data.append(markers("middle", [columns * wide / 2], [rows * high / 2], role="middle", symbol="cross-thin", size=14))
    top = numbers["top_yx_px"]
    if top is not None and 0 <= top[0] <= rows and 0 <= top[1] <= columns:
        data.append(markers("brightest", [top[1] * wide], [top[0] * high], role="top", symbol="x", size=11))
    figure = {"data": data, "layout": picture_axes(f"x [{unit}]", f"y [{unit}]")}
    return Drawing(
        "illumination",
        "Light over the field",
        _map_said(numbers),
        figure,
        (
            Column(f"y [{unit}]", tuple(place for place in y for _ in x)),
            Column(f"x [{unit}]", tuple(place for _ in y for place in x)),
            Column(f"measured [{_OF_BRIGHTEST}]", tuple(v for row in numbers["measured_percent"] for v in row)),
            Column(f"fitted [{_OF_BRIGHTEST}]", tuple(v for row in numbers["fitted_percent"] for v in row)),
        ),
    )


def _map_said(numbers: Mapping[str, Any]) -> str:
    unit, high, wide = _unit(numbers)
    rows, columns = numbers["size_yx_px"]
    of = "the field" if numbers["tiles"] == 1 else f"the mean of the {numbers['tiles']} tiles"
    said = [f"Means of blocks of {of}, with lines of equal light of the fitted surface."]
    if (uniformity := numbers["uniformity"]) is not None:
        said.append(f"Robust uniformity {quantity_text(uniformity['value'], '%', uniformity['uncertainty'])}.")
    if (top := numbers["top_yx_px"]) is None:
        said.append("The fitted surface has no brightest place.")
    else:
        right, down = (top[1] - columns / 2) * wide, (top[0] - rows / 2) * high
        side, level = ("right" if right >= 0 else "left"), ("below" if down >= 0 else "above")
        place = f"{abs(right):.3g} {unit} {side} of and {abs(down):.3g} {unit} {level} the middle"
        said.append(f"The light is centred {place} (×; the middle is +).")
    if (centring := numbers["centring"]) is not None:
        said.append(f"Robust centring {quantity_text(centring['value'], '%', centring['uncertainty'])}.")
    return " ".join(said)


def _profile(numbers: Mapping[str, Any], name: str) -> Drawing:
    profile = numbers[name]
    unit, high, wide = _unit(numbers)
    along, beside = (wide, high) if name == "row" else (high, wide)
    places = [round(place * along, 4) for place in profile["position_px"]]
    measured, fitted = profile["measured_percent"], profile["fitted_percent"]
    axis, other = ("x", "y") if name == "row" else ("y", "x")
    data = [
        markers("measured", places, measured, role="points", size=4, hover=f"%{{x:.4g}} {unit}<br>%{{y:.1f}} %"),
        line("fitted", places, fitted, role="train", hover="%{y:.1f} %"),
    ]
    return Drawing(
        f"profile-{name}",
        f"Along a {name}",
        f"Light along the {name} at {other} = {profile['at_px'] * beside:.4g} {unit}: from {min(measured):.3g} to "
        f"{max(measured):.3g} {_OF_BRIGHTEST}.",
        {"data": data, "layout": layout(f"{axis} [{unit}]", f"light [{_OF_BRIGHTEST}]", legend=True)},
        (
            Column(f"{axis} [{unit}]", tuple(places)),
            Column(f"measured [{_OF_BRIGHTEST}]", tuple(measured)),
            Column(f"fitted [{_OF_BRIGHTEST}]", tuple(fitted)),
        ),
    )


def depth_drawings(numbers: Mapping[str, Any]) -> list[Drawing]:
    """Draw the mean of each slice of a z-stack.

    Parameters
    ----------
    numbers : mapping
        As `metrology.runtime.figures_field.depth_numbers` writes them.

    Returns
    -------
    list of Drawing
        One.
    """
    means, step = numbers["mean_counts"], numbers["z_step_um"]
    places = [round(index * step, 4) if step else index + 1 for index in range(len(means))]
    axis = "z [µm]" if step else "slice"
    width = numbers["width"]
    told = (
        f"Full width at half maximum {quantity_text(width['value'], 'µm', width['uncertainty'])}."
        if width
        else "It is no peak within the stack."
    )
    trace = {
        **markers("mean", places, means, role="points", hover="%{x:.4g}<br>%{y:.5g} counts"),
        "mode": "lines+markers",
    }
    return [
        Drawing(
            "depth",
            "Brightness over depth",
            f"Mean of each of {len(means)} slices. {told}",
            {"data": [trace], "layout": layout(axis, "mean [counts]")},
            (Column(axis, tuple(places)), Column("mean [counts]", tuple(means))),
        )
    ]
