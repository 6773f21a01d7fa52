"""Since when? The date of a change, with an interval, from the likelihood of every candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from common.errors import BaselineError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

AMPLITUDE_SIGMA = 2.0  # prior: the level reached is of the order of this many σ
RAMP_SHARE = 0.2  # prior: share of drifts among the shapes; a step explains less than a ramp can, so it needs the odds
INTERVAL = 0.90  # posterior probability of the interval; covers ≥ 85 % of true dates (Monte Carlo, see its test)


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """When a series changed, and by how much.

    Parameters
    ----------
    index, low, high : int
        First changed point, and the earliest and latest that the data allow.
    magnitude_sigma : float
        Level reached at the last point, against before [σ].
    """

    index: int
    low: int
    high: int
    magnitude_sigma: float


def date_change(scores: ArrayLike, *, clip: float = 3.5, upward_only: bool = False) -> ChangePoint:
    """Date a change in a series of scores: all steps and all ramps up to the last point, weighed.

    Parameters
    ----------
    scores : (N,) array
        Scores up to the signal [σ], in time order.
    clip : float
        Scores beyond ± this many σ count as that much.
    upward_only : bool
        Look for changes towards harm only.

    Returns
    -------
    ChangePoint
        Median first changed point, and the interval that holds it with 90 % probability.

    Raises
    ------
    BaselineError
        If there are fewer than three points.

    Notes
    -----
    Does not claim whether the change was a step or a drift: the date averages over both. The likelihood ratio of each
    candidate is integrated over its amplitude (normal prior of 2 σ), as for a Bayes factor.

    References
    ----------
    Generalised likelihood ratio: Siegmund & Venkatraman 1995, Ann. Stat. 23:255.
    """
    points = np.clip(np.asarray(scores, dtype=np.float64), -clip, clip)
    if points.size < 3:
        raise BaselineError(
            "A change cannot be dated from fewer than three points.", hint="Scan again first.", points=int(points.size)
        )
    index = np.arange(points.size)
    since = index[None, :] - index[1:, None] + 1.0  # row: candidate first changed point; column: time since, from 1
    shapes = np.stack([(since > 0).astype(float), np.maximum(since, 0.0)])  # steps and ramps
    centred = shapes - shapes.mean(axis=2, keepdims=True)
    products = centred @ (points - points.mean())
    squares = np.sum(centred**2, axis=2)
    weight = _log_evidence(products, squares, shapes[:, :, -1], upward_only=upward_only)
    posterior = np.exp(weight - weight.max())
    posterior /= posterior.sum()
    total = np.cumsum(posterior.sum(axis=0))
    edges = [0.5 - INTERVAL / 2, 0.5, 0.5 + INTERVAL / 2]
    low, best, high = (min(int(np.searchsorted(total, share)), points.size - 2) for share in edges)
    reached = products / squares * shapes[:, :, -1]
    return ChangePoint(
        index=best + 1,
        low=low + 1,
        high=high + 1,
        magnitude_sigma=float(np.sum(posterior * reached)),
    )


def _log_evidence(products: NDArray, squares: NDArray, ends: NDArray, *, upward_only: bool) -> NDArray:
    amplitude_variance = (AMPLITUDE_SIGMA / ends) ** 2 * squares  # against the variance of one σ
    gains = products**2 / squares / 2
    if upward_only:
        gains = np.where(products > 0, gains, 0.0)
    evidence = gains * amplitude_variance / (1 + amplitude_variance) - np.log1p(amplitude_variance) / 2
    return np.asarray(evidence + np.log([[1 - RAMP_SHARE], [RAMP_SHARE]]))
