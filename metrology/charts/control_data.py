"""What a control chart is drawn from: plain data, with dates as ISO text and values in measured units."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """One point of the chart.

    Parameters
    ----------
    date : str
        ISO date or date and time.
    value : float or None
        Measured value [unit of the chart]; None where there is none.
    z : float or None
        Distance from the baseline [σ], harm upwards.
    ewma : float or None
        The moving average [unit of the chart].
    statuses : tuple[str, ...]
        As in `SeriesAssessment.statuses`; "invalid" points are greyed.
    acquisition : str
        Id of the acquisition, for hover image and link.
    note : str
        Reason of invalidity or the like.
    uncertainty : float or None
        Standard error [unit of the chart]; None where it is not known.
    verdict : str
        How the value lies to the absolute limits of its day: "within", "beyond" or "cannot tell"; empty without any.
    """

    date: str
    value: float | None
    z: float | None = None
    ewma: float | None = None
    statuses: tuple[str, ...] = ()
    acquisition: str = ""
    note: str = ""
    uncertainty: float | None = None
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class LimitSpan:
    """Limits in force from one date to another, in the unit of the chart.

    Parameters
    ----------
    start, stop : str
        ISO dates.
    centre, low, high : float
        Centre and Shewhart limits.
    ewma_limits : tuple[float, ...]
        Limits of the EWMA: one towards harm, or one on each side; empty where it does not watch.
    stage : str
        "tentative", "provisional" or "firm".
    """

    start: str
    stop: str
    centre: float
    low: float
    high: float
    ewma_limits: tuple[float, ...] = ()
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A date worth a vertical line.

    Parameters
    ----------
    date : str
        ISO date.
    text : str
        Label.
    role : str
        "event" for a service event, "epoch" for the start of a baseline epoch.
    """

    date: str
    text: str
    role: str = "event"


@dataclass(frozen=True, slots=True)
class FlagSpan:
    """A flag and the dates between which the change began.

    Parameters
    ----------
    date : str
        ISO date of the signal.
    since, since_low, since_high : str
        ISO dates of the change and of its interval.
    text : str
        What moved.
    """

    date: str
    since: str
    since_low: str
    since_high: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class ControlChart:
    """Everything that is drawn.

    Parameters
    ----------
    title, unit : str
        Name of the quantity and its unit (empty for pure numbers).
    points : sequence of ChartPoint
        In time order.
    limits : sequence of LimitSpan
        In time order.
    tolerance, action : tuple[float, ...]
        Absolute limits; none, one, or one on each side [unit].
    marks : sequence of Mark
        Service events and epochs.
    flags : sequence of FlagSpan
        Flags in time order.
    harmful : str
        Which way a change is a loss: "up", "down" or "none"; says which way a z points.
    """

    title: str
    unit: str
    points: Sequence[ChartPoint]
    limits: Sequence[LimitSpan] = ()
    tolerance: tuple[float, ...] = ()
    action: tuple[float, ...] = ()
    marks: Sequence[Mark] = ()
    flags: Sequence[FlagSpan] = ()
    harmful: str = "none"


def finite(value: float | None) -> float | None:
    """Return the number, or None where there is none (JSON knows no NaN).

    Parameters
    ----------
    value : float or None
        Any number, also NaN or infinite.

    Returns
    -------
    float or None
        The number where it is finite.
    """
    return None if value is None or not math.isfinite(value) else float(value)


def is_valid(point: ChartPoint) -> bool:
    """Tell whether a point is charted, not only kept.

    Parameters
    ----------
    point : ChartPoint
        A point of the chart.

    Returns
    -------
    bool
        True where the point has a finite value and is not marked "invalid".
    """
    return "invalid" not in point.statuses and finite(point.value) is not None


def is_uncertain(point: ChartPoint) -> bool:
    """Tell whether a charted point is too uncertain to tell whether it is beyond a limit of its day.

    Parameters
    ----------
    point : ChartPoint
        A point of the chart.

    Returns
    -------
    bool
        True for a valid point whose verdict is "cannot tell".
    """
    return is_valid(point) and point.verdict == "cannot tell"


def with_unit(text: str, unit: str, *, brackets: bool = True) -> str:
    """Write a unit behind a name (in brackets) or behind a number.

    Parameters
    ----------
    text : str
        Name of a quantity, or a number as written.
    unit : str
        Its unit; empty for pure numbers.
    brackets : bool
        Whether the unit stands in brackets, as behind a name.

    Returns
    -------
    str
        The text alone where there is no unit.
    """
    if not unit:
        return text
    return f"{text} [{unit}]" if brackets else f"{text} {unit}"


def z_words(z: float, harmful: str) -> str:
    """Write how far a value is from its baseline, and which way, for a sentence.

    Parameters
    ----------
    z : float
        Distance from the baseline [σ], harm upwards; rising upwards where no direction harms.
    harmful : str
        Which way a change of the quantity is a loss: "up", "down" or "none".

    Returns
    -------
    str
        For example "51.3 σ towards harm": a sign alone would read as a rise, also where the value fell.
    """
    if harmful == "none":
        way = "above the baseline" if z >= 0 else "below the baseline"
    else:
        way = "towards harm" if z >= 0 else "away from harm"
    return f"{abs(z):.1f} σ {way}"
