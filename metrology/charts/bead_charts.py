"""Charts of a bead stack: the mean image of its beads, lines through it, and the widths over the field."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any, Final

from common.templatetags.formatting import quantity_text
from metrology.charts.drawing import Column, Drawing, Figure, color_bar, heat_map, layout, line, markers, picture_axes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WHY: Final = {
    "edge": "too near an edge or an end of the stack",
    "crowded": "too near another",
    "saturated": "saturated",
    "too narrow": "narrower than a bead",
    "fit": "no bead by its fit",
    "merged": "merged with another",
    "undersampled": "pixels too coarse to tell its width",
}
"""Reasons for which a bead is not measured, in words."""
_SECTIONS: Final = (("xy", "x", "y"), ("xz", "x", "z"), ("yz", "y", "z"))
_PER_SIGMA: Final = 2 * math.sqrt(2 * math.log(2))
_IN_A_ROW: Final = ([0.0, 0.3], [0.4, 0.7], [0.73, 1.0])
"""Parts of the width that the sections take; between the first two stand the axis of z and its name."""
_LEAST_SPAN: Final = 0.1  # of the median width
_OUTER_PART: Final = 0.02  # of the beads on each side, at least one, that the scale of colours leaves out
_LEAST_BEADS: Final = 8  # of which a slope is told: below, its standard error rests on too few
_CURVE_POINTS: Final = 101
_BAR_PART: Final = 0.35  # of a section's width, that the scale bar takes at most


def bead_drawings(numbers: Mapping[str, Any]) -> list[Drawing]:
    """Draw what the beads of one channel tell.

    Parameters
    ----------
    numbers : mapping
        As `metrology.runtime.figures_beads.bead_numbers` writes them.

    Returns
    -------
    list of Drawing
        Mean image, lateral and axial profile, lateral and axial widths over the field; without a measured bead only the
        places of those that were rejected.
    """
    psf = numbers["psf"]
    if psf is None:
        return [_rejected_only(numbers)] if numbers["rejected"] else []
    profiles = [_profiles(numbers, "lateral", ("x", "y")), _profiles(numbers, "axial", ("z",))]
    return [_sections(psf), *profiles, _map(numbers, "lateral", "x", "y"), _map(numbers, "axial", "z")]


def beads_counted(numbers: Mapping[str, Any]) -> str:
    """Say how many beads were measured, and of the others why not.

    Parameters
    ----------
    numbers : mapping
        As for `bead_drawings`.

    Returns
    -------
    str
        A sentence.
    """
    measured, reasons = len(numbers["measured"]), numbers["reasons"]
    text = f"{measured} bead{'' if measured == 1 else 's'} measured"
    if reasons:
        each = ", ".join(f"{count} {WHY.get(reason, reason)}" for reason, count in reasons.items())
        text += f", {sum(reasons.values())} rejected ({each})"
    return text + "."


def _sections(psf: Mapping[str, Any]) -> Drawing:
    """Draw xy, xz and yz side by side at one scale."""
    sizes = dict(zip("zyx", psf["step_zyx_um"], strict=True))
    data: list[Figure] = []
    axes: Figure = {}
    for number, (name, across, down) in enumerate(_SECTIONS):
        ending = str(number + 1) if number else ""
        rows = psf[name]
        places = {axis: _places(count, sizes[axis]) for axis, count in ((across, len(rows[0])), (down, len(rows)))}
        hover = f"{name}<br>{across} %{{x:.3g}} µm, {down} %{{y:.3g}} µm<br>%{{z:.3f}} of the peak"
        bar = "of the peak" if number == 2 else ""
        trace = heat_map(places[across], places[down], rows, role="image", hover=hover, bar=bar)
        data.append({**trace, "zmin": 0, "zmax": 1, "xaxis": f"x{ending}", "yaxis": f"y{ending}"})
        axes |= _section_axes(number, across, down)
    width_um = len(psf["xy"][0]) * sizes["x"]
    bar_um = _round_length(_BAR_PART * width_um)
    left, low = -0.46 * width_um, 0.46 * len(psf["xy"]) * sizes["y"]
    scale = {"type": "line", "name": "scale", "xref": "x", "yref": "y", "x0": left, "x1": left + bar_um, "y0": low,
             "y1": low, "line": {"width": 3}, "layer": "above"}  # fmt: skip
    label = {"name": "scale", "text": f"{bar_um:g} µm", "x": left, "y": low, "xref": "x", "yref": "y",
             "xanchor": "left", "yanchor": "bottom", "showarrow": False}  # fmt: skip
    return Drawing(
        "psf",
        "Mean image of the beads",
        f"Sections through the middle of the mean image of {psf['beads']} beads, each moved to the middle by a fraction of "
        f"a pixel and scaled to its height: xy, xz and yz at one scale; the bar is {bar_um:g} µm long.",
        {
            "data": data,
            "layout": {**axes, "margin": {"l": 48, "r": 8, "t": 8, "b": 44}, "shapes": [scale], "annotations": [label]},
        },
        _section_columns(psf, sizes),
        is_wide=True,
    )


def _section_columns(psf: Mapping[str, Any], sizes: Mapping[str, float]) -> tuple[Column, ...]:
    """Return the sections pixel by pixel."""
    rows = [
        (name, x, y, value)
        for name, across, down in _SECTIONS
        for y, line_of in zip(_places(len(psf[name]), sizes[down]), psf[name], strict=True)
        for x, value in zip(_places(len(line_of), sizes[across]), line_of, strict=True)
    ]
    headings = ("section", "across [µm]", "down [µm]", "intensity [peak]")
    return tuple(Column(heading, values) for heading, values in zip(headings, zip(*rows, strict=True), strict=True))


def _section_axes(number: int, across: str, down: str) -> Figure:
    """Return the axes of one of three pictures in a row; all have one scale."""
    ending = str(number + 1) if number else ""
    x = {"domain": _IN_A_ROW[number], "title": {"text": f"{across} [µm]"}, "showgrid": False,
         "constrain": "domain", "anchor": f"y{ending}"}  # fmt: skip
    y = {"title": {"text": f"{down} [µm]"}, "scaleanchor": f"x{ending}", "constrain": "domain", "showgrid": False,
         "anchor": f"x{ending}"}  # fmt: skip
    if number:
        x["scaleanchor"] = "x"
    else:
        y["autorange"] = "reversed"  # rows of an image go down, slices up
    if number == 2:  # the same z as beside it
        y |= {"title": {"text": ""}, "showticklabels": False}
    return {f"xaxis{ending}": x, f"yaxis{ending}": y}


def _profiles(numbers: Mapping[str, Any], name: str, axes: Sequence[str]) -> Drawing:
    """Draw lines through the mean image with their Gaussians."""
    data: list[Figure] = []
    said, columns = [], []
    for axis, symbol, dash in zip(axes, ("circle", "square-open"), ("solid", "dash"), strict=False):
        profile = numbers["psf"]["profiles"][axis]
        role = "points" if axis != "y" else "train"
        points = markers(f"along {axis}", profile["position_um"], profile["intensity"], role=role, symbol=symbol)
        data.append({**points, "showlegend": profile["gaussian"] is None})
        columns += [
            Column(f"{axis} [µm]", tuple(profile["position_um"])),
            Column(f"intensity along {axis} [peak]", tuple(profile["intensity"])),
        ]
        if (fit := profile["gaussian"]) is not None:
            places = _curve(profile["position_um"])
            width = quantity_text(fit["fwhm_um"], "µm", fit["fwhm_error_um"])
            data.append(line(f"{axis}: FWHM {width}", places, _gaussian(fit, places), role=role, dash=dash))
            said.append(f"{width} along {axis}")
        else:
            said.append(f"no Gaussian fits along {axis}")
    theory = numbers["theory"]
    aside = f" Theory allows {theory[f'{name}_um']:.3g} µm." if theory else ""
    return Drawing(
        f"profile-{name}",
        f"{name.capitalize()} profile",
        f"Full width at half maximum of Gaussians through the middle of the mean image: {' and '.join(said)}.{aside}"
        f"{_medians_said(numbers, axes)}",
        {"data": data, "layout": layout("distance from the middle [µm]", "intensity [peak = 1]", legend=True)},
        _padded(columns),
    )


def _medians_said(numbers: Mapping[str, Any], axes: Sequence[str]) -> str:
    """Say the medians of the beads, which are the figures."""
    medians = [(axis, numbers["medians"][axis]) for axis in axes if numbers["medians"][axis] is not None]
    each = [f"{quantity_text(one['value'], 'µm', one['uncertainty'])} along {axis}" for axis, one in medians]
    return f" Median of the beads, as in the table: {' and '.join(each)}." if each else ""


def _map(numbers: Mapping[str, Any], name: str, *axes: str) -> Drawing:
    """Draw each bead at its place, with its width as its colour."""
    beads = numbers["measured"]
    widths = [_mean_width(bead, axes) for bead in beads]
    errors = [
        math.sqrt(sum((bead[f"fwhm_{axis}_error_um"] or 0.0) ** 2 for axis in axes)) / len(axes) for bead in beads
    ]
    words = [quantity_text(width, "µm", error) for width, error in zip(widths, errors, strict=True)]
    x, y = [bead["x_um"] for bead in beads], [bead["y_um"] for bead in beads]
    hover = "x %{x:.4g} µm, y %{y:.4g} µm<br>FWHM %{text}"
    trace = markers("measured", x, y, role="map", size=13, hover=hover)
    trace |= {"text": words, "cliponaxis": False}
    trace["marker"] |= {
        "color": widths,
        "colorbar": color_bar(f"FWHM, {name} [µm]"),
        "showscale": True,
        **_span(widths),
    }
    said = [beads_counted(numbers)]
    of = f"{name.capitalize()} FWHM{' (mean of x and y)' if len(axes) > 1 else ''}"
    said.append(f"{of} from {min(widths):.3g} to {max(widths):.3g} µm{_trend_said(numbers, axes)}.")
    if numbers["rejected"]:
        said.append("Hollow squares: rejected.")
    return Drawing(
        f"fwhm-{name}",
        f"{name.capitalize()} width over the field",
        " ".join(said),
        {"data": [trace, *_rejected(numbers)], "layout": _field_layout(numbers)},
        (
            Column("x [µm]", tuple(x)),
            Column("y [µm]", tuple(y)),
            Column("z [µm]", tuple(bead["z_um"] for bead in beads)),
            Column(f"FWHM, {name} [µm]", tuple(float(f"{width:.4g}") for width in widths)),
            Column("standard error [µm]", tuple(float(f"{error:.2g}") for error in errors)),
        ),
    )


def _mean_width(bead: Mapping[str, Any], axes: Sequence[str]) -> float:
    """Return the mean of a bead's widths along some axes [µm]."""
    return float(sum(bead[f"fwhm_{axis}_um"] for axis in axes) / len(axes))


