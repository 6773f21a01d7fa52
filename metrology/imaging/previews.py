"""Small 8-bit pictures of planes for pages, with the intensity scale that they show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from common.errors import StorageError
from metrology.imaging.planes import block_mean

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ContrastWindow:
    """The counts shown as black and as white, so that a page can draw the scale."""

    black: float
    white: float


def contrast_window(plane: np.ndarray, *, percentiles: tuple[float, float] = (0.1, 99.9)) -> ContrastWindow:
    """Choose black and white so that a few hot pixels do not darken the picture.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Counts.
    percentiles : tuple of float
        Part of the pixels below black and below white [%].

    Returns
    -------
    ContrastWindow
        In counts; white is above black also for a constant plane.
    """
    if plane.dtype in {np.dtype(np.uint8), np.dtype(np.uint16)}:  # counting is quicker than sorting
        below = np.cumsum(np.bincount(plane.ravel()))
        black, white = (float(np.searchsorted(below, part / 100 * below[-1])) for part in percentiles)
    else:
        black, white = (float(value) for value in np.percentile(plane, percentiles))
    return ContrastWindow(black, white if white > black else black + 1.0)


def preview(plane: np.ndarray, *, window: ContrastWindow | None = None) -> tuple[np.ndarray, ContrastWindow]:
    """Turn counts into an 8-bit picture.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Counts.
    window : ContrastWindow, optional
        Give the window of another picture to compare both on one scale; computed if left out.

    Returns
    -------
    picture : ndarray of uint8, shape (Y, X)
        0 at or below black, 255 at or above white.
    window : ContrastWindow
        The scale it shows.
    """
    window = window or contrast_window(plane)
    scaled = (plane.astype(np.float32) - np.float32(window.black)) * np.float32(255 / (window.white - window.black))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8), window


def write_preview(
    plane: np.ndarray, path: Path, *, size_px: int = 512, window: ContrastWindow | None = None
) -> ContrastWindow:
    """Write a picture of a plane that fits a square; JPEG, WebP or PNG by the ending of the name.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Counts.
    path : Path
        Where to; `.jpg` (ten times as quick as the others), `.webp` or `.png`.
    size_px : int
        Longest side of the picture [px]; a smaller plane is not enlarged.
    window : ContrastWindow, optional
        As in `preview`.

    Returns
    -------
    ContrastWindow
        The scale it shows.

    Raises
    ------
    StorageError
        The disk refuses; nothing half-written stays.
    """
    picture, window = preview(block_mean(plane, max(1, math.ceil(max(plane.shape) / size_px))), window=window)
    try:
        Image.fromarray(picture).save(path, quality=85, method=0)  # the quickest of an encoder's efforts
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StorageError(
            f"The preview {path.name} cannot be written.",
            hint="Free space on the disk of the facility.",
            reason=str(error),
        ) from error
    return window
