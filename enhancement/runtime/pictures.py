"""Pictures for pages: three panels at one contrast, written whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from common.errors import StorageError
from metrology.imaging.previews import ContrastWindow, contrast_window, write_preview

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

GAP_PX = 4
PICTURE_PX = 1024


def write_picture(plane: NDArray, path: Path, *, window: ContrastWindow, size_px: int = PICTURE_PX) -> None:
    """Write a WebP picture of a plane at a given contrast.

    Parameters
    ----------
    plane : (Y, X) array
        Counts.
    path : Path
        Where to; its folder is made.
    window : ContrastWindow
        Counts shown as black and white.
    size_px : int
        Longest side [px]; larger planes are averaged down.

    Raises
    ------
    StorageError
        If the disk refuses; nothing half-written stays.
    """
    unfinished = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_preview(plane, unfinished, size_px=size_px, window=window)
        unfinished.replace(path)
    except OSError as error:
        raise StorageError(
            f"The picture {path.name} cannot be written.",
            hint="Free space on the disk of the facility.",
            reason=str(error),
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def write_panels(planes: Sequence[NDArray], path: Path) -> ContrastWindow:
    """Write planes of equal shape beside each other, all at the contrast of the last.

    Parameters
    ----------
    planes : sequence of (Y, X) arrays
        Counts on one scale: raw, prediction, target.
    path : Path
        Where to.

    Returns
    -------
    ContrastWindow
        The scale they show.
    """
    window = contrast_window(planes[-1])
    gap = np.full((planes[-1].shape[0], GAP_PX), window.white, np.float32)
    row: list[NDArray] = []
    for plane in planes:
        row += [plane, gap]
    joined = np.hstack(row[:-1])
    write_picture(joined, path, window=window, size_px=max(joined.shape))
    return window
