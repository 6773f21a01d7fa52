"""Signals and service events, told in the order in which they happened, become flags that are raised and resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrology.attributes.registry import ATTRIBUTES
from metrology.models import Flag, FlagSignal, FlagState, FlagTransition
from metrology.services.hypotheses import rank_causes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from instruments.models import Instrument, ServiceEvent
    from metrology.models import Series


@dataclass(frozen=True, slots=True)
class SignalFacts:
    """One signal of one series; `value`, `limit` and `centre` in the unit of the series."""

    series: Series
    acquisition_id: int
    kind: str
    signalled_at: datetime
    since: datetime
    since_low: datetime
    since_high: datetime
    magnitude_sigma: float | None
    value: float
    limit: float | None
    centre: float | None

    @property
    def strength(self) -> float:
        """How far the series moved [σ]; an absolute limit that was broken counts most."""
        return float("inf") if self.magnitude_sigma is None else abs(self.magnitude_sigma)


def flags_sync(instrument: Instrument, *, signals: Sequence[SignalFacts], events: Sequence[ServiceEvent]) -> list[Flag]:
    """Bring the instrument's flags up to date; call it inside the transaction that holds the instrument's health row.

    What is already known is left as it is, so that the call may be repeated. A signal joins the flag that was open on its
    date (or any unresolved one, when an old scan arrives late); else it raises a new flag. A service event that resets
    every quantity that moved resolves the flag.

    Returns
    -------
    list of Flag
        Flags raised by this call.
    """
    known = set(
        FlagSignal.objects.filter(flag__instrument=instrument).values_list("series_id", "acquisition_id", "kind")
    )
    fresh = [one for one in signals if (one.series.pk, one.acquisition_id, one.kind) not in known]
    flags = list(instrument.flags.order_by("raised_at"))
    raised: list[Flag] = []
    timeline: list[tuple[datetime, int, SignalFacts | ServiceEvent]] = [
        *((event.ended_at, 0, event) for event in events if event.resets),
        *((one.signalled_at, 1, one) for one in fresh),
    ]
    timeline.sort(key=lambda item: (item[0], item[1], -item[2].strength if isinstance(item[2], SignalFacts) else 0.0))
    touched: set[int] = set()
    for at, _, item in timeline:
        if isinstance(item, SignalFacts):
            flag = _flag_on(flags, at)
            if flag is None:
                flag = _raise(instrument, item, events)
                flags.append(flag)
                raised.append(flag)
            _join(flag, item)
            touched.add(flag.pk)
        else:
            for flag in flags:
                _resolve_by(flag, item)
    for flag in flags:
        if flag.pk in touched:
            flag.hypotheses = rank_causes(flag)
            flag.since, flag.since_low, flag.since_high = _since(flag)
            flag.save(update_fields=["hypotheses", "since", "since_low", "since_high"])
    return raised


def _flag_on(flags: Sequence[Flag], at: datetime) -> Flag | None:
    """Return the flag that a signal of that date belongs to."""
    for flag in flags:
        if flag.raised_at <= at and (flag.closed_at is None or at <= flag.closed_at):
            return flag
    return next((flag for flag in flags if flag.is_unresolved), None)


def _raise(instrument: Instrument, signal: SignalFacts, events: Sequence[ServiceEvent]) -> Flag:
    before = [event for event in events if event.ended_at <= signal.signalled_at]
    flag = Flag.objects.create(
        instrument=instrument,
        raised_at=signal.signalled_at,
        raised_by_id=signal.acquisition_id,
        since=signal.since,
        since_low=signal.since_low,
        since_high=signal.since_high,
        nearest_event=min(before, key=lambda event: abs(event.ended_at - signal.since), default=None),
    )
    name = ATTRIBUTES[signal.series.attribute_id].name
    _note(flag, FlagState.OPEN, FlagState.OPEN, f"Raised by {name}, {signal.series.place} ({signal.kind}).")
    return flag


def _join(flag: Flag, signal: SignalFacts) -> None:
    FlagSignal.objects.create(
        flag=flag,
        series=signal.series,
        acquisition_id=signal.acquisition_id,
        kind=signal.kind,
        signalled_at=signal.signalled_at,
        since=signal.since,
        since_low=signal.since_low,
        since_high=signal.since_high,
        magnitude_sigma=signal.magnitude_sigma,
        value=signal.value,
        limit=signal.limit,
        centre=signal.centre,
    )


def _since(flag: Flag) -> tuple[datetime, datetime, datetime]:
    """Date the change by the middle of what the signals say: one series alone may be far off, all together are not."""
    rows = list(flag.signals.values_list("since", "since_low", "since_high"))
    since, low, high = (sorted(column)[len(rows) // 2] for column in zip(*rows, strict=True))
    return since, low, high


def _resolve_by(flag: Flag, event: ServiceEvent) -> None:
    """Resolve the flag if the event came after it and resets all that had moved."""
    if not flag.is_unresolved or event.ended_at < flag.raised_at:
        return
    moved = {ATTRIBUTES[one.series.attribute_id].group for one in flag.signals.select_related("series")}
    if not moved <= event.resets:
        return
    before = flag.state
    flag.state = FlagState.RESOLVED
    flag.resolved_by = event
    flag.closed_at = event.ended_at
    flag.save(update_fields=["state", "resolved_by", "closed_at"])
    _note(flag, before, flag.state, f"Resolved by {event}.")


def _note(flag: Flag, before: str, after: str, text: str) -> None:
    FlagTransition.objects.create(flag=flag, from_state=before, to_state=after, text=text)
