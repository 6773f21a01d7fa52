"""Limits for charts whose centre and scale are themselves estimated from a few baseline points.

A baseline of 20 points has a centre that is wrong by a quarter of σ in one case of four: a chart that ignores it
raises two to three times the false alarms it promises. Here the run length is averaged over everything the baseline
may have got wrong (Jones, Champ & Rigdon 2001, Technometrics 43:156).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import chi2, norm, t

from common.errors import BaselineError
from metrology.spc.run_length import Chart, survival

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CELLS = 31  # enough once the baseline's own uncertainty is averaged over
FINE, COARSE = (16, 12), (12, 7)  # centres and scales that stand for all errors of a baseline
EFFICIENCY = 0.71  # degrees of freedom of Huber's scale with c = 1.5, as a share of m − 1 (Monte Carlo, see its test)


@dataclass(frozen=True, slots=True)
class Worlds:
    """The ways in which a baseline may be wrong, and how likely each is.

    Parameters
    ----------
    means, sd : (K,) arrays
        Mean and standard deviation [σ] of in-control scores in each world.
    weights : (K,) array
        Probability of each world; the sum is 1.
    """

    means: NDArray
    sd: NDArray
    weights: NDArray


def robust_degrees_of_freedom(points: int) -> float:
    """Degrees of freedom of the robust scale of a baseline.

    Parameters
    ----------
    points : int
        Number of baseline points.

    Returns
    -------
    float
        Effective degrees of freedom of Huber's proposal 2 with c = 1.5 at normal data.

    Raises
    ------
    BaselineError
        If there are fewer than three points.
    """
    if points < 3:
        raise BaselineError(
            f"{points} points do not make a baseline.", hint="Scan at least three times first.", points=points
        )
    return EFFICIENCY * (points - 1)


@cache
def worlds(points: int, degrees_of_freedom: float, *, grid: tuple[int, int] = FINE) -> Worlds:
    """Spread a baseline's possible errors of centre and scale over a grid.

    Parameters
    ----------
    points : int
        Number of baseline points m; the centre errs by N(0, 1/m) [σ²].
    degrees_of_freedom : float
        ν of the scale estimate; scale² is distributed as χ²(ν)/ν.
    grid : tuple[int, int]
        Number of centres and of scales.

    Returns
    -------
    Worlds
        One world for each centre and scale, with its probability.
    """
    node, weight = np.polynomial.legendre.leggauss(grid[0])
    centre = 4.5 * node
    centre_weight = weight * norm.pdf(centre)
    node, weight = np.polynomial.legendre.leggauss(grid[1])
    low, high = np.log(chi2.ppf([1e-6, 1 - 1e-6], degrees_of_freedom))
    log_square = (low + high) / 2 + (high - low) / 2 * node
    scale = np.sqrt(np.exp(log_square) / degrees_of_freedom)
    scale_weight = weight * chi2.pdf(np.exp(log_square), degrees_of_freedom) * np.exp(log_square)
    weights = np.outer(centre_weight, scale_weight)
    return Worlds(
        means=(-centre[:, None] / np.sqrt(points) / scale[None, :]).ravel(),
        sd=np.broadcast_to(1 / scale, weights.shape).ravel(),
        weights=(weights / weights.sum()).ravel(),
    )


def signal_probability(
    chart: Chart,
    *,
    baseline_points: int | None = None,
    degrees_of_freedom: float | None = None,
    slope: float = 0.0,
) -> Iterator[float]:
    """Chance that a chart has signalled by its first, second … point, without end.

    Parameters
    ----------
    chart : EwmaChart or CusumChart
        The chart.
    baseline_points : int, optional
        Points from which centre and scale were estimated; None means that both are known.
    degrees_of_freedom : float, optional
        ν of the scale estimate; the default is that of the robust scale.
    slope : float
        Drift of the process [σ/point].

    Yields
    ------
    float
        Cumulative probability of a signal.
    """
    if baseline_points is None:
        yield from (float(1.0 - alive[0]) for alive in survival(chart, slope=slope))
        return
    size = COARSE if slope else FINE  # a drift needs a new matrix at every point, and less precision
    grid = worlds(baseline_points, degrees_of_freedom or robust_degrees_of_freedom(baseline_points), grid=size)
    for alive in survival(chart, means=grid.means, sd=grid.sd, slope=slope, cells=CELLS):
        yield float(1.0 - alive @ grid.weights)


@cache
def limit_for_probability(
    chart: Chart,
    probability: float,
    within: int = 52,
    baseline_points: int | None = None,
    degrees_of_freedom: float | None = None,
) -> float:
    """Limit at which a chart raises a false alarm within so many points with the wanted probability.

    Parameters
    ----------
    chart : EwmaChart or CusumChart
        The chart; its limit is ignored (pass 0 so that equal questions share one answer).
    probability : float
        Wanted probability of a false alarm, 0 < p < 1.
    within : int
        Number of points watched.
    baseline_points : int, optional
        Points from which centre and scale were estimated; None means that both are known.
    degrees_of_freedom : float, optional
        ν of the scale estimate; the default is that of the robust scale.

    Returns
    -------
    float
        The limit, in the chart's own unit.

    Notes
    -----
    With clipped scores the statistic cannot pass a certain height; from very small baselines the limit may come
    close to it, and the chart then only signals what is far outside.
    """

    @cache
    def excess(limit: float) -> float:
        found = signal_probability(
            replace(chart, limit=limit), baseline_points=baseline_points, degrees_of_freedom=degrees_of_freedom
        )
        return float(np.log(max(next(islice(found, within - 1, None)), 1e-300) / probability))

    lower, upper = 1.0, 3.0
    while excess(upper) > 0:
        lower, upper = upper, upper * 1.5
    return float(brentq(excess, lower, upper, xtol=5e-3))


@cache
def median_delay(
    chart: Chart,
    slope: float,
    baseline_points: int | None = None,
    degrees_of_freedom: float | None = None,
    longest: int = 400,
) -> int | None:
    """Points after which half of all charts have noticed a steady drift.

    Parameters
    ----------
    chart : EwmaChart or CusumChart
        The chart.
    slope : float
        Drift of the process [σ/point].
    baseline_points : int, optional
        Points from which centre and scale were estimated; None means that both are known.
    degrees_of_freedom : float, optional
        ν of the scale estimate; the default is that of the robust scale.
    longest : int
        Points after which to stop looking.

    Returns
    -------
    int or None
        Median delay [points]; None if longer than `longest`.
    """
    found = signal_probability(
        chart, baseline_points=baseline_points, degrees_of_freedom=degrees_of_freedom, slope=slope
    )
    return next((point for point, share in enumerate(islice(found, longest), start=1) if share >= 0.5), None)


@cache
def shewhart_multiplier(points: int, *, sigma: float = 3.0, degrees_of_freedom: float | None = None) -> float:
    """Multiplier of an estimated σ that keeps the false-alarm rate of `sigma` known σ.

    Parameters
    ----------
    points : int
        Number of baseline points m.
    sigma : float
        Wanted strictness, as a multiple of a known σ.
    degrees_of_freedom : float, optional
        ν of the scale estimate; the default m − 1 is that of the ordinary standard deviation.

    Returns
    -------
    float
        t(1 − Φ(−sigma); ν)·√(1 + 1/m), the prediction limit of one further point.

    References
    ----------
    Hahn & Meeker 1991, Statistical Intervals, section 4.8.
    """
    freedom = points - 1.0 if degrees_of_freedom is None else degrees_of_freedom
    return float(t.isf(ndtr(-sigma), freedom) * np.sqrt(1 + 1 / points))
