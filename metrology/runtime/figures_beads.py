"""The mean image of the beads, its profiles, and the widths of the beads at their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.errors import FitError, TooFewBeadsError
from instruments.optics.resolution import theoretical_resolution
from metrology.attributes.bead_maps import average_psf, fwhm_map
from metrology.attributes.gaussian import FWHM_PER_SIGMA, fit_gaussian
from metrology.runtime.figures_scan import compact

if TYPE_CHECKING:
    import numpy as np

    from metrology.attributes.bead_fit import Bead
    from metrology.attributes.bead_maps import Slope
    from metrology.attributes.beads import BeadField
    from metrology.runtime.figures_scan import Scan

AXES = ("z", "y", "x")
MEDIANS = {"x": "fwhm_lateral_x", "y": "fwhm_lateral_y", "z": "fwhm_axial"}
MOST_SAMPLES = 121
"""Along one side of a section; of a larger one every n-th from the middle is kept."""


def bead_numbers(scan: Scan) -> dict[str, Any] | None:
    """Return the mean image of the beads and their widths over the field; None where beads were not looked for.

    Parameters
    ----------
    scan : Scan
        A channel of a z-stack of beads.

    Returns
    -------
    dict or None
        `field_yx_um`, `measured` (places and widths with standard errors [µm]), `rejected` (places and reasons),
        `reasons`, `psf` (None without beads), `trend` (None below four beads), `theory` (None without optics), `medians`
        (the figures of the widths, as measured).
    """
    field, size = scan.facts.bead_field, scan.pixel_size_yx_um
    if field is None or size is None:
        return None
    voxel = (float(scan.stack.metadata.require("z_step_um")), *size)
    rows, columns = scan.stack.shape_tczyx[3:]
    return {
        "field_yx_um": [compact(rows * size[0]), compact(columns * size[1])],
        "measured": [_bead(bead) for bead in field.beads],
        "rejected": [
            {"y_um": compact(one.y * size[0]), "x_um": compact(one.x * size[1]), "reason": str(one.rejection)}
            for one in field.rejected
        ],
        "reasons": field.reasons(),
        "psf": _psf(scan, field, voxel) if field.beads else None,
        "trend": _trend(field),
        "theory": _theory(scan),
        "medians": {axis: scan.reading(name) for axis, name in MEDIANS.items()},
    }


def _bead(bead: Bead) -> dict[str, Any]:
    widths = {"x": bead.lateral_x, "y": bead.lateral_y, "z": bead.axial}
    return {
        "y_um": compact(bead.y_um),
        "x_um": compact(bead.x_um),
        "z_um": compact(bead.z_um),
        **{f"fwhm_{axis}_um": compact(width.fwhm_um) for axis, width in widths.items()},
        **{f"fwhm_{axis}_error_um": compact(width.standard_error_um) for axis, width in widths.items()},
    }


def _psf(scan: Scan, field: BeadField, voxel: tuple[float, float, float]) -> dict[str, Any]:
    mean = average_psf(scan.stack.z_stack(c=scan.channel), field.beads, voxel_size_zyx_um=voxel)
    steps = [-(-size // MOST_SAMPLES) for size in mean.intensity.shape]
    middles = [size // 2 for size in mean.intensity.shape]
    kept = mean.intensity[tuple(slice(m % step, None, step) for m, step in zip(middles, steps, strict=True))]
    z, y, x = (middle // step for middle, step in zip(middles, steps, strict=True))
    lines = (
        mean.intensity[:, middles[1], middles[2]],
        mean.intensity[middles[0], :, middles[2]],
        mean.intensity[middles[0], middles[1], :],
    )
    return {
        "beads": mean.beads,
        "step_zyx_um": [compact(size * step) for size, step in zip(voxel, steps, strict=True)],
        "xy": _section(kept[z]),
        "xz": _section(kept[:, y, :]),
        "yz": _section(kept[:, :, x]),
        "profiles": {name: _profile(line, um) for name, line, um in zip(AXES, lines, voxel, strict=True)},
    }


def _section(values: np.ndarray) -> list[list[float]]:
    return [[round(float(value), 3) for value in row] for row in values]


def _profile(line: np.ndarray, voxel_um: float) -> dict[str, Any]:
    """Return a line through the middle of the mean image and the Gaussian through it; none where there is no such."""
    middle = len(line) // 2
    try:
        fit = fit_gaussian(line, [slice(0, len(line))], [float(middle)], [len(line) / 3])
    except FitError:
        gaussian = None
    else:
        gaussian = {
            "height": compact(fit.height),
            "base": compact(fit.base),
            "centre_um": compact((fit.centre[0] - middle) * voxel_um),
            "fwhm_um": compact(fit.sigma[0] * FWHM_PER_SIGMA * voxel_um),
            "fwhm_error_um": compact(fit.sigma_error[0] * FWHM_PER_SIGMA * voxel_um),
        }
    return {
        "position_um": [compact((place - middle) * voxel_um) for place in range(len(line))],
        "intensity": compact(line),
        "gaussian": gaussian,
    }


def _trend(field: BeadField) -> dict[str, Any] | None:
    try:
        found = fwhm_map(field.beads)
    except TooFewBeadsError:
        return None
    return {"z": _slope(found.axial), "y": _slope(found.lateral_y), "x": _slope(found.lateral_x)}


def _slope(slope: Slope) -> dict[str, Any]:
    return {
        "middle_um": compact(slope.middle_um),
        "per_um_down": compact(slope.per_um_down),
        "per_um_right": compact(slope.per_um_right),
        "per_um_down_error": compact(slope.per_um_down_error),
        "per_um_right_error": compact(slope.per_um_right_error),
    }


def _theory(scan: Scan) -> dict[str, Any] | None:
    optics = scan.beside.optics
    if scan.channel >= len(optics):
        return None
    found = theoretical_resolution(optics[scan.channel])
    return {"lateral_um": compact(found.fwhm_lateral_um), "axial_um": compact(found.fwhm_axial_um)}
