"""The price of watching, in words: how often in vain, and how long a drift goes unseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from metrology.spc.design import POINTS_A_YEAR, ChartDesign
from metrology.spc.estimated import median_delay

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

DRIFT_SIGMA_PER_WEEK = 0.05
DAYS_A_YEAR = 365.25
USUAL_INTERVALS_DAY = np.array([1, 2, 3.5, 7, 14, 21, 30.4, 60.9, 91.3, 182.6])


@dataclass(frozen=True, slots=True)
class Price:
    """What watching one series costs.

    Parameters
    ----------
    points_a_year : float
        Sampling rate [points/year].
    false_flags_a_year : float
        Expected false flags, EWMA and CUSUM together [1/year].
    repeats_a_year : float
        Expected acquisitions repeated in vain [1/year].
    delay_weeks : float or None
        Time after which the EWMA alone has seen a drift of 0.05 σ/week in half of all cases [weeks]; None if more
        than 400 points.
    sentence : str
        The same in words.
    """

    points_a_year: float
    false_flags_a_year: float
    repeats_a_year: float
    delay_weeks: float | None
    sentence: str


def price_of_watching(times_day: ArrayLike, *, design: ChartDesign, baseline_points: int, two_sided: bool) -> Price:
    """State what a chart costs at the pace at which a series is scanned.

    Parameters
    ----------
    times_day : (N,) array
        Dates of the points [days].
    design : ChartDesign
        What the charts promise.
    baseline_points : int
        Number of points of the baseline in force.
    two_sided : bool
        Whether both directions are harmful.

    Returns
    -------
    Price
        Expected false flags and repeats a year, and the delay of a slow drift.

    Notes
    -----
    The pace is the usual interval (daily, weekly, monthly …) nearest to the median gap. The delay holds for a drift
    that begins after the baseline was frozen; the self-starting CUSUM often sees it earlier.
    """
    gaps = np.diff(np.sort(np.asarray(times_day, dtype=np.float64)))
    gap = float(np.median(gaps[gaps > 0])) if np.any(gaps > 0) else 7.0
    interval = float(USUAL_INTERVALS_DAY[np.abs(np.log(USUAL_INTERVALS_DAY / gap)).argmin()])
    pace = DAYS_A_YEAR / interval
    chart = design.ewma_chart(baseline_points, two_sided=two_sided)
    delay = median_delay(chart, round(DRIFT_SIGMA_PER_WEEK * interval / 7, 4), baseline_points)
    flags = design.false_alarm_probability * pace / POINTS_A_YEAR
    repeats = 2 * float(ndtr(-design.repeat_sigma)) * pace
    weeks = None if delay is None else delay * interval / 7
    seen = (
        "would stay unseen for years in half of all cases"
        if weeks is None
        else f"is seen within {weeks:.0f} weeks in half of all cases"
    )
    return Price(
        points_a_year=pace,
        false_flags_a_year=flags,
        repeats_a_year=repeats,
        delay_weeks=weeks,
        sentence=(
            f"At {pace:.0f} scans a year expect one false flag in {_years(flags)} and one needless repeat in "
            f"{_years(repeats)}; a drift of {DRIFT_SIGMA_PER_WEEK} σ a week {seen}."
        ),
    )


def _years(rate: float) -> str:
    years = 1 / rate
    return f"{years:.0f} years" if years >= 1.5 else f"{12 * years:.0f} months"
