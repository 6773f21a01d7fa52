"""Which verdict an instrument had when, told from its flags and from the points of its series."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from metrology.attributes.registry import ATTRIBUTES
from metrology.models import Baseline, StandardKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from instruments.models import Instrument
    from metrology.models import Assessment, Series

BEYOND: Final = frozenset({"repeat", "tolerance", "confirmed", "ewma", "cusum", "unsure", "action"})
"""Statuses of a point that ask to watch. One beyond Shewhart's limit alone is drawn, but changes no verdict."""

Change = tuple[datetime, tuple[str, int], bool]
"""From when on a flag or a series asks for attention, or ceases to."""


def verdict_history(instrument: Instrument, assessments: Iterable[Assessment]) -> list[dict[str, str]]:
    """Return the verdicts of an instrument in time order, from its first baseline on; each holds until the next.

    Parameters
    ----------
    instrument : Instrument
        With its flags.
    assessments : iterable of Assessment
        Of all its series, as they are judged now.

    Returns
    -------
    list of {from, verdict}
        Degraded while a flag was unresolved, else watch while the latest point of any series was beyond a limit, else in
        control. Empty before there is a baseline.
    """
    first = Baseline.objects.filter(series__instrument=instrument).order_by("last_acquired_at").first()
    if first is None:
        return []
    changes: list[Change] = []
    for flag in instrument.flags.all():
        changes.append((flag.raised_at, ("flag", flag.pk), True))
        if flag.closed_at is not None:
            changes.append((flag.closed_at, ("flag", flag.pk), False))
    for one in assessments:
        changes += _watched(one)
    return _steps(first.last_acquired_at, sorted(changes))


def _steps(start: datetime, changes: Sequence[Change]) -> list[dict[str, str]]:
    """Return the verdict at the start, and each that follows another."""
    asking: set[tuple[str, int]] = set()
    steps: list[tuple[datetime, str]] = [(start, Verdict.IN_CONTROL)]
    for at, together in groupby(changes, key=lambda change: max(change[0], start)):
        for _, who, asks in together:
            if asks:
                asking.add(who)
            else:
                asking.discard(who)
        verdict = _verdict(asking)
        if at == start:
            steps = [(start, verdict)]
        elif verdict != steps[-1][1]:
            steps.append((at, verdict))
    return [{"from": at.isoformat(), "verdict": str(verdict)} for at, verdict in steps]


def _verdict(asking: set[tuple[str, int]]) -> Verdict:
    if any(kind == "flag" for kind, _ in asking):
        return Verdict.DEGRADED
    return Verdict.WATCH if asking else Verdict.IN_CONTROL


def _watched(assessment: Assessment) -> list[Change]:
    """Return when a series began and ceased to ask to be watched, by its points; the last one as it is judged now."""
    beyond = _beyond(assessment.series)
    points = assessment.result.get("points", []) if beyond else []
    found: list[Change] = []
    asks = False
    for index, point in enumerate(points):
        before = asks
        asks = bool(beyond.intersection(point.get("statuses", ())))
        if index == len(points) - 1:
            asks = assessment.status in (Verdict.WATCH, Verdict.DEGRADED)
        if asks != before:
            found.append((datetime.fromisoformat(point["date"]), ("series", assessment.series_id), asks))
    return found


def _beyond(series: Series) -> frozenset[str]:
    """Return the statuses by which a series asks to be watched: fields of any specimen only by an absolute limit."""
    if ATTRIBUTES[series.attribute_id].harmful == "none":
        return frozenset()
    return frozenset({"unsure", "action"}) if series.standard.kind == StandardKind.OTHER else BEYOND
