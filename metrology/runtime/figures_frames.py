"""What repeated frames of one field say: the photon-transfer plot and the brightness over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import FitError, MissingMetadataError
from metrology.attributes.frames import FramesView, offset, read_noise
from metrology.attributes.transfer_points import transfer_points
from metrology.runtime.figures_scan import compact

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrology.attributes.quantity import Quantity
    from metrology.runtime.figures_scan import Scan


def frames_numbers(scan: Scan) -> dict[str, Any]:
    """Return the points and the line of the photon-transfer plot, and the mean of each frame.

    Parameters
    ----------
    scan : Scan
        A channel with several time points.

    Returns
    -------
    dict
        `mean_counts` and `variance_counts2` of squares of 8 pixels, `line` (slope and intercept with standard errors;
        None where the frames do not tell, then `why_no_line`), `frame_mean_counts`, `time_step_s` (None where not known);
        of the frames without light `read_noise`, `offset` and `dark_name`, the scan that they are (None and empty where
        there is none); and as measured `gain` and `bleaching` (None where they could not be had).
    """
    stack = scan.stack
    frames = stack.frames(c=scan.channel, z=scan.facts.slice_z)
    dark = scan.beside.dark
    without_light = None if dark is None else dark.frames(c=min(scan.channel, dark.shape_tczyx[1] - 1))
    view = FramesView(frames, bit_depth=scan.measured.bit_depth, dark=without_light)
    means, variances = transfer_points(frames, largest_count=2**view.bit_depth - 1)
    step = stack.metadata.value("time_step_s")
    return {
        "mean_counts": compact(means),
        "variance_counts2": compact(variances),
        **_line(view),
        "frame_mean_counts": compact(frames.mean(axis=(1, 2), dtype=np.float64)),
        "time_step_s": None if step is None else compact(step),
        "gain": scan.reading("gain_e_per_adu"),
        **_detector(view),
        "dark_name": scan.beside.dark_name,
        "bleaching": scan.reading("photobleaching"),
    }


def _detector(view: FramesView) -> dict[str, Any]:
    """Return read noise and offset by the dark frames; charted are those of the dark scan itself, once."""
    return {"read_noise": _known(read_noise, view), "offset": _known(offset, view)}


def _known(function: Callable[[FramesView], Quantity], view: FramesView) -> dict[str, Any] | None:
    try:
        found = function(view)
    except (FitError, MissingMetadataError):
        return None
    return {"value": found.value, "uncertainty": found.uncertainty, "n": found.n}


def _line(view: FramesView) -> dict[str, Any]:
    """Return the line that the gain is the slope of."""
    try:
        found = view.transfer
    except FitError as error:
        return {"line": None, "why_no_line": str(error)}
    line = {
        "slope": compact(found.slope),
        "slope_error": compact(found.slope_error),
        "intercept": compact(found.intercept),
        "intercept_error": compact(found.intercept_error),
        "squares": found.blocks,
    }
    return {"line": line, "why_no_line": ""}
