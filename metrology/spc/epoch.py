"""The charts of one baseline epoch: from the first point after commissioning or service to the next service."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from common.errors import BaselineError
from metrology.spc.baseline import Baseline, fit_baseline
from metrology.spc.cusum import self_starting_cusum
from metrology.spc.ewma import ewma, one_sided_ewma

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metrology.spc.design import ChartDesign


@dataclass(frozen=True, slots=True)
class InForce:
    """A baseline and the points that were judged by it.

    Parameters
    ----------
    start, stop : int
        First point judged, and one past the last (positions within the epoch).
    baseline : Baseline
        The baseline.
    watched : bool
        Whether these points may raise statistical flags against it (not those it was made from).
    """

    start: int
    stop: int
    baseline: Baseline
    watched: bool


@dataclass(frozen=True, slots=True, eq=False)
class EpochChart:
    """All statistics of one epoch, each point judged by what was known when it came in.

    Parameters
    ----------
    z, ewma, ewma_limit, cusum, cusum_limit, repeat_limit, shewhart_limit : (N,) arrays
        Scores, statistics and their limits [σ]; NaN where there is none yet.
    in_force : tuple[InForce, ...]
        Baselines in the order in which they came into force.
    problem : str
        Why there is no baseline, or why a larger one was not adopted; empty if all is well.
    """

    z: NDArray[np.float64]
    ewma: NDArray[np.float64]
    ewma_limit: NDArray[np.float64]
    cusum: NDArray[np.float64]
    cusum_limit: NDArray[np.float64]
    repeat_limit: NDArray[np.float64]
    shewhart_limit: NDArray[np.float64]
    in_force: tuple[InForce, ...] = field(default=())
    problem: str = ""


def chart_epoch(points: NDArray[np.float64], *, design: ChartDesign, two_sided: bool = False) -> EpochChart:
    """Judge the points of one epoch.

    Parameters
    ----------
    points : (N,) array
        Valid points of the epoch in time order [chart's scale], harm upwards.
    design : ChartDesign
        What the charts promise.
    two_sided : bool
        Whether both directions are harmful.

    Returns
    -------
    EpochChart
        Scores, statistics, limits and the baselines that were in force.

    Notes
    -----
    A point is judged only by points before it, so a later assessment never changes an earlier signal. The
    self-starting CUSUM watches from the third point; the EWMA from the first frozen baseline on.
    """
    chart = _empty(points, design=design, two_sided=two_sided)
    problem = ""
    in_force: list[InForce] = []
    sizes = [size for size in design.baseline_sizes if size <= points.size] or [points.size]
    for size in sizes:
        signalling = bool(in_force) and _signalling(chart, size - 1)
        try:
            baseline = fit_baseline(points[:size])
        except BaselineError as error:
            problem = str(error)
            continue
        if in_force and (signalling or baseline.trend_probability < design.trend_probability):
            reason = "the series was signalling" if signalling else "its points follow a trend"
            problem = f"The baseline of {size} points was not adopted: {reason}."
            continue
        problem = ""
        if in_force:
            last = in_force.pop()
            in_force.append(InForce(last.start, size, last.baseline, last.watched))
        else:
            in_force.append(InForce(0, size, baseline, watched=False))
            chart.z[:size] = (points[:size] - baseline.centre) / baseline.scale
        if size >= design.baseline_sizes[0]:
            in_force.append(InForce(size, points.size, baseline, watched=True))
            _judge(chart, points, in_force[-1], design=design, two_sided=two_sided)
    if not in_force:  # points that make no baseline make no cumulative sum either
        chart.cusum[:] = 0.0
    return replace(chart, in_force=tuple(in_force), problem=problem)


def _empty(points: NDArray[np.float64], *, design: ChartDesign, two_sided: bool) -> EpochChart:
    chart = design.cusum_chart(two_sided=two_sided)
    sides = [points, -points] if two_sided else [points]
    sums = [
        self_starting_cusum(
            side, limit=chart.limit, reference=chart.reference, clip=chart.clip, learn_within=design.repeat_sigma
        ).sums
        for side in sides
    ]
    nothing = np.full((5, points.size), np.nan)
    return EpochChart(
        z=nothing[0],
        ewma=nothing[1],
        ewma_limit=nothing[2],
        cusum=np.max(sums, axis=0),
        cusum_limit=np.full(points.size, chart.limit),
        repeat_limit=nothing[3],
        shewhart_limit=nothing[4],
    )


def _signalling(chart: EpochChart, position: int) -> bool:
    return bool(
        abs(chart.ewma[position]) > chart.ewma_limit[position] or chart.cusum[position] > chart.cusum_limit[position]
    )


def _judge(
    chart: EpochChart, points: NDArray[np.float64], judged: InForce, *, design: ChartDesign, two_sided: bool
) -> None:
    baseline, watched = judged.baseline, slice(judged.start, None)
    scores = (points - baseline.centre) / baseline.scale
    average = ewma if two_sided else one_sided_ewma
    chart.z[watched] = scores[watched]
    chart.ewma[watched] = average(scores, lambda_=design.lambda_, clip=design.clip)[watched]
    limit = design.ewma_chart(baseline.points, two_sided=two_sided)
    chart.ewma_limit[watched] = limit.height * baseline.widening
    chart.cusum_limit[watched] = design.cusum_chart(two_sided=two_sided).limit * baseline.widening
    chart.repeat_limit[watched] = design.multiplier(baseline.points, sigma=design.repeat_sigma)
    chart.shewhart_limit[watched] = design.multiplier(baseline.points, sigma=3.0)
