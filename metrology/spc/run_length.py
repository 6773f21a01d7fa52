"""How long a control chart runs before it signals: exact averages, probabilities and the limits that give them.

The chart's statistic is cut into cells, and the chance to go from cell to cell is a matrix (a Markov chain,
Brook & Evans 1972, Biometrika 59:539). Everything else follows from that matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from common.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CELLS = 201


@dataclass(frozen=True, slots=True)
class EwmaChart:
    """An exponentially weighted moving average with a fixed limit.

    One-sided charts are reset to zero whenever they would fall below it, so that a good spell cannot hide a bad one.

    Parameters
    ----------
    limit : float
        Limit as a multiple of the average's own standard deviation σ·√(λ/(2−λ)).
    lambda_ : float
        Weight of the newest point, 0 < λ ≤ 1.
    two_sided : bool
        Whether both directions signal.
    clip : float
        Scores beyond ± this many σ count as that much; infinity means no clipping.
    """

    limit: float
    lambda_: float = 0.1
    two_sided: bool = False
    clip: float = np.inf

    @property
    def height(self) -> float:
        """Limit in units of σ of one point."""
        return self.limit * float(np.sqrt(self.lambda_ / (2.0 - self.lambda_)))


@dataclass(frozen=True, slots=True)
class CusumChart:
    """A one-sided tabular cumulative sum that starts at zero.

    Parameters
    ----------
    limit : float
        Decision interval h [σ].
    reference : float
        Reference value k [σ], half the shift it is tuned to.
    clip : float
        Scores beyond ± this many σ count as that much; infinity means no clipping.
    """

    limit: float
    reference: float = 0.25
    clip: float = np.inf

    @property
    def height(self) -> float:
        """Limit in units of σ of one point."""
        return self.limit


Chart = EwmaChart | CusumChart


def shewhart_arl(multiplier: float, *, shift: float = 0.0) -> float:
    """Average number of points until one lies beyond ± `multiplier` σ, for a known mean and σ.

    Parameters
    ----------
    multiplier : float
        Limit [σ].
    shift : float
        True displacement of the mean [σ].

    Returns
    -------
    float
        Average run length [points].

    References
    ----------
    Champ & Woodall 1987, Technometrics 29:393.
    """
    return float(1.0 / (ndtr(-multiplier + shift) + ndtr(-multiplier - shift)))


def transition(chart: Chart, *, mean: NDArray, sd: NDArray, cells: int = CELLS) -> tuple[NDArray, int]:
    """Chance that the chart's statistic goes from one cell to another without a signal.

    Parameters
    ----------
    chart : EwmaChart or CusumChart
        The chart.
    mean, sd : (K,) arrays
        Mean and standard deviation of the scores [σ] in K different worlds.
    cells : int
        Number of cells; odd for two-sided charts.

    Returns
    -------
    tuple[(K, C, C) array, int]
        Transition probabilities, and the cell in which the chart starts.
    """
    needed, start = _needed(chart, cells)
    open_ = np.abs(needed) < chart.clip
    # beyond the clip it is certain; one world after the other in memory makes all that follows four times as quick
    below = np.broadcast_to(needed > 0, (mean.size, *needed.shape)).astype(np.float64, order="C")
    below[:, open_] = ndtr((needed[open_] - mean[:, None]) / sd[:, None])
    return np.diff(below, axis=2), start


@lru_cache(maxsize=8)
def _needed(chart: Chart, cells: int) -> tuple[NDArray, int]:
    """Return the score that leads from the middle of each cell exactly to each edge (C, C + 1), and the first cell."""
    memory, gain, offset = (1 - chart.lambda_, chart.lambda_, 0.0) if isinstance(chart, EwmaChart) else (1, 1, 0)
    if isinstance(chart, CusumChart):
        offset = chart.reference
    if isinstance(chart, EwmaChart) and chart.two_sided:
        edges = np.linspace(-chart.height, chart.height, cells + 1)
        middles = (edges[1:] + edges[:-1]) / 2
        start = cells // 2
    else:  # one cell holds exactly zero, where one-sided charts are reset to
        edges = np.concatenate([[-np.inf], np.linspace(0.0, chart.height, cells)])
        middles = np.concatenate([[0.0], (edges[2:] + edges[1:-1]) / 2])
        start = 0
    return (edges[None, :] - memory * middles[:, None]) / gain + offset, start


def arl(chart: Chart, *, shift: float = 0.0, cells: int = CELLS) -> float:
    """Average number of points until a chart with known mean and σ signals.

    Parameters
    ----------
    chart : EwmaChart or CusumChart
        The chart.
    shift : float
        True displacement of the mean [σ].
    cells : int
        Number of cells of the chain; the error falls with its square.

    Returns
    -------
    float
        Average run length [points] from a start at zero.

    References
    ----------
    Lucas & Saccucci 1990, Technometrics 32:1; Lucas & Crosier 1982, Technometrics 24:199.
    """
    matrix, start = transition(chart, mean=np.array([shift]), sd=np.ones(1), cells=cells)
    return float(np.linalg.solve(np.eye(matrix.shape[1]) - matrix[0], np.ones(matrix.shape[1]))[start])


def two_sided_cusum_arl(chart: CusumChart, *, shift: float = 0.0) -> float:
    """Average run length of two one-sided cumulative sums watched together.

    Parameters
    ----------
    chart : CusumChart
        The chart of one side.
    shift : float
        True displacement of the mean [σ].

    Returns
    -------
    float
        Average run length [points]: 1/ARL = 1/ARL₊ + 1/ARL₋.

    References
    ----------
    Van Dobben de Bruyn 1968, Cumulative Sum Tests.
    """
    return 1.0 / (1.0 / arl(chart, shift=shift) + 1.0 / arl(chart, shift=-shift))


def survival(
    chart: Chart,
    *,
    means: NDArray | float = 0.0,
    sd: NDArray | float = 1.0,
    slope: float = 0.0,
    cells: int = CELLS,
) -> Iterator[NDArray]:
    """Chance that a chart has not signalled after 1, 2 … points, one point at a time and without end.

    Parameters
    ----------
    chart : EwmaChart or CusumChart
        The chart.
    means, sd : (K,) arrays
        Mean and standard deviation of the scores [σ] in K different worlds.
    slope : float
        Drift of the mean [σ/point of the true process]; the first point has drifted by one slope.
    cells : int
        Number of cells of the chain.

    Yields
    ------
    (K,) array
        Probability of no signal up to and including the point.
    """
    means, sd = np.broadcast_arrays(np.atleast_1d(np.asarray(means, float)), np.atleast_1d(np.asarray(sd, float)))
    matrix, start = transition(chart, mean=means, sd=sd, cells=cells)
    state = np.zeros((means.size, 1, matrix.shape[1]))
    state[:, 0, start] = 1.0
    for point in count(1):
        if slope:
            matrix, _ = transition(chart, mean=means + slope * point * sd, sd=sd, cells=cells)
        state = state @ matrix
        yield state.sum(axis=(1, 2))


def limit_for_arl(chart: Chart, wanted: float) -> float:
    """Limit at which a chart with known mean and σ runs `wanted` points on average between false alarms.

    Parameters
    ----------
    chart : EwmaChart or CusumChart
        The chart; its limit is ignored.
    wanted : float
        Average run length in control [points].

    Returns
    -------
    float
        The limit, in the chart's own unit.

    Raises
    ------
    InputError
        If no limit gives that run length.
    """
    if not wanted > 1:
        raise InputError("A chart cannot run less than one point.", hint="Ask for a run length above 1.", wanted=wanted)
    return _limit_for_arl(replace(chart, limit=0.0), float(wanted))


@cache
def _limit_for_arl(chart: Chart, wanted: float) -> float:
    def excess(limit: float) -> float:
        return float(np.log(arl(replace(chart, limit=limit)) / wanted))

    upper = 1.0
    while excess(upper) < 0:
        upper *= 1.5
    return float(brentq(excess, 1e-3, upper, xtol=1e-6))
