"""Since when? The date of a change, with an interval, by the likelihood of every candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from common.errors import BaselineError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

INTERVAL_DROP = 3.0  # fall of log-likelihood that bounds the interval; covers ≥ 80 % (Monte Carlo, see its test)


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
    """Date a change in a series of scores: the best of all steps and all ramps that end at the last point.

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
        The most likely first changed point and its interval.

    Raises
    ------
    BaselineError
        If there are fewer than three points.

    Notes
    -----
    Does not claim whether the change was a step or a drift. The interval is a likelihood interval over both.

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
    gains = products**2 / np.sum(centred**2, axis=2) / 2
    if upward_only:
        gains = np.where(products > 0, gains, 0.0)
    gain = gains.max(axis=0)
    best = int(gain.argmax())
    kind = int(gains[:, best].argmax())
    likely = np.flatnonzero(gain >= gain[best] - INTERVAL_DROP)
    slope = products[kind, best] / np.sum(centred[kind, best] ** 2)
    return ChangePoint(
        index=best + 1,
        low=int(likely[0]) + 1,
        high=int(likely[-1]) + 1,
        magnitude_sigma=float(slope * shapes[kind, best, -1]),
    )
