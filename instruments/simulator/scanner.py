"""What a scanner does wrong: lines of the way back shifted, lines left out and interpolated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from common.errors import AxesError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """Settings and misadjustments of the scan mirrors.

    Parameters
    ----------
    bidirectional_shift_px : float
        How far the lines scanned on the way back (1, 3, 5 …) lie to the right of the others [px].
    line_step : int
        1 scans each line; n scans each n-th and interpolates the rest.

    Raises
    ------
    InputError
        If the line step is below 1.
    """

    bidirectional_shift_px: float = 0.0
    line_step: int = 1

    def __post_init__(self) -> None:
        if self.line_step < 1:
            raise InputError("A line step below 1 is impossible.", hint="Give 1 to scan each line.")


def shift_return_lines(image: NDArray, *, shift_px: float) -> NDArray:
    """Return the image with the lines of the way back shifted to the right.

    Parameters
    ----------
    image : ndarray, shape (..., Y, X)
        Any intensity.
    shift_px : float
        Shift of lines 1, 3, 5 … [px].

    Returns
    -------
    ndarray of float, same shape
        Cubic interpolation, edges repeated; not below 0 where the input is not.

    Raises
    ------
    AxesError
        If there are fewer than two axes.
    """
    _require_plane(image)
    shifted = np.array(image, dtype=float)
    if shift_px == 0.0:
        return shifted
    lines = shifted[..., 1::2, :]
    amounts = (0.0,) * (image.ndim - 1) + (shift_px,)
    moved = ndimage.shift(lines, amounts, order=3, mode="nearest")
    shifted[..., 1::2, :] = np.clip(moved, lines.min(initial=0.0), None)
    return shifted


def interpolate_skipped_lines(image: NDArray, *, line_step: int) -> NDArray:
    """Return the image as it looks when only each n-th line was scanned and the rest interpolated.

    Parameters
    ----------
    image : ndarray, shape (..., Y, X)
        Counts of the full scan.
    line_step : int
        n; 1 changes nothing.

    Returns
    -------
    ndarray, same shape and type
        Skipped lines are linear mixtures of their scanned neighbours; below the last scanned line it is repeated.

    Raises
    ------
    AxesError
        If there are fewer than two axes.
    """
    _require_plane(image)
    rows = np.arange(image.shape[-2])
    above = (rows // line_step) * line_step
    below = np.minimum(above + line_step, rows[-1] // line_step * line_step)
    weight = ((rows - above) / line_step)[:, np.newaxis]
    mixed = image[..., above, :] * (1.0 - weight) + image[..., below, :] * weight
    if np.issubdtype(image.dtype, np.integer):
        mixed = np.rint(mixed)
    return np.asarray(mixed.astype(image.dtype))


def _require_plane(image: NDArray) -> None:
    if image.ndim < 2:
        raise AxesError("A scanned image has lines and columns.", hint="Give an array of at least two axes.")
