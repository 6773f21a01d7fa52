"""Gaussian, mean, median and non-local means, tuned on the fields a network learns from: its competitors."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage.restoration import denoise_nl_means

from common.errors import NotFoundError, TrainingDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

TUNING_CROP_PX = 256


@dataclass(frozen=True, slots=True)
class ConventionalFilter:
    """A filter, and the parameters worth trying."""

    id: str
    name: str
    apply: Callable[..., NDArray[np.float64]]
    grid: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class TunedFilter:
    """A filter with the parameters that served best on the tuning fields."""

    id: str
    parameters: dict[str, float]
    score: float
    """Mean PSNR on the tuning fields after an affine intensity fit; the peak is the range of each target [dB]."""


def gaussian(plane: NDArray, *, sigma_px: float) -> NDArray[np.float64]:
    """Smooth a plane with a Gaussian.

    Parameters
    ----------
    plane : (Y, X) array
        Intensities [counts].
    sigma_px : float
        Standard deviation [px].

    Returns
    -------
    (Y, X) float64 array
        Smoothed intensities [counts].
    """
    smoothed: NDArray[np.float64] = ndimage.gaussian_filter(np.asarray(plane, np.float64), sigma_px)
    return smoothed


def mean(plane: NDArray, *, size_px: float) -> NDArray[np.float64]:
    """Replace each pixel by the mean of a square around it.

    Parameters
    ----------
    plane : (Y, X) array
        Intensities [counts].
    size_px : float
        Side of the square [px].

    Returns
    -------
    (Y, X) float64 array
        Smoothed intensities [counts].
    """
    smoothed: NDArray[np.float64] = ndimage.uniform_filter(np.asarray(plane, np.float64), int(size_px))
    return smoothed


def median(plane: NDArray, *, size_px: float) -> NDArray[np.float64]:
    """Replace each pixel by the median of a square around it.

    Parameters
    ----------
    plane : (Y, X) array
        Intensities [counts].
    size_px : float
        Side of the square [px].

    Returns
    -------
    (Y, X) float64 array
        Smoothed intensities [counts].
    """
    smoothed: NDArray[np.float64] = ndimage.median_filter(np.asarray(plane, np.float64), int(size_px))
    return smoothed


def noise_sigma(plane: NDArray) -> float:
    """Estimate the noise of a plane from what differs between neighbours after structure is removed.

    Parameters
    ----------
    plane : (Y, X) array
        Intensities [counts], at least 3×3 px.

    Returns
    -------
    float
        Standard deviation of white noise [counts].

    References
    ----------
    Immerkær 1996, Comput. Vis. Image Underst. 64: the difference of two Laplacians, whose response to unit noise is
    6; here with
    the median absolute deviation instead of the mean.
    """
    mask = np.outer([1.0, -2.0, 1.0], [1.0, -2.0, 1.0])
    response = ndimage.convolve(np.asarray(plane, np.float64), mask)[1:-1, 1:-1]
    return float(np.median(np.abs(response)) / 0.6744897501960817 / 6)


def non_local_means(plane: NDArray, *, strength: float, distance_px: float = 5) -> NDArray[np.float64]:
    """Average each pixel with pixels whose surroundings look alike.

    Parameters
    ----------
    plane : (Y, X) array
        Intensities [counts].
    strength : float
        Cut-off of likeness, in standard deviations of the noise estimated from the plane.
    distance_px : float
        How far away surroundings are compared [px].

    Returns
    -------
    (Y, X) float64 array
        Smoothed intensities [counts].

    References
    ----------
    Buades, Coll & Morel 2005, CVPR; Darbon et al. 2008, ISBI (fast version), as in scikit-image.
    """
    values = np.asarray(plane, np.float64)
    sigma = noise_sigma(values)
    if sigma == 0:
        return values.copy()
    smoothed: NDArray[np.float64] = denoise_nl_means(
        values, patch_size=5, patch_distance=int(distance_px), h=strength * sigma, sigma=sigma, fast_mode=True
    )
    return smoothed


FILTERS: dict[str, ConventionalFilter] = {
    entry.id: entry
    for entry in (
        ConventionalFilter(
            "gaussian", "Gaussian", gaussian, {"sigma_px": (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0)}
        ),
        ConventionalFilter("mean", "Mean", mean, {"size_px": (3.0, 5.0, 7.0, 9.0, 11.0)}),
        ConventionalFilter("median", "Median", median, {"size_px": (3.0, 5.0, 7.0, 9.0)}),
        ConventionalFilter(
            "nlm", "Non-local means", non_local_means, {"strength": (0.4, 0.8, 1.2, 2.0, 3.2), "distance_px": (5.0,)}
        ),
    )
}


def apply(filter_id: str, plane: NDArray, parameters: Mapping[str, float]) -> NDArray[np.float64]:
    """Apply a conventional filter.

    Parameters
    ----------
    filter_id : str
        "gaussian", "mean", "median" or "nlm".
    plane : (Y, X) array
        Intensities [counts].
    parameters : mapping
        The filter's parameters by name, as in `TunedFilter.parameters`.

    Returns
    -------
    (Y, X) float64 array
        Filtered intensities [counts].

    Raises
    ------
    NotFoundError
        If no filter has this id.
    """
    return _filter(filter_id).apply(plane, **parameters)


def tune(filter_id: str, pairs: Sequence[tuple[NDArray, NDArray]]) -> TunedFilter:
    """Find the parameters of a filter that bring raw planes closest to their targets.

    Every point of the filter's grid is tried on the central 256×256 pixels of every field. Give it training and validation
    fields only: a filter tuned on the fields it is judged on would be as dishonest as such a network.

    Parameters
    ----------
    filter_id : str
        "gaussian", "mean", "median" or "nlm".
    pairs : sequence of ((Y, X) array, (Y, X) array)
        Raw and target planes [counts].

    Returns
    -------
    TunedFilter
        The best parameters and their score.

    Raises
    ------
    NotFoundError
        If no filter has this id.
    TrainingDataError
        If there are no pairs, or a target is constant.
    """
    if not pairs:
        raise TrainingDataError("There are no fields to tune a filter on.", hint="Give at least one pair of planes.")
    crops = [(_centre(raw), _centre(target)) for raw, target in pairs]
    if any(np.ptp(target) == 0 for _, target in crops):
        raise TrainingDataError(
            "The middle of a target plane is constant.", hint="Leave the field out: no filter can be tuned on it."
        )
    entry = _filter(filter_id)
    best: TunedFilter | None = None
    for values in itertools.product(*entry.grid.values()):
        parameters = dict(zip(entry.grid, values, strict=True))
        score = float(np.mean([_fitted_psnr_db(entry.apply(raw, **parameters), target) for raw, target in crops]))
        if best is None or score > best.score:
            best = TunedFilter(id=filter_id, parameters=parameters, score=score)
    if best is None:
        raise NotFoundError(f"The filter {filter_id!r} has nothing to tune.", hint="Choose another filter.")
    return best


def _filter(filter_id: str) -> ConventionalFilter:
    if filter_id not in FILTERS:
        raise NotFoundError(
            f"No filter is called {filter_id!r}.", hint=f"Choose one of {', '.join(FILTERS)}.", filter=filter_id
        )
    return FILTERS[filter_id]


def _centre(plane: NDArray[Any]) -> NDArray[np.float64]:
    top, left = (max(0, (side - TUNING_CROP_PX) // 2) for side in plane.shape)
    return np.asarray(plane[top : top + TUNING_CROP_PX, left : left + TUNING_CROP_PX], np.float64)


def _fitted_psnr_db(prediction: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """Return the PSNR after the best affine intensity fit, which leaves var(target) (1 − r²) of squared error."""
    variance, spread = float(np.var(target)), float(np.var(prediction))
    covariance = float(np.mean((prediction - prediction.mean()) * (target - target.mean())))
    explained = covariance**2 / spread if spread > 0 else 0.0
    mse = max(variance - explained, np.finfo(np.float64).tiny)
    return 10 * float(np.log10(np.ptp(target) ** 2 / mse))
