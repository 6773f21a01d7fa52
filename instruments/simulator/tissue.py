"""Thin tissue sections drawn from rules: a rhizome like Convallaria's, a kidney cortex.

They imitate sizes and arrangement (thin walls, small bright vessels; tubules, brush borders, nuclei), not biology.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from instruments.simulator.specimens import Specimen, Standard

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class _Tiling:
    """Cells around centres: which one a pixel belongs to, how far its wall and its centre are."""

    cell: NDArray
    wall_um: NDArray
    offset_y_um: NDArray
    offset_x_um: NDArray


def convallaria(*, seed: int, shape: tuple[int, int], pixel_size_um: float = 0.4) -> Specimen:
    """Draw a section like a Convallaria rhizome: large thin-walled cells and a bundle of small bright vessels.

    Parameters
    ----------
    seed : int
        Field of view.
    shape : tuple of int
        Rows and columns [px].
    pixel_size_um : float
        [µm]

    Returns
    -------
    Specimen
        One thin layer; walls autofluoresce, cells hold a faint content and a few granules.
    """
    rng = np.random.default_rng([seed, 3])
    y_um, x_um = _coordinates_um(shape, pixel_size_um)
    extent_um = np.array(shape) * pixel_size_um
    bundle_um = rng.uniform(0.2, 0.8, size=2) * extent_um
    bundle_radius_um = rng.uniform(0.2, 0.3) * extent_um.min()
    large = _jittered_grid(rng, extent_um, spacing_um=18.0)
    large = large[np.hypot(*(large - bundle_um).T) > bundle_radius_um]
    small = _jittered_grid(rng, extent_um, spacing_um=6.5)
    small = small[np.hypot(*(small - bundle_um).T) <= bundle_radius_um]
    centres = np.vstack([large, small])
    tiling = _tile(centres, y_um, x_um)
    is_vessel = np.arange(len(centres)) >= len(large)
    thickness_um = np.where(is_vessel, rng.uniform(0.7, 1.3, len(centres)), rng.uniform(0.35, 0.6, len(centres)))
    wall_level = np.where(is_vessel, rng.uniform(0.7, 1.0, len(centres)), rng.uniform(0.35, 0.6, len(centres)))
    content = np.where(is_vessel, 0.02, rng.uniform(0.03, 0.09, len(centres)))
    wall = _soft_step(thickness_um[tiling.cell] - tiling.wall_um, pixel_size_um)
    granules = _spots(rng, shape, pixel_size_um, per_mm2=4000.0, radius_um=0.8) * ~is_vessel[tiling.cell]
    density = wall * wall_level[tiling.cell] + (1.0 - wall) * (content[tiling.cell] + 0.4 * granules)
    return _section(Standard.CONVALLARIA, density * _mottle(rng, shape, 3.0 / pixel_size_um, 0.12), pixel_size_um)


def kidney(*, seed: int, shape: tuple[int, int], pixel_size_um: float = 0.4) -> Specimen:
    """Draw a section like kidney cortex: tubules with a lumen, a striated brush border and round nuclei.

    Parameters
    ----------
    seed : int
        Field of view.
    shape : tuple of int
        Rows and columns [px].
    pixel_size_um : float
        [µm]

    Returns
    -------
    Specimen
        One thin layer.
    """
    rng = np.random.default_rng([seed, 4])
    y_um, x_um = _coordinates_um(shape, pixel_size_um)
    centres = _jittered_grid(rng, np.array(shape) * pixel_size_um, spacing_um=34.0)
    tiling = _tile(centres, y_um, x_um)
    epithelium_um = rng.uniform(7.5, 9.5, len(centres))[tiling.cell]
    has_brush = (rng.uniform(size=len(centres)) < 0.7)[tiling.cell]
    depth_um = tiling.wall_um - 0.8
    inside = _soft_step(depth_um, pixel_size_um)
    epithelium = inside * _soft_step(epithelium_um - depth_um, pixel_size_um)
    angle_rad = np.arctan2(tiling.offset_y_um, tiling.offset_x_um)
    radius_um = np.hypot(tiling.offset_y_um, tiling.offset_x_um)
    striation = 0.75 + 0.25 * np.cos(2.0 * np.pi * angle_rad * radius_um.mean() / 1.2)
    brush_depth_um = depth_um - epithelium_um
    brush = (
        has_brush * _soft_step(brush_depth_um + 0.5, pixel_size_um) * _soft_step(2.0 - brush_depth_um, pixel_size_um)
    )
    cytoplasm = epithelium * 0.3 * _mottle(rng, shape, 0.8 / pixel_size_um, 0.35)
    nuclei = _nuclei(rng, tiling, depth_um=depth_um, angle_rad=angle_rad, radius_um=radius_um)
    interstitium = (1.0 - inside) * 0.12
    density = np.maximum.reduce([cytoplasm, brush * striation * inside, 0.85 * nuclei * inside, interstitium]) + 0.015
    return _section(Standard.KIDNEY, density, pixel_size_um)


def _nuclei(
    rng: np.random.Generator, tiling: _Tiling, *, depth_um: NDArray, angle_rad: NDArray, radius_um: NDArray
) -> NDArray:
    """Set round nuclei at even angles along each tubule, 3.6 µm below its rim."""
    cells = int(tiling.cell.max()) + 1
    number = rng.integers(6, 10, cells)[tiling.cell]
    phase = rng.uniform(size=cells)[tiling.cell]
    along = (angle_rad / (2.0 * np.pi) * number + phase) % 1.0 - 0.5
    arc_um = along * 2.0 * np.pi * radius_um / number
    distance_um = np.hypot(arc_um, depth_um - 3.6)
    return _soft_step(2.6 - distance_um, 0.4)


def _section(standard: Standard, density: NDArray, pixel_size_um: float) -> Specimen:
    return Specimen(
        standard=standard,
        pixel_size_um=pixel_size_um,
        density=np.clip(density, 0.0, 1.0)[np.newaxis],
        slab_z_um=np.zeros(1),
    )


def _coordinates_um(shape: tuple[int, int], pixel_size_um: float) -> tuple[NDArray, NDArray]:
    y, x = np.mgrid[: shape[0], : shape[1]] * pixel_size_um
    return y, x


def _jittered_grid(rng: np.random.Generator, extent_um: NDArray, *, spacing_um: float) -> NDArray:
    """Return the points (y, x) [µm] of a hexagonal grid, shaken, over the field and a border of two cells."""
    rows = np.arange(-2.0 * spacing_um, extent_um[0] + 2.0 * spacing_um, spacing_um * np.sqrt(0.75))
    columns = np.arange(-2.0 * spacing_um, extent_um[1] + 2.0 * spacing_um, spacing_um)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    x = x + (np.arange(len(rows)) % 2)[:, np.newaxis] * spacing_um / 2.0
    points = np.column_stack([y.ravel(), x.ravel()]) + rng.uniform(0.0, spacing_um, size=2)
    return np.asarray(points + rng.normal(0.0, 0.16 * spacing_um, size=points.shape))


def _tile(centres_um: NDArray, y_um: NDArray, x_um: NDArray) -> _Tiling:
    """Give each pixel to its nearest centre; the wall is the bisector towards the second nearest."""
    pixels = np.column_stack([y_um.ravel(), x_um.ravel()])
    distance_um, nearest = cKDTree(centres_um).query(pixels, k=2)
    gap_um = np.hypot(*(centres_um[nearest[:, 1]] - centres_um[nearest[:, 0]]).T)
    wall_um = (distance_um[:, 1] ** 2 - distance_um[:, 0] ** 2) / (2.0 * gap_um)
    offset_um = pixels - centres_um[nearest[:, 0]]
    return _Tiling(
        cell=nearest[:, 0].reshape(y_um.shape),
        wall_um=wall_um.reshape(y_um.shape),
        offset_y_um=offset_um[:, 0].reshape(y_um.shape),
        offset_x_um=offset_um[:, 1].reshape(y_um.shape),
    )


def _soft_step(inside_um: NDArray, softness_um: float) -> NDArray:
    """Return 1 inside, 0 outside, linear over one softness."""
    return np.asarray(np.clip(inside_um / softness_um + 0.5, 0.0, 1.0))


def _mottle(rng: np.random.Generator, shape: tuple[int, int], grain_px: float, contrast: float) -> NDArray:
    """Return a positive random texture of mean near 1 with this grain and relative contrast."""
    noise = ndimage.gaussian_filter(rng.normal(size=shape), grain_px, mode="wrap")
    return np.asarray(np.clip(1.0 + contrast * noise / noise.std(), 0.05, None))


def _spots(
    rng: np.random.Generator, shape: tuple[int, int], pixel_size_um: float, *, per_mm2: float, radius_um: float
) -> NDArray:
    """Return small round spots of peak 1 at random places."""
    area_mm2 = shape[0] * shape[1] * (pixel_size_um / 1000.0) ** 2
    seeds = np.zeros(shape)
    count = rng.poisson(per_mm2 * area_mm2)
    seeds[rng.integers(0, shape[0], count), rng.integers(0, shape[1], count)] = 1.0
    sigma_px = radius_um / pixel_size_um / 1.2
    return np.asarray(np.clip(ndimage.gaussian_filter(seeds, sigma_px) * 2.0 * np.pi * sigma_px**2, 0.0, 1.0))
