"""What an instrument does when it is well: robust centre and scale of the first points of an epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import ndtr
from scipy.stats import norm

from common.errors import BaselineError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Stage = Literal["tentative", "provisional", "firm"]

PROVISIONAL_POINTS = 10
FIRM_POINTS = 30
MOST_EQUAL = 1 / 2  # share of equal points: measured figures never tie, those at a bound do, and their MAD is then 0
HUBER_C = 1.5
# Variance of standard normal data pulled in to ± c, so that the scale of normal data comes out as σ.
WINSORISED_VARIANCE = float(
    2 * norm.cdf(HUBER_C) - 1 - 2 * HUBER_C * norm.pdf(HUBER_C) + 2 * HUBER_C**2 * norm.sf(HUBER_C)
)
MEANINGFUL_AUTOCORRELATION = 0.1  # smaller estimates cannot be told from zero in so few points
PRIOR_SD = 0.15  # how far the autocorrelation of instruments of one fleet lies from the fleet's


@dataclass(frozen=True, slots=True)
class Baseline:
    """Centre and scale of a series in control, on the chart's scale.

    Parameters
    ----------
    centre, scale : float
        Robust mean and standard deviation [chart's scale].
    points : int
        Number of points they come from.
    autocorrelation : float
        Likeness of neighbouring points, bias-corrected and shrunk to the fleet's.
    trend_probability : float
        Chance that points without any trend line up as much as these do (Mann–Kendall, two-sided).
    """

    centre: float
    scale: float
    points: int
    autocorrelation: float
    trend_probability: float

    @property
    def stage(self) -> Stage:
        """How far the baseline can be trusted."""
        return stage_of(self.points)

    @property
    def widening(self) -> float:
        """Factor by which autocorrelation widens σ of an average: √((1+φ)/(1−φ)); 1 for φ below 0.1, which is noise."""
        phi = min(self.autocorrelation, 0.8) if self.autocorrelation >= MEANINGFUL_AUTOCORRELATION else 0.0
        return float(np.sqrt((1 + phi) / (1 - phi)))


def stage_of(points: int) -> Stage:
    """Name the trust that a number of baseline points deserves.

    Parameters
    ----------
    points : int
        Number of baseline points.

    Returns
    -------
    {"tentative", "provisional", "firm"}
        Below 10, 10 to 29, and from 30 points.
    """
    if points < PROVISIONAL_POINTS:
        return "tentative"
    return "provisional" if points < FIRM_POINTS else "firm"


def fit_baseline(values: ArrayLike, *, fleet_autocorrelation: float = 0.0) -> Baseline:
    """Estimate centre and scale so that one or two bad acquisitions hardly move them.

    Parameters
    ----------
    values : (M,) array
        Points in control, in time order [chart's scale].
    fleet_autocorrelation : float
        Typical lag-1 autocorrelation of such series, towards which the estimate is shrunk.

    Returns
    -------
    Baseline
        The baseline.

    Raises
    ------
    BaselineError
        If there are fewer than three points, a point is not a number, more than half of the points are equal, or the
        points do not scatter.

    References
    ----------
    Huber 1981, Robust Statistics, proposal 2 with c = 1.5. Small-sample correction: scale² is divided by 1 + 1/m,
    which makes it unbiased at normal data for m from 10 (Monte Carlo, see its test).
    """
    points = np.array(values, dtype=np.float64)
    if points.size < 3:
        raise BaselineError(
            f"{points.size} points do not make a baseline.",
            hint="Scan at least three times first.",
            points=int(points.size),
        )
    if not np.isfinite(points).all():
        raise BaselineError("A baseline point is not a number.", hint="Mark that acquisition invalid.")
    equal = int(np.unique(points, return_counts=True)[1].max())
    if points.size > equal > max(2, MOST_EQUAL * points.size):
        raise BaselineError(
            f"{equal} of {points.size} baseline points are equal, so that their scatter says little.",
            hint="Such a figure lies at its bound or counts something: watch it by a tolerance and an action limit.",
            points=int(points.size),
            equal=equal,
        )
    centre, scale = _huber(points)
    if scale <= 1e-12 * max(abs(centre), 1e-300):
        raise BaselineError(
            "The baseline points do not scatter.",
            hint="Check that the same file was not entered again and again.",
            points=int(points.size),
        )
    return Baseline(
        centre=centre,
        scale=scale,
        points=int(points.size),
        autocorrelation=shrunk_autocorrelation(
            np.clip((points - centre) / scale, -2.5, 2.5), fleet=fleet_autocorrelation
        ),
        trend_probability=trend_probability(points),
    )


def _huber(points: NDArray[np.float64]) -> tuple[float, float]:
    values, size = points.tolist(), points.size
    centre = median(values)
    scale = 1.4826 * median(abs(value - centre) for value in values) or float(np.std(points, ddof=1))
    for _ in range(50):  # plain lists: a baseline is too short for arrays to be faster
        low, high = centre - HUBER_C * scale, centre + HUBER_C * scale
        pulled = [min(max(value, low), high) for value in values]
        before, centre = scale, sum(pulled) / size
        scale = math.sqrt(sum((value - centre) ** 2 for value in pulled) / ((size - 1) * WINSORISED_VARIANCE))
        if abs(scale - before) <= 1e-4 * before:
            break
    return centre, scale / math.sqrt(1 + 1 / size)


def shrunk_autocorrelation(scores: NDArray, *, fleet: float = 0.0) -> float:
    """Likeness of neighbouring points, corrected for the bias of short series and shrunk to the fleet's.

    Parameters
    ----------
    scores : (M,) array
        Points in time order, already centred and clipped [σ].
    fleet : float
        Typical autocorrelation of such series.

    Returns
    -------
    float
        Estimate between −1 and 1.

    References
    ----------
    Bias (1+4φ)/M: Marriott & Pope 1954, Biometrika 41:390. Shrinkage: normal prior of standard deviation 0.15.
    """
    centred = scores - scores.mean()
    total = float(centred @ centred)
    if total == 0.0:
        return fleet
    raw = float(centred[1:] @ centred[:-1]) / total
    corrected = float(np.clip(raw + (1 + 4 * raw) / scores.size, -0.95, 0.95))
    trust = PRIOR_SD**2 / (PRIOR_SD**2 + 1 / scores.size)
    return fleet + trust * (corrected - fleet)


def trend_probability(values: NDArray) -> float:
    """Chance that points without a trend line up as much as these do.

    Parameters
    ----------
    values : (M,) array
        Points in time order [any unit].

    Returns
    -------
    float
        Two-sided p-value of the Mann–Kendall test, normal approximation with continuity correction.

    References
    ----------
    Mann 1945, Econometrica 13:245.
    """
    size = values.size
    score = float(np.triu(np.sign(values[None, :] - values[:, None])).sum())
    variance = size * (size - 1) * (2 * size + 5) / 18
    return float(min(1.0, 2 * ndtr(-max(abs(score) - 1, 0) / np.sqrt(variance))))
