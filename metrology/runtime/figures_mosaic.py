"""How bright the tiles of a mosaic are, beside one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.errors import AxesError, ConstantImageError, FitError
from metrology.attributes.mosaic import UM_PER_MM, MosaicView, fit_tilt
from metrology.attributes.views import PlaneView
from metrology.runtime.figures_scan import compact

if TYPE_CHECKING:
    import numpy as np

    from metrology.imaging.mosaics import TileGrid
    from metrology.runtime.figures_scan import Scan


def mosaic_numbers(scan: Scan) -> dict[str, Any] | None:
    """Return the mean of each tile and the plane through them; None where the image is no mosaic, or black.

    Parameters
    ----------
    scan : Scan
        A channel of a tile scan.

    Returns
    -------
    dict or None
        `tile_mean_counts` (rows × columns), `relative_percent` (of their mean), `tilt` (part of the mean a mm down and to
        the right with standard errors [%/mm]; None without a pixel size or with few tiles), and as measured: `steepest`,
        `seams`, `range`.
    """
    grid = scan.beside.tiles or scan.stack.tile_grid
    if grid is None:
        return None
    try:
        means = MosaicView(PlaneView(scan.plane, bit_depth=scan.measured.bit_depth), grid).means
    except (AxesError, ConstantImageError):
        return None
    return {
        "tile_mean_counts": compact(means),
        "relative_percent": compact(100 * means / means.mean()),
        "tilt": _tilt(means, grid, scan.pixel_size_yx_um),
        "steepest": scan.reading("tilt_per_mm"),
        "seams": scan.reading("seam_contrast"),
        "range": scan.reading("tile_intensity_range"),
    }


def _tilt(means: np.ndarray, grid: TileGrid, size_yx_um: tuple[float, float] | None) -> dict[str, Any] | None:
    if size_yx_um is None:
        return None
    height, width = (pixels * um / UM_PER_MM for pixels, um in zip(grid.tile_shape, size_yx_um, strict=True))
    try:
        found = fit_tilt(100 * means / means.mean(), tile_size_mm=(height, width))
    except FitError:
        return None
    return {
        "down": compact(found.down),
        "right": compact(found.right),
        "down_error": compact(found.down_error),
        "right_error": compact(found.right_error),
    }
