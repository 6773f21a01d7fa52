"""What repeated frames of one field say: the photon-transfer plot and the brightness over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import FitError
from metrology.attributes.frames import photon_transfer
from metrology.attributes.transfer_points import transfer_points
from metrology.runtime.figures_scan import compact

if TYPE_CHECKING:
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
        None where the frames do not tell, then `why_no_line`), `frame_mean_counts`, `time_step_s` (None where not known),
        and as measured: `gain`, `read_noise`, `offset`, `bleaching` (None where they could not be had).
    """
    stack = scan.stack
    frames = np.stack([stack.plane(t=t, c=scan.channel, z=scan.facts.slice_z) for t in range(stack.shape_tczyx[0])])
    largest = 2**scan.measured.bit_depth - 1
    means, variances = transfer_points(frames, largest_count=largest)
    step = stack.metadata.value("time_step_s")
    return {
        "mean_counts": compact(means),
        "variance_counts2": compact(variances),
        **_line(frames, largest),
        "frame_mean_counts": compact(frames.mean(axis=(1, 2), dtype=np.float64)),
        "time_step_s": None if step is None else compact(step),
        "gain": scan.reading("gain_e_per_adu"),
        "read_noise": scan.reading("read_noise"),
        "offset": scan.reading("offset"),
        "bleaching": scan.reading("photobleaching"),
    }


def _line(frames: np.ndarray, largest: int) -> dict[str, Any]:
    try:
        found = photon_transfer(frames, largest_count=largest)
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
