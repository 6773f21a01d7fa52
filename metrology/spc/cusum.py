"""The cumulative sum, fixed and self-starting: a chart that needs no baseline first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special.cython_special import ndtri, stdtr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def cusum(scores: ArrayLike, *, reference: float = 0.25, clip: float = np.inf) -> NDArray[np.float64]:
    """Add up harm beyond a reference value; never below zero.

    Parameters
    ----------
    scores : (N,) array
        Distances from the target, harm upwards [σ].
    reference : float
        Reference value k [σ].
    clip : float
        Scores beyond ± this many σ count as that much.

    Returns
    -------
    (N,) array
        The sum after each point [σ].

    References
    ----------
    Page 1954, Biometrika 41:100.
    """
    sums = []
    total = 0.0
    for score in np.clip(np.asarray(scores, dtype=np.float64), -clip, clip).tolist():
        total = max(0.0, total + score - reference)
        sums.append(total)
    return np.array(sums, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class SelfStartingCusum:
    """A cumulative sum that learns the series while it watches it.

    Parameters
    ----------
    scores : (N,) array
        Each point against all points before it [σ]; in control independent and standard normal.
    sums : (N,) array
        The cumulative sum after each point [σ].
    """

    scores: NDArray[np.float64]
    sums: NDArray[np.float64]


def self_starting_cusum(
    values: ArrayLike, *, limit: float, reference: float = 0.25, clip: float = 2.5, learn_within: float = 3.5
) -> SelfStartingCusum:
    """Add up harm from the start of a series, without a baseline.

    Parameters
    ----------
    values : (N,) array
        Points in time order, harm upwards [chart's scale].
    limit : float
        Decision interval h [σ]; nothing more is learned while the sum is above it.
    reference : float
        Reference value k [σ].
    clip : float
        Scores beyond ± this many σ count as that much.
    learn_within : float
        A point further than this from those before it [σ] is counted but teaches nothing: it may be a bad
        acquisition.

    Returns
    -------
    SelfStartingCusum
        Scores and sums; scores are zero for the first two points and while all points are equal.

    References
    ----------
    Hawkins 1987, The Statistician 36:299.
    """
    scores: list[float] = []
    sums: list[float] = []
    count, mean, squares, total = 0, 0.0, 0.0, 0.0
    for value in np.asarray(values, dtype=np.float64).tolist():
        score = 0.0
        if count >= 2 and squares > 0:
            distance = (value - mean) * math.sqrt((count - 1) / squares * count / (count + 1))
            score = _normal_score(distance, count - 1)
        total = max(0.0, total + min(max(score, -clip), clip) - reference)
        scores.append(score)
        sums.append(total)
        if abs(score) <= learn_within and total <= limit:
            count += 1
            step = value - mean
            mean += step / count
            squares += step * (value - mean)
    return SelfStartingCusum(scores=np.array(scores), sums=np.array(sums))


def _normal_score(distance: float, degrees_of_freedom: int) -> float:
    tail = stdtr(float(degrees_of_freedom), -abs(distance))
    return math.copysign(-ndtri(max(tail, 1e-12)), distance)
