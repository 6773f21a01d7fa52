"""An instrument's health over time as a strip: where its parts lie between left and right, in percent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from metrology.models import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instruments.models import ServiceEvent
    from metrology.models import Flag

MOST_TICKS = 7


@dataclass(frozen=True, slots=True)
class Span:
    """A time during which one verdict held; `left` and `width` [% of the strip]."""

    left: float
    width: float
    verdict: str
    words: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A moment: `kind` is "event" or "flag"; `left` [% of the strip]."""

    left: float
    kind: str
    words: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """A date on the axis; `left` [% of the strip]."""

    left: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The strip and one sentence that says the same."""

    start: datetime
    stop: datetime
    spans: tuple[Span, ...]
    spots: tuple[Spot, ...]
    ticks: tuple[Tick, ...]
    summary: str


def timeline(
    history: Sequence[dict[str, str]],
    *,
    events: Sequence[ServiceEvent],
    flags: Sequence[Flag],
    until: datetime,
) -> Timeline | None:
    """Lay out the verdicts of an instrument with its service events and flags.

    Parameters
    ----------
    history : sequence of {from, verdict}
        In time order; each verdict holds until the next.
    events, flags
        Marked at the end of the service and at the date of the raising scan; earlier than the history are left out.
    until : datetime
        Right end of the strip.

    Returns
    -------
    Timeline or None
        None without a history.
    """
    steps = [(datetime.fromisoformat(step["from"]), step["verdict"]) for step in history]
    steps = [step for step in steps if step[0] < until]
    if not steps:
        return None
    start = steps[0][0]

    def left(at: datetime) -> float:
        return round(100 * (at - start) / (until - start), 3)

    ends = [at for at, _ in steps[1:]] + [until]
    spans = tuple(
        Span(
            left(at),
            round(left(end) - left(at), 3),
            verdict,
            f"{Verdict(verdict).label}: {at:%Y-%m-%d} to {end:%Y-%m-%d}",
        )
        for (at, verdict), end in zip(steps, ends, strict=True)
        if end > at
    )
    spots = [Spot(left(event.ended_at), "event", str(event)) for event in events if start <= event.ended_at <= until]
    spots += [
        Spot(left(flag.raised_at), "flag", _flag_words(flag), flag.get_absolute_url())
        for flag in flags
        if start <= flag.raised_at <= until
    ]
    return Timeline(start, until, spans, tuple(spots), _ticks(start, until), _summary(start, steps, events, flags))


def _ticks(start: datetime, stop: datetime) -> tuple[Tick, ...]:
    """Return the beginnings of months, so few that their labels do not touch."""
    first = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    firsts, at = [], datetime(first.year, first.month, 1, tzinfo=UTC)
    while at < stop:
        firsts.append(at)
        at = (at + timedelta(days=32)).replace(day=1)
    step = -(-len(firsts) // MOST_TICKS) or 1
    return tuple(Tick(round(100 * (at - start) / (stop - start), 3), f"{at:%b %Y}") for at in firsts[::step])


def _summary(
    start: datetime, steps: Sequence[tuple[datetime, str]], events: Sequence[ServiceEvent], flags: Sequence[Flag]
) -> str:
    at, verdict = steps[-1]
    return (
        f"Since {start:%Y-%m-%d}: {_counted(len(flags), 'flag')} and {_counted(len(events), 'service event')}; "
        f"{Verdict(verdict).label} since {at:%Y-%m-%d}."
    )


def _flag_words(flag: Flag) -> str:
    return f"Flag of {flag.raised_at:%Y-%m-%d}, {flag.get_state_display()}"


def _counted(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
