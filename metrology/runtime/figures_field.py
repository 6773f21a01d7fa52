"""How the light falls on a homogeneous slide, and how deep it is bright."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metrology.attributes.field_surface import BLOCKS, block_means, illumination_surface, surface_at
from metrology.runtime.figures_scan import compact

if TYPE_CHECKING:
    from metrology.attributes.field_surface import IlluminationSurface
    from metrology.imaging.mosaics import TileGrid
    from metrology.runtime.figures_scan import Scan

SAMPLES = 256
"""Along a profile, at most."""


def field_numbers(scan: Scan) -> dict[str, Any] | None:
    """Return the light over the field, measured and fitted, in parts of its brightest block; None where it is black.

    Of a mosaic it is the mean of its tiles: each is lit alike.

    Parameters
    ----------
    scan : Scan
        A channel of a homogeneous slide.

    Returns
    -------
    dict or None
        `size_yx_px`, `pixel_size_yx_um` (None where not known), `rows_px`, `columns_px`, `measured_percent` and
        `fitted_percent` of blocks, `top_yx_px` (None without a top), `row` and `column` (profiles through the top, or the
        middle), `tiles` (how many were averaged), and as measured, of a single field: `uniformity`, `centring` [%].
    """
    grid = scan.beside.tiles or scan.stack.tile_grid
    plane = scan.plane if grid is None else _mean_tile(scan.plane, grid)
    surface = illumination_surface(plane)
    brightest = float(surface.means.max())
    if brightest <= 0:
        return None
    per = 100 / brightest
    sizes = scan.pixel_size_yx_um
    return {
        "size_yx_px": list(plane.shape),
        "pixel_size_yx_um": None if sizes is None else list(sizes),
        "rows_px": compact(surface.rows_px),
        "columns_px": compact(surface.columns_px),
        "measured_percent": compact(surface.means * per),
        "fitted_percent": compact(surface.fitted * per),
        "top_yx_px": None if surface.top_yx_px is None else compact(surface.top_yx_px),
        "row": _profile(plane, surface, per, axis=1),
        "column": _profile(plane, surface, per, axis=0),
        "tiles": 1 if grid is None else len(grid),
        "uniformity": scan.reading("field_uniformity_robust") if grid is None else None,
        "centring": scan.reading("field_centring_robust") if grid is None else None,
    }


def _mean_tile(plane: np.ndarray, grid: TileGrid) -> np.ndarray:
    total = np.zeros(grid.tile_shape)
    for where in grid.slices():
        total += plane[where]
    return total / len(grid)


def _profile(plane: np.ndarray, surface: IlluminationSurface, per: float, *, axis: int) -> dict[str, Any]:
    """Return the means over a band of a block's height through the top, along one axis."""
    across = 1 - axis
    size = plane.shape[across]
    at = size / 2 if surface.top_yx_px is None else min(max(surface.top_yx_px[across], 0.0), float(size))
    half = max(1, size // (2 * BLOCKS))
    low = min(max(int(at) - half, 0), max(size - 2 * half, 0))
    band = plane[low : low + 2 * half] if axis == 1 else plane[:, low : low + 2 * half]
    blocks = (1, SAMPLES) if axis == 1 else (SAMPLES, 1)
    means, rows_px, columns_px = block_means(band, blocks_yx=blocks)
    places = columns_px if axis == 1 else rows_px
    along = 2 * places / plane.shape[axis] - 1
    beside = np.full_like(along, 2 * at / size - 1)
    fitted = surface_at(surface, *((beside, along) if axis == 1 else (along, beside)))
    return {
        "at_px": compact(at),
        "position_px": compact(places),
        "measured_percent": compact(means.ravel() * per),
        "fitted_percent": compact(fitted * per),
    }


def depth_numbers(scan: Scan) -> dict[str, Any]:
    """Return the mean of each slice.

    Parameters
    ----------
    scan : Scan
        A channel of a z-stack.

    Returns
    -------
    dict
        `mean_counts`, `z_step_um` (None where not known) and `width` (as measured, None where there is no peak).
    """
    means = scan.stack.slice_means.get((0, scan.channel))
    if means is None:
        slices = range(scan.stack.shape_tczyx[2])
        means = np.array([scan.stack.plane(c=scan.channel, z=z).mean(dtype=np.float64) for z in slices])
    step = scan.stack.metadata.value("z_step_um")
    return {
        "mean_counts": compact(means),
        "z_step_um": None if step is None else compact(step),
        "width": scan.reading("axial_profile_width"),
    }
