"""The exponentially weighted moving average: a memory of about ten points that sees slow harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def ewma(scores: ArrayLike, *, lambda_: float = 0.1, clip: float = np.inf, start: float = 0.0) -> NDArray[np.float64]:
    """Average scores with weights that fade into the past.

    Parameters
    ----------
    scores : (N,) array
        Distances from the baseline [σ], harm upwards.
    lambda_ : float
        Weight of the newest point, 0 < λ ≤ 1.
    clip : float
        Scores beyond ± this many σ count as that much, so that one bad acquisition cannot signal alone.
    start : float
        Average before the first point [σ].

    Returns
    -------
    (N,) array
        The average after each point [σ].

    References
    ----------
    Roberts 1959, Technometrics 1:239.
    """
    averages = []
    average = start
    for score in np.clip(np.asarray(scores, dtype=np.float64), -clip, clip).tolist():
        average += lambda_ * (score - average)
        averages.append(average)
    return np.array(averages, dtype=np.float64)


def one_sided_ewma(scores: ArrayLike, *, lambda_: float = 0.1, clip: float = np.inf) -> NDArray[np.float64]:
    """Average scores towards harm only: never below zero, so that a good spell cannot hide a bad one.

    Parameters
    ----------
    scores : (N,) array
        Distances from the baseline [σ], harm upwards.
    lambda_ : float
        Weight of the newest point, 0 < λ ≤ 1.
    clip : float
        Scores beyond ± this many σ count as that much.

    Returns
    -------
    (N,) array
        The average after each point [σ], at least zero.

    References
    ----------
    Crowder & Hamilton 1992, J. Qual. Technol. 24:12.
    """
    averages = []
    average = 0.0
    for score in np.clip(np.asarray(scores, dtype=np.float64), -clip, clip).tolist():
        average = max(0.0, average + lambda_ * (score - average))
        averages.append(average)
    return np.array(averages, dtype=np.float64)