def _span(widths: Sequence[float]) -> Figure:
    """Return the ends of the scale of colours: those of the inner 96 %, so that one clump does not set it.

    At least a tenth to each side of the median, so that chance does not look like a slope.
    """
    middle, rising = statistics.median(widths), sorted(widths)
    outer = math.ceil(_OUTER_PART * (len(rising) - 1))
    low, high = (rising[outer], rising[-1 - outer]) if 2 * outer < len(rising) else (middle, middle)
    return {"cmin": min(low, (1 - _LEAST_SPAN) * middle), "cmax": max(high, (1 + _LEAST_SPAN) * middle)}


def _trend_said(numbers: Mapping[str, Any], axes: Sequence[str]) -> str:
    """Say whether the width changes over the field by more than two standard errors; of few beads they mean little."""
    trend = numbers["trend"]
    if trend is None or len(numbers["measured"]) < _LEAST_BEADS:
        return ""
    clear = []
    for direction, word in (("right", "to the right"), ("down", "downwards")):
        slope = sum(trend[axis][f"per_um_{direction}"] for axis in axes) / len(axes)
        error = math.sqrt(sum(trend[axis][f"per_um_{direction}_error"] ** 2 for axis in axes)) / len(axes)
        if abs(slope) > 2 * error:
            clear.append(f"{quantity_text(1000 * slope, 'nm', 1000 * error)} per µm {word}")
    return f"; it changes by {' and '.join(clear)}" if clear else "; it does not change clearly over the field"


