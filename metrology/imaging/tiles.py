"""Pyramids of raw tiles: every count of a plane, cut so that a page can show any part at any zoom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from common.errors import AxesError, StorageError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

TILE_PX = 256
"""Side of a tile: 128 kB of 16-bit counts, little enough to be fetched for the one pixel under a pointer [px]."""
KEPT_BYTES = 64 * 1024**2
"""Counts of the other slices of a stack that are kept beside the measured one, over all its channels [byte]."""
_TYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))


@dataclass(frozen=True, slots=True)
class Level:
    """One resolution of a pyramid: its size, and where its tiles begin in the file.

    Parameters
    ----------
    width, height : int
        Size [px].
    offset : int
        Place of its first tile in the file [byte].
    """

    width: int
    height: int
    offset: int


def pyramid_levels(shape_yx: tuple[int, int], *, bytes_per_count: int) -> tuple[Level, ...]:
    """Say how large each resolution of a plane is and where it lies in the file.

    Parameters
    ----------
    shape_yx : tuple of int
        Rows and columns of the plane [px].
    bytes_per_count : int
        1, 2 or 4 [byte].

    Returns
    -------
    tuple of Level
        The full resolution first, each next one half as large (rounded up), until one tile holds all.
    """
    height, width = shape_yx
    levels = [Level(width, height, 0)]
    while max(levels[-1].width, levels[-1].height) > TILE_PX:
        last = levels[-1]
        end = last.offset + last.width * last.height * bytes_per_count
        levels.append(Level(math.ceil(last.width / 2), math.ceil(last.height / 2), end))
    return tuple(levels)


def slices_kept(slices: int, *, measured: int, bytes_per_slice: int, budget_bytes: int = KEPT_BYTES) -> tuple[int, ...]:
    """Choose the slices of a stack that a page can show: all, or evenly spaced ones where all would be too much.

    Parameters
    ----------
    slices : int
        Number of slices of the stack.
    measured : int
        The slice that was measured; always kept.
    bytes_per_slice : int
        Size of one slice [byte].
    budget_bytes : int
        What may be kept [byte].

    Returns
    -------
    tuple of int
        Ascending; the measured slice and every n-th from it, with the smallest n that fits.
    """
    step = max(1, math.ceil(slices * bytes_per_slice / max(1, budget_bytes)))
    if step >= slices:
        return (measured,)
    return tuple(range(measured % step, slices, step))


def write_pyramid(plane: np.ndarray, path: Path) -> tuple[Level, ...]:
    """Write a plane as tiles in every resolution, without loss.

    Parameters
    ----------
    plane : ndarray of uint8, uint16 or float32, shape (Y, X)
        Counts.
    path : Path
        Where to.

    Returns
    -------
    tuple of Level
        What lies where: in each level the tiles follow one another row by row, those at the right and lower border as
        narrow and low as what is left; in each tile the counts do, little-endian.

    Raises
    ------
    AxesError
        The pixels are of another type.
    StorageError
        The disk refuses; nothing half-written stays.

    Notes
    -----
    Not compressed: the tiles of a plane take 4/3 of its bytes, and writing them costs little more than a copy. Coarser
    levels hold means of 2 × 2 pixels; only the first level holds the counts of the detector.
    """
    if plane.dtype not in _TYPES:
        raise AxesError(
            f"Tiles cannot hold pixels of the type {plane.dtype}.",
            hint="Read the file with metrology.imaging.readers, which gives uint8, uint16 or float32.",
        )
    levels = pyramid_levels(plane.shape, bytes_per_count=plane.itemsize)
    try:
        with path.open("wb") as file:
            _write_tiles(plane, file)
            for _ in levels[1:]:
                plane = halved(plane)
                _write_tiles(plane, file)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StorageError(
            "The tiles of the picture cannot be written.",
            hint="Free space on the disk of the facility, then measure again.",
            reason=str(error),
        ) from error
    return levels


def halved(plane: np.ndarray) -> np.ndarray:
    """Return the means of 2 × 2 pixels; an odd last row or column counts twice.

    Parameters
    ----------
    plane : ndarray of uint8, uint16 or float32, shape (Y, X)
        Counts.

    Returns
    -------
    ndarray, shape (ceil(Y / 2), ceil(X / 2))
        Of the same type; whole numbers are rounded, halves upwards.
    """
    rows, columns = plane.shape
    if rows % 2 or columns % 2:
        plane = np.pad(plane, ((0, rows % 2), (0, columns % 2)), mode="edge")
    if plane.dtype.kind == "u":
        return np.asarray(_halved_counts(plane))
    return np.asarray((plane[0::2, 0::2] + plane[0::2, 1::2] + plane[1::2, 0::2] + plane[1::2, 1::2]) / 4, plane.dtype)


@njit(cache=True, nogil=True)
def _halved_counts(plane: np.ndarray) -> np.ndarray:
    halves = np.empty((plane.shape[0] // 2, plane.shape[1] // 2), plane.dtype)
    for i in range(halves.shape[0]):
        upper, lower = plane[2 * i], plane[2 * i + 1]
        for j in range(halves.shape[1]):
            halves[i, j] = (
                np.uint32(upper[2 * j])
                + np.uint32(upper[2 * j + 1])
                + np.uint32(lower[2 * j])
                + np.uint32(lower[2 * j + 1])
                + 2
            ) // 4
    return halves


def _write_tiles(plane: np.ndarray, file: IO[bytes]) -> None:
    little = plane.astype(plane.dtype.newbyteorder("<"), copy=False)
    for row in range(0, plane.shape[0], TILE_PX):
        for column in range(0, plane.shape[1], TILE_PX):
            file.write(little[row : row + TILE_PX, column : column + TILE_PX].tobytes())
