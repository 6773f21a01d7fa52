"""When a chart's statistic becomes a signal, when it ceases, and since when the change has been there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from metrology.spc.assessment import Signal, SignalKind
from metrology.spc.baseline import Baseline, fit_baseline
from metrology.spc.change_point import date_change
from metrology.spc.tolerance import AbsoluteLimits, margins_beyond, surely_beyond

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metrology.spc.epoch import EpochChart
    from metrology.spc.transforms import Scale

# Share of its limit below which a statistic must fall before it can signal anew: noise round the limit is one event.
RELEASE: Final[dict[SignalKind, float]] = {
    "action": 1.0, "tolerance": 1.0, "confirmed": 1.0, "ewma": 0.5, "cusum": 0.5, "repeat": 1.0,
}  # fmt: skip


def levels_of(
    measured: NDArray[np.float64],
    charts: Sequence[EpochChart],
    places: Sequence[NDArray],
    *,
    usable: NDArray,
    scale: Scale,
    limits: AbsoluteLimits,
    starts: Sequence[int],
) -> dict[str, NDArray[np.float64]]:
    """Express every statistic as a multiple of its own limit.

    Parameters
    ----------
    measured : (N,) array
        Measured values [their unit].
    charts, places : sequences
        Charts of the epochs, and the indices of their points.
    usable : (N,) array of bool
        False for invalid points.
    scale : Scale
        The chart's scale and the harmful direction.
    limits : AbsoluteLimits
        Tolerance and action limits.
    starts : sequence of int
        First index of each epoch.

    Returns
    -------
    dict of (N,) arrays
        For each chart the level, above 1 where it is beyond its limit; NaN where there is nothing to judge. A value beyond
        the action limit that is too uncertain to tell is "unsure", and is left out of "action": it neither begins an
        excursion nor ends one.
    """
    names = ("ewma", "cusum", "repeat", "confirmed", "shewhart")
    levels = {name: np.full(measured.size, np.nan) for name in names}
    for chart, where in zip(charts, places, strict=True):
        levels["ewma"][where] = np.abs(chart.ewma) / chart.ewma_limit
        levels["cusum"][where] = chart.cusum / chart.cusum_limit
        levels["repeat"][where] = np.abs(chart.z) / chart.repeat_limit
        levels["confirmed"][where] = _twice_in_a_row(chart.z / chart.repeat_limit, both=scale.harmful == "both")
        levels["shewhart"][where] = np.abs(chart.z) / chart.shewhart_limit
    for name, limit in (("tolerance", limits.tolerance), ("action", limits.action)):
        margins = margins_beyond(measured, limit, harmful=scale.harmful, target=limits.target)
        margins[: limits.first] = -np.inf
        margins[~usable] = np.nan
        levels[name] = np.where(usable, np.where(margins > 0, 2.0, 0.0), np.nan)
    unsure = np.zeros(measured.shape, dtype=np.bool_)
    if limits.guards:
        unsure = (margins > 0) & ~surely_beyond(margins, limits.guards, starts=starts)
    levels["action"][unsure] = np.nan
    levels["unsure"] = np.where(unsure, 2.0, 0.0)
    return levels


def _twice_in_a_row(level: NDArray[np.float64], *, both: bool) -> NDArray[np.float64]:
    """Return the lesser level of each point and the one before it, on the same side: 1 where a repeat confirms the first.

    EWMA and CUSUM clip what is far out, so that one bad scan hardly moves them; a large step would take them many scans.
    Two scans in a row beyond the limit of the repeat channel are no accident: at 3.5 σ, by chance once in 18 million.
    """
    pairs = np.full(level.shape, np.nan)
    pairs[1:] = np.minimum(level[1:], level[:-1])
    if both:
        pairs[1:] = np.fmax(pairs[1:], np.minimum(-level[1:], -level[:-1]))
    return pairs


def excursions(level: NDArray, *, release: float, starts: Sequence[int]) -> tuple[list[int], bool]:
    """Find where a statistic leaves its limit, and whether it is still out at the end.

    Parameters
    ----------
    level : (N,) array
        Statistic as a multiple of its limit; NaN is skipped.
    release : float
        Level below which an excursion ends.
    starts : sequence of int
        Indices at which a new epoch ends every excursion.

    Returns
    -------
    tuple[list[int], bool]
        First index of each excursion, and whether the last still lasts.
    """
    found: list[int] = []
    fresh = set(starts)
    out = False
    for index, value in enumerate(level.tolist()):
        if index in fresh:
            out = False
        if value > 1 and not out:
            found.append(index)
            out = True
        elif value <= release:
            out = False
    return found, out


def find_signals(
    levels: dict[str, NDArray],
    charts: Sequence[EpochChart],
    places: Sequence[NDArray],
    *,
    scaled: NDArray[np.float64],
    starts: Sequence[int],
    upward_only: bool,
) -> tuple[tuple[Signal, ...], tuple[SignalKind, ...]]:
    """List all signals of a series, date each, and tell which kinds still hold.

    Parameters
    ----------
    levels : dict of (N,) arrays
        Statistics as multiples of their limits.
    charts, places : sequences
        Charts of the epochs, and the indices of their points.
    scaled : (N,) array
        Values on the chart's scale, harm upwards.
    starts : sequence of int
        First index of each epoch.
    upward_only : bool
        Whether only one direction is harmful.

    Returns
    -------
    tuple[tuple[Signal, ...], tuple[str, ...]]
        Signals in order of their point; and the kinds that still hold at the end, gravest first.
    """
    outings = {kind: excursions(levels[kind], release=release, starts=starts) for kind, release in RELEASE.items()}
    dates: dict[int, tuple[int, int, int, float]] = {}
    signals = []
    for index, kind in sorted((index, kind) for kind, (found, _) in outings.items() for index in found):
        number = int(np.searchsorted(np.asarray(starts), index, side="right")) - 1
        where = places[number][places[number] <= index]
        baseline = _baseline_at(charts[number], scaled[where]) if index in where else None
        if baseline is None:
            signals.append(Signal(kind, index, index, index, index, float("nan")))
            continue
        scores = (scaled[where] - baseline.centre) / baseline.scale
        if kind == "repeat" or scores.size < 3:
            signals.append(Signal(kind, index, index, index, index, float(scores[-1])))
            continue
        if index not in dates:
            change = date_change(scores, upward_only=upward_only)
            since, low, high = (int(where[at]) for at in (change.index, change.low, change.high))
            dates[index] = since, low, high, change.magnitude_sigma
        signals.append(Signal(kind, index, *dates[index]))
    return tuple(signals), tuple(kind for kind, (_, still) in outings.items() if still)


def _baseline_at(chart: EpochChart, seen: NDArray) -> Baseline | None:
    position = seen.size - 1
    for item in chart.in_force:
        if item.watched and item.start <= position < item.stop:
            return item.baseline
    return fit_baseline(seen) if seen.size >= 3 and np.ptp(seen) > 0 else None