def _rejected(numbers: Mapping[str, Any]) -> list[Figure]:
    spots = numbers["rejected"]
    if not spots:
        return []
    x, y = [spot["x_um"] for spot in spots], [spot["y_um"] for spot in spots]
    why = [WHY.get(spot["reason"], spot["reason"]) for spot in spots]
    hover = "x %{x:.4g} µm, y %{y:.4g} µm<br>%{text}"
    return [
        {
            **markers("rejected", x, y, role="invalid", symbol="square-open", size=10, hover=hover),
            "text": why,
            "cliponaxis": False,
        }
    ]


def _rejected_only(numbers: Mapping[str, Any]) -> Drawing:
    spots = numbers["rejected"]
    return Drawing(
        "rejected",
        "Beads over the field",
        beads_counted(numbers),
        {"data": _rejected(numbers), "layout": _field_layout(numbers)},
        (
            Column("x [µm]", tuple(spot["x_um"] for spot in spots)),
            Column("y [µm]", tuple(spot["y_um"] for spot in spots)),
            Column("rejected", tuple(WHY.get(spot["reason"], spot["reason"]) for spot in spots)),
        ),
    )


def _field_layout(numbers: Mapping[str, Any]) -> Figure:
    """Return axes that span the whole field, whatever part of it has beads."""
    height, width = numbers["field_yx_um"]
    axes = picture_axes("x [µm]", "y [µm]")
    axes["xaxis"] |= {"range": [0, width]}
    axes["yaxis"] |= {"range": [height, 0], "autorange": False}
    return axes


def _places(count: int, step_um: float) -> list[float]:
    return [round((place - count // 2) * step_um, 5) for place in range(count)]


def _curve(places: Sequence[float]) -> list[float]:
    step = (places[-1] - places[0]) / (_CURVE_POINTS - 1)
    return [round(places[0] + index * step, 5) for index in range(_CURVE_POINTS)]


def _gaussian(fit: Mapping[str, float], places: Sequence[float]) -> list[float]:
    sigma = fit["fwhm_um"] / _PER_SIGMA
    return [
        round(fit["base"] + fit["height"] * math.exp(-0.5 * ((place - fit["centre_um"]) / sigma) ** 2), 4)
        for place in places
    ]


def _round_length(longest_um: float) -> float:
    """Return the longest of 1, 2, 5 × 10ⁿ that is short enough [µm]."""
    power = 10.0 ** math.floor(math.log10(longest_um))
    return float(f"{max(step * power for step in (1, 2, 5) if step * power <= longest_um * 1.000001):.1g}")


def _padded(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return columns of equal length: short ones end in None."""
    longest = max(len(column.values) for column in columns)
    return tuple(Column(one.heading, one.values + (None,) * (longest - len(one.values))) for one in columns)
