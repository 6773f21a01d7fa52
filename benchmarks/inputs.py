"""Images that the benchmarks measure: real ones where they are at hand, else simulated, always the same."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from metrology.imaging.readers import read

REAL_DATA = Path(os.environ.get("STREHL_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
"""Folder of real images; they are not part of the repository."""

CONVALLARIA = "specimens/convallaria_488_noisy.tif"
BEAD_PIXEL_UM, BEAD_STEP_UM = 0.1, 0.2
BEAD_WIDTHS_UM = tuple(2.3548 * sigma for sigma in (4.0 * BEAD_STEP_UM, 1.7 * BEAD_PIXEL_UM, 1.7 * BEAD_PIXEL_UM))
"""Full widths of the simulated beads along z, y and x [µm]."""


def mosaics(tiles: int) -> tuple[np.ndarray, np.ndarray, int, str]:
    """Return two exposures of the real Convallaria frame tiled with fresh Poisson noise, bit depth and what they are.

    Parameters
    ----------
    tiles : int
        Frames a side.

    Returns
    -------
    tuple of (ndarray, ndarray, int, str)
        Both uint16 planes, effective bit depth [bit], and a name; a simulated frame where the real one is missing.
    """
    path = REAL_DATA / CONVALLARIA
    if path.is_file():
        stack = read(path)
        frame, depth, name = stack.plane(), stack.bit_depth, "Convallaria"
    else:
        y, x = np.mgrid[:1024, :1024]
        frame = np.rint(800 + 700 * np.sin(x / 9) * np.cos(y / 13)).astype(np.uint16)
        depth, name = 14, "simulated frame (the real one is missing)"
    rng = np.random.default_rng(0)
    truth = np.tile(frame, (tiles, tiles))
    first, second = (np.minimum(rng.poisson(truth), 2**depth - 1).astype(np.uint16) for _ in range(2))
    return first, second, depth, name


def bead_stack() -> np.ndarray:
    """Return 25 Gaussian beads of known widths in 91×512×512 voxels, 12 bits, with Poisson noise."""
    rng = np.random.default_rng(5)
    axes = np.arange(91), np.arange(512), np.arange(512)
    stack = np.full([axis.size for axis in axes], 50.0, np.float32)
    grid = np.linspace(60, 452, 5)
    for row in grid:
        for column in grid:
            centre = (45 + rng.uniform(-2, 2), row + rng.uniform(-6, 6), column + rng.uniform(-6, 6))
            z, y, x = (
                np.exp(-0.5 * np.square((axis - at) / sigma))
                for axis, at, sigma in zip(axes, centre, (4.0, 1.7, 1.7), strict=True)
            )
            stack += (rng.uniform(900, 1500) * z[:, None, None] * y[:, None] * x).astype(np.float32)
    return rng.poisson(stack).clip(0, 4095).astype(np.uint16)
