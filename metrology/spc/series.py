"""The one entry to the charts: from the values of a series to everything that is to be said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError
from metrology.spc.assessment import EpochAssessment, Segment, SeriesAssessment, Status
from metrology.spc.design import ChartDesign
from metrology.spc.epoch import EpochChart, InForce, chart_epoch
from metrology.spc.price import price_of_watching
from metrology.spc.signals import find_signals, levels_of
from metrology.spc.tolerance import AbsoluteLimits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from metrology.spc.transforms import Scale

DEFAULT_DESIGN = ChartDesign()
NO_LIMITS = AbsoluteLimits()


def assess(
    values: ArrayLike,
    *,
    times_day: ArrayLike,
    epoch_starts: Sequence[int] = (0,),
    valid: ArrayLike | None = None,
    scale: Scale,
    limits: AbsoluteLimits = NO_LIMITS,
    design: ChartDesign = DEFAULT_DESIGN,
) -> SeriesAssessment:
    """Tell whether a series shows that its instrument got worse, since when, and how sure that is.

    Parameters
    ----------
    values : (N,) array
        Measured values in time order [their unit].
    times_day : (N,) array
        Their dates [days, any origin], not falling.
    epoch_starts : sequence of int
        Index of the first point of each epoch, rising from 0.
    valid : (N,) array of bool, optional
        False for points that are kept but never charted; all valid by default.
    scale : Scale
        The chart's scale and the harmful direction.
    limits : AbsoluteLimits
        Tolerance and action limits [unit of the values].
    design : ChartDesign
        What the charts promise.

    Returns
    -------
    SeriesAssessment
        Scores, statistics, baselines, limits, signals and the price of watching.

    Raises
    ------
    InputError
        If lengths differ, also that of the limits' guards, a valid value is not a number, dates fall, or epochs do not
        rise from 0.

    Notes
    -----
    Each point is judged by earlier points only: adding points never changes an earlier signal. Time enters only
    the price; irregular sampling is charted point by point.
    """
    measured, times, usable = _checked(values, times_day, valid)
    bounds = _epoch_bounds(epoch_starts, measured.size)
    scaled = scale.forward(measured)
    unscored = usable & ~np.isfinite(scaled)
    usable &= np.isfinite(scaled)
    two_sided = scale.harmful == "both"
    places = [np.flatnonzero(usable[start:stop]) + start for start, stop in bounds]
    charts = [chart_epoch(scaled[where], design=design, two_sided=two_sided) for where in places]
    segments = [
        [_segment(item, where, number, scale=scale, design=design) for item in chart.in_force]
        for number, (chart, where) in enumerate(zip(charts, places, strict=True))
    ]
    starts = [start for start, _ in bounds]
    levels = levels_of(measured, charts, places, usable=usable | unscored, scale=scale, limits=limits, starts=starts)
    signals, active = find_signals(levels, charts, places, scaled=scaled, starts=starts, upward_only=not two_sided)
    latest = [items[-1] if items else None for items in segments]
    last = latest[-1] if latest else None
    stages = _stages(segments, measured.size)
    return SeriesAssessment(
        z=_spread([chart.z for chart in charts], places, measured.size),
        ewma=_spread([chart.ewma for chart in charts], places, measured.size),
        ewma_limit=_spread([chart.ewma_limit for chart in charts], places, measured.size),
        cusum=_spread([chart.cusum for chart in charts], places, measured.size),
        cusum_limit=_spread([chart.cusum_limit for chart in charts], places, measured.size),
        ewma_values=_spread([_ewma_values(chart, scale=scale) for chart in charts], places, measured.size),
        epoch=np.repeat(np.arange(len(bounds)), [stop - start for start, stop in bounds]),
        stages=stages,
        statuses=_statuses(levels, segments, usable=usable, unscored=unscored),
        epochs=tuple(
            EpochAssessment(start, stop, int(where.size), segment, chart.problem)
            for (start, stop), where, segment, chart in zip(bounds, places, latest, charts, strict=True)
        ),
        segments=tuple(item for items in segments for item in items),
        signals=signals,
        active=active,
        price=None
        if last is None or last.stage == "tentative"
        else price_of_watching(times, design=design, baseline_points=last.baseline.points, two_sided=two_sided),
    )


def _checked(
    values: ArrayLike, times_day: ArrayLike, valid: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    measured = np.array(values, dtype=np.float64)
    times = np.array(times_day, dtype=np.float64)
    usable = np.ones(measured.shape, np.bool_) if valid is None else np.array(valid, dtype=np.bool_)
    if measured.ndim != 1 or times.shape != measured.shape or usable.shape != measured.shape:
        raise InputError(
            "Values, dates and validity of a series differ in length.",
            hint="Give one of each for every point.",
            values=measured.shape,
            times=times.shape,
            valid=usable.shape,
        )
    if not np.isfinite(measured[usable]).all():
        raise InputError("A valid point is not a number.", hint="Mark that measurement invalid.")
    if not np.isfinite(times).all() or np.any(np.diff(times) < 0):
        raise InputError("The points are not in time order.", hint="Sort the series by its dates.")
    return measured, times, usable


def _epoch_bounds(starts: Sequence[int], size: int) -> list[tuple[int, int]]:
    if not size:
        return []
    edges = list(starts)
    if not edges or edges[0] != 0 or edges != sorted(set(edges)) or edges[-1] >= size:
        raise InputError(
            "Epochs do not rise from the first point.",
            hint="Give the index of the first point of each epoch.",
            epoch_starts=edges,
        )
    return list(zip(edges, [*edges[1:], size], strict=True))


def _segment(item: InForce, where: NDArray, number: int, *, scale: Scale, design: ChartDesign) -> Segment:
    base = item.baseline
    height = design.ewma_chart(base.points, two_sided=scale.harmful == "both").height if item.watched else np.nan
    shewhart, repeat = (design.multiplier(base.points, sigma=sigma) for sigma in (3.0, design.repeat_sigma))
    reach = np.array(
        [0.0, -1, 1, -shewhart, shewhart, -repeat, repeat, height * base.widening, -height * base.widening]
    )
    lines = scale.backward(base.centre + reach * base.scale).tolist()
    pairs = [sorted(lines[at : at + 2]) for at in (1, 3, 5)]
    return Segment(
        start=int(where[item.start]) if item.start < where.size else int(where[-1]) + 1,
        stop=int(where[item.stop - 1]) + 1,
        epoch=number,
        stage=base.stage,
        watched=item.watched,
        baseline=base,
        centre=lines[0],
        sigma_low=pairs[0][0],
        sigma_high=pairs[0][1],
        shewhart_low=pairs[1][0],
        shewhart_high=pairs[1][1],
        repeat_low=pairs[2][0],
        repeat_high=pairs[2][1],
        ewma_harm=lines[7],
        ewma_other=lines[8] if scale.harmful == "both" else None,
    )


def _ewma_values(chart: EpochChart, *, scale: Scale) -> NDArray[np.float64]:
    values = np.full(chart.z.size, np.nan)
    for item in chart.in_force:
        part = slice(item.start, item.stop)
        values[part] = scale.backward(item.baseline.centre + chart.ewma[part] * item.baseline.scale)
    return values


def _spread(parts: list[NDArray], places: list[NDArray], size: int) -> NDArray[np.float64]:
    whole = np.full(size, np.nan)
    for part, where in zip(parts, places, strict=True):
        whole[where] = part
    return whole


def _stages(segments: list[list[Segment]], size: int) -> tuple[str, ...]:
    stages = [""] * size
    for items in segments:
        for item in items:
            stages[item.start : item.stop] = [item.stage if item.watched else "tentative"] * (item.stop - item.start)
    return tuple(stages)


def _statuses(
    levels: dict[str, NDArray], segments: list[list[Segment]], *, usable: NDArray, unscored: NDArray
) -> tuple[tuple[Status, ...], ...]:
    learned = np.zeros(usable.size, dtype=np.bool_)
    for items in segments:
        if items:
            first = items[0].start
            members = np.flatnonzero(usable[first : items[-1].stop])[: items[-1].baseline.points] + first
            learned[members] = True
    marks: dict[Status, NDArray] = {
        "invalid": ~usable & ~unscored, "unscored": unscored, "baseline": learned,
        "shewhart": levels["shewhart"] > 1, "ewma": levels["ewma"] > 1, "cusum": levels["cusum"] > 1,
        "repeat": levels["repeat"] > 1, "confirmed": levels["confirmed"] > 1,
        "tolerance": levels["tolerance"] > 1, "unsure": levels["unsure"] > 1, "action": levels["action"] > 1,
    }  # fmt: skip
    return tuple(tuple(name for name, mark in marks.items() if mark[index]) for index in range(usable.size))
