"""Charts of repeated frames: photon transfer and brightness over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.templatetags.formatting import quantity_text
from metrology.charts.drawing import Column, Drawing, layout, line, markers

if TYPE_CHECKING:
    from collections.abc import Mapping


def frames_drawings(numbers: Mapping[str, Any]) -> list[Drawing]:
    """Draw what repeated frames of one field tell of the detector and the dye.

    Parameters
    ----------
    numbers : mapping
        As `metrology.runtime.figures_frames.frames_numbers` writes them.

    Returns
    -------
    list of Drawing
        The photon-transfer plot, where a square of the field is neither dark nor saturated, and the mean of each frame.
    """
    return [*([_transfer(numbers)] if numbers["mean_counts"] else []), _intensity(numbers)]


def _transfer(numbers: Mapping[str, Any]) -> Drawing:
    means, variances, found = numbers["mean_counts"], numbers["variance_counts2"], numbers["line"]
    hover = "mean %{x:.4g} counts<br>variance %{y:.4g} counts²"
    data = [markers("squares of 8 × 8 pixels", means, variances, role="points", size=4, hover=hover)]
    if found is not None:
        ends = [means[0], means[-1]]
        heights = [found["intercept"] + found["slope"] * end for end in ends]
        data.append(line("fitted", ends, heights, role="action", hover="%{y:.4g} counts²"))
    return Drawing(
        "photon-transfer",
        "Photon transfer",
        _transfer_said(numbers),
        {
            "data": data,
            "layout": layout("mean [counts]", "variance [counts²]", legend=True, yaxis={"rangemode": "tozero"}),
        },
        (Column("mean [counts]", tuple(means)), Column("variance [counts²]", tuple(variances))),
    )


def _transfer_said(numbers: Mapping[str, Any]) -> str:
    """Say the gain, the read noise and the offset, or why they are not known."""
    found, gain = numbers["line"], numbers["gain"]
    if found is None:
        said = ["Variance over time against mean, by squares of the field.", numbers["why_no_line"]]
        return " ".join([*said, *_dark_said(numbers)])
    slope = quantity_text(found["slope"], "counts", found["slope_error"])
    intercept = quantity_text(found["intercept"], "counts²", found["intercept_error"])
    said = [f"Variance over time against mean, by {found['squares']} squares of the field: it grows by {slope}."]
    if gain is not None:
        said.append(f"Gain {quantity_text(gain['value'], 'e⁻/ADU', gain['uncertainty'])}.")
    dark = _dark_said(numbers)
    if not dark:
        said.append(
            f"The line meets a mean of 0 at {intercept}; to tell read noise and offset apart takes frames without light: "
            "a scan of dark frames before this one, with the same size and detector settings."
        )
    return " ".join([*said, *dark])


def _dark_said(numbers: Mapping[str, Any]) -> list[str]:
    """Say what the frames without light tell, and which scan they are; nothing where there are none."""
    quantities = [("read_noise", "Read noise"), ("offset", "Offset")]
    known = [(word, numbers[name]) for name, word in quantities if numbers[name] is not None]
    said = [f"{word} {quantity_text(one['value'], 'counts', one['uncertainty'])}." for word, one in known]
    scan = numbers.get("dark_name")  # not noted by an earlier Strehl
    return [*said, f"Frames without light: {scan}."] if scan else said


def _intensity(numbers: Mapping[str, Any]) -> Drawing:
    means, step = numbers["frame_mean_counts"], numbers["time_step_s"]
    places = [round(index * step, 4) if step else index + 1 for index in range(len(means))]
    axis = "time [s]" if step else "frame"
    bleaching = numbers["bleaching"]
    lost = (
        f" Signal lost from each frame to the next: {quantity_text(bleaching['value'], '%', bleaching['uncertainty'])}."
        if bleaching
        else ""
    )
    trace = {
        **markers("mean", places, means, role="points", hover="%{x:.4g}<br>%{y:.5g} counts"),
        "mode": "lines+markers",
    }
    return Drawing(
        "frame-means",
        "Brightness over the frames",
        f"Mean of each of {len(means)} frames, from {min(means):.5g} to {max(means):.5g} counts.{lost}",
        {"data": [trace], "layout": layout(axis, "mean [counts]")},
        (Column(axis, tuple(places)), Column("mean [counts]", tuple(means))),
    )
