"""The light over a field as a smooth surface: block means, the paraboloid through them and its top."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BLOCKS = 32
"""Down and across, that a paraboloid is fitted to."""
_CLEAR = 3.0  # standard errors, by which the surface has to bend down in every direction to have a top


@dataclass(frozen=True, slots=True, eq=False)
class Top:
    """Where a surface is highest.

    Parameters
    ----------
    vu : ndarray, shape (2,)
        Place down and across, −1 and 1 at the borders of the field, perhaps outside it [1].
    covariance : ndarray, shape (2, 2)
        Of that place, from what the blocks differ from the surface [1].
    """

    vu: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class IlluminationSurface:
    """How bright each part of a field is.

    Parameters
    ----------
    means, fitted : ndarray, shape (rows, columns)
        Means of the blocks and the paraboloid at their middles [count].
    rows_px, columns_px : ndarray
        Middles of the blocks, 0 at the upper left corner of the field [px].
    shape_px : tuple of int
        Height and width of the field [px].
    top : Top or None
        Where the paraboloid is highest; None where it has no top.
    coefficients : ndarray, shape (6,)
        Of 1, v, u, v², uv and u², where v and u go from −1 to 1 down and across the field [count].
    """

    means: np.ndarray
    fitted: np.ndarray
    rows_px: np.ndarray
    columns_px: np.ndarray
    shape_px: tuple[int, int]
    top: Top | None
    coefficients: np.ndarray

    @property
    def top_yx_px(self) -> tuple[float, float] | None:
        """Where the paraboloid is highest, perhaps outside the field; None where it has no top [px]."""
        if self.top is None:
            return None
        (v, u), (height, width) = self.top.vu, self.shape_px
        return float((v + 1) * height / 2), float((u + 1) * width / 2)


def illumination_surface(plane: np.ndarray) -> IlluminationSurface:
    """Fit a paraboloid to the means of 32 × 32 blocks of a field, or of fewer in a small one.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Counts of a homogeneous sample.

    Returns
    -------
    IlluminationSurface
        Means, fit and top; it has a top where it bends down in every direction by more than three standard errors.
    """
    means, rows_px, columns_px = block_means(plane, blocks_yx=(BLOCKS, BLOCKS))
    height, width = plane.shape
    v, u = np.meshgrid(2 * rows_px / height - 1, 2 * columns_px / width - 1, indexing="ij")
    design = _terms(v.ravel(), u.ravel())
    values, *_ = np.linalg.lstsq(design, means.ravel(), rcond=None)
    fitted = design @ values
    top = _top(values, design, means.ravel() - fitted)
    return IlluminationSurface(means, fitted.reshape(means.shape), rows_px, columns_px, (height, width), top, values)


def surface_at(surface: IlluminationSurface, v: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return the paraboloid anywhere.

    Parameters
    ----------
    surface : IlluminationSurface
        The fit.
    v, u : ndarray, equal shapes
        Places down and across, −1 and 1 at the borders of the field [1].

    Returns
    -------
    ndarray
        Its height at each place [count].
    """
    return np.asarray(_terms(np.ravel(v), np.ravel(u)) @ surface.coefficients)


def block_means(plane: np.ndarray, *, blocks_yx: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average a plane over blocks.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Counts.
    blocks_yx : tuple of int
        How many blocks down and across; a side with fewer pixels has one a pixel.

    Returns
    -------
    tuple of ndarray
        Means [count], shape (rows, columns), and the middles of the blocks down and across [px].
    """
    down, across = (
        np.linspace(0, size, min(blocks, size) + 1).astype(int)
        for size, blocks in zip(plane.shape, blocks_yx, strict=True)
    )
    sums = np.add.reduceat(np.add.reduceat(plane, down[:-1], axis=0, dtype=np.float64), across[:-1], axis=1)
    rows_px, columns_px = ((cuts[:-1] + cuts[1:]) / 2 for cuts in (down, across))
    return np.asarray(sums / np.outer(np.diff(down), np.diff(across))), rows_px, columns_px


def _terms(v: np.ndarray, u: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(u), v, u, v * v, u * v, u * u], axis=1)


def _top(values: np.ndarray, design: np.ndarray, residuals: np.ndarray) -> Top | None:
    """Return where the surface is level; None where that is no top, or none for sure."""
    free = len(residuals) - len(values)
    if free < 1 or np.linalg.matrix_rank(design) < len(values):
        return None
    covariance = np.linalg.inv(design.T @ design) * float(residuals @ residuals) / free
    bend = np.array([[2 * values[3], values[4]], [values[4], 2 * values[5]]])
    if np.linalg.eigvalsh(bend).max() >= -_CLEAR * float(np.sqrt(covariance[3, 3] + covariance[5, 5])):
        return None
    slopes = np.linalg.inv(bend)
    v, u = top = -slopes @ values[1:3]
    by_value = np.zeros((2, len(values)))  # change of the top with each coefficient
    by_value[:, 1:3] = -slopes
    by_value[:, 3:] = -slopes @ np.array([[2 * v, u, 0.0], [0.0, v, 2 * u]])
    return Top(top, by_value @ covariance @ by_value.T)
