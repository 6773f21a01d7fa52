"""What the first page says: which instrument needs hands, and why."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from django.utils import timezone

from instruments.models import Instrument, InstrumentState
from instruments.models.instrument import Technique
from metrology.attributes.registry import ATTRIBUTES
from metrology.models import Assessment, Flag, Verdict
from metrology.models.flag import UNRESOLVED
from metrology.selectors.measuring import MeasuringProgress, measuring_progress
from metrology.selectors.vocabulary import is_current, title_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from instruments.models import Facility

SHOWN_SPARKLINES = 2
RANK: Final = {Verdict.DEGRADED: 3, Verdict.WATCH: 2, Verdict.IN_CONTROL: 1, Verdict.NO_DATA: 0}
GROUPS: Final = (
    "intensity",
    "noise",
    "sharpness",
    "texture",
    "reference",
    "beads",
    "field",
    "marbles",
    "scan",
    "power",
)
UNKNOWN_ROOM = "unknown"


class SeriesState(NamedTuple):
    """The state of one series, without its chart."""

    pk: int
    instrument_id: int
    attribute_id: str
    channel: int
    status: str
    value: float | None


@dataclass(frozen=True, slots=True)
class FleetSparkline:
    """One of the worst series of an instrument."""

    series_id: int
    name: str
    svg: str
    value: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class FleetCard:
    """One instrument on the first page."""

    instrument: Instrument
    verdict: str
    reason: str
    sparklines: tuple[FleetSparkline, ...]
    last_scan_at: datetime | None
    next_due_at: datetime | None
    is_overdue: bool
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class HeatCell:
    """The worst state among an instrument's series of one group; None where none is measured."""

    group: str
    verdict: str | None
    series: int


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One instrument of the heat map."""

    instrument: Instrument
    cells: tuple[HeatCell, ...]


@dataclass(frozen=True, slots=True)
class FleetFilter:
    """What to show of the fleet; empty text shows all."""

    room: str = ""
    technique: str = ""
    verdict: str = ""

    def admits(self, card: FleetCard) -> bool:
        """Tell whether a card is to be shown."""
        return (
            self.room in ("", card.instrument.room or UNKNOWN_ROOM)
            and self.technique in ("", card.instrument.technique)
            and self.verdict in ("", card.verdict)
        )


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything the first page shows."""

    headline: str
    verdict: str
    cards: tuple[FleetCard, ...]
    total: int
    groups: tuple[str, ...]
    heat_map: tuple[HeatRow, ...]
    rooms: tuple[str, ...]
    techniques: tuple[tuple[str, str], ...]
    retired: tuple[Instrument, ...]
    measuring: MeasuringProgress


def fleet_get(facility: Facility, wanted: FleetFilter | None = None) -> Fleet:
    """Return the facility's instruments as the first page shows them, the most urgent first.

    Parameters
    ----------
    facility : Facility
        Whose instruments.
    wanted : FleetFilter, optional
        Which cards to show; the headline always speaks of all instruments in use.

    Returns
    -------
    Fleet
        In a fixed number of queries, whatever the number of instruments.
    """
    wanted = wanted or FleetFilter()
    every = list(Instrument.objects.filter(facility=facility).select_related("health"))
    instruments = [one for one in every if one.state != InstrumentState.RETIRED]
    states = _states(facility)
    cards = _cards(instruments, states, _open_flags(facility))
    shown = tuple(card for card in cards if wanted.admits(card))
    groups, heat_map = _heat_map(shown, states)
    techniques = {one.technique for one in instruments}
    measuring = measuring_progress(facility)
    return Fleet(
        headline=headline(cards, busy=measuring.is_busy),
        verdict=max((card.verdict for card in cards), key=lambda one: RANK[Verdict(one)], default=Verdict.NO_DATA),
        cards=shown,
        total=len(cards),
        groups=groups,
        heat_map=heat_map,
        rooms=tuple(sorted({one.room or UNKNOWN_ROOM for one in instruments})),
        techniques=tuple((value, label) for value, label in Technique.choices if value in techniques),
        retired=tuple(one for one in every if one.state == InstrumentState.RETIRED),
        measuring=measuring,
    )


def headline(cards: Sequence[FleetCard], *, busy: bool = False) -> str:
    """Say in one breath which instruments need hands; `busy` while scans wait whose verdict is still to come."""
    if not cards:
        return "No instrument is catalogued yet."
    names: dict[str, list[str]] = defaultdict(list)
    for card in cards:
        names[card.verdict].append(card.instrument.name)
    count = len(cards)
    of_all = f"of {count} instrument{'' if count == 1 else 's'}"
    degraded, watched, unknown = (names[v] for v in (Verdict.DEGRADED, Verdict.WATCH, Verdict.NO_DATA))
    if degraded:
        parts = [f"{len(degraded)} {of_all} {'needs' if len(degraded) == 1 else 'need'} hands: {_listed(degraded)}."]
        if watched:
            parts.append(f"{len(watched)} to watch: {_listed(watched)}.")
    elif watched:
        parts = [f"{len(watched)} {of_all} to watch: {_listed(watched)}."]
    elif len(unknown) == count:
        why = "scans are still being measured" if busy else f"none {of_all} has a baseline"
        parts = [f"Nothing can be said yet: {why}."]
    elif busy:
        parts = [f"{count - len(unknown)} {of_all} in control by earlier scans; new ones are still to be judged."]
    else:
        good = count - len(unknown)
        parts = [f"{good} {of_all} in control." if unknown else f"{_all(count)} in control."]
    if unknown and len(unknown) < count:
        parts.append(f"No data: {_listed(unknown)}.")
    overdue = [card.instrument.name for card in cards if card.is_overdue]
    if overdue:
        parts.append(f"Scans overdue: {_listed(overdue)}.")
    return " ".join(parts)


def _all(count: int) -> str:
    return "The instrument is" if count == 1 else f"All {count} instruments are"


def _listed(names: Sequence[str]) -> str:
    """Write three names and the number of the others."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _states(facility: Facility) -> list[SeriesState]:
    """Return the state of every series in use, worst first."""
    rows = (
        Assessment.objects.filter(series__instrument__facility=facility, series__retired_at=None)
        .order_by("-urgency", "series_id")
        .values_list(
            "series_id",
            "series__instrument_id",
            "series__attribute_id",
            "series__channel",
            "status",
            "latest_value",
            "series__algorithm_version",
        )
    )
    return [SeriesState(*row[:6]) for row in rows if is_current(row[2], row[6])]


def _open_flags(facility: Facility) -> dict[int, list[Flag]]:
    found: dict[int, list[Flag]] = defaultdict(list)
    for flag in Flag.objects.filter(instrument__facility=facility, state__in=UNRESOLVED):
        found[flag.instrument_id].append(flag)
    return found


def _cards(
    instruments: Iterable[Instrument], states: Sequence[SeriesState], flags: dict[int, list[Flag]]
) -> list[FleetCard]:
    now = timezone.now()
    worst = _worst(states)
    drawings = dict(
        Assessment.objects.filter(series_id__in=[one.pk for few in worst.values() for one in few]).values_list(
            "series_id", "sparkline"
        )
    )
    keyed = []
    for instrument in instruments:
        health = getattr(instrument, "health", None)
        due = health.next_due_at if health else None
        card = FleetCard(
            instrument=instrument,
            verdict=health.verdict if health else Verdict.NO_DATA,
            reason=_reason(health.verdict, health.reasons) if health else "Nothing has been scanned yet.",
            sparklines=tuple(_sparkline(one, drawings[one.pk]) for one in worst[instrument.pk]),
            last_scan_at=health.last_scan_at if health else None,
            next_due_at=due,
            is_overdue=due is not None and due < now,
            flags=tuple(flags[instrument.pk]) if instrument.pk in flags else (),
        )
        keyed.append((-(health.urgency if health else 0.0), instrument.name, card))
    return [card for _, _, card in sorted(keyed, key=lambda item: item[:2])]


def _worst(states: Sequence[SeriesState]) -> dict[int, list[SeriesState]]:
    """Pick the worst series of each instrument, each attribute once."""
    picked: dict[int, list[SeriesState]] = defaultdict(list)
    for one in states:
        few = picked[one.instrument_id]
        if (
            len(few) < SHOWN_SPARKLINES
            and one.value is not None
            and one.attribute_id not in {s.attribute_id for s in few}
        ):
            few.append(one)
    return picked


def _sparkline(state: SeriesState, svg: str) -> FleetSparkline:
    attribute = ATTRIBUTES[state.attribute_id]
    return FleetSparkline(state.pk, title_of(attribute), svg, state.value, unit_of(attribute))


def _reason(verdict: str, reasons: Sequence[str]) -> str:
    """Say why in one sentence."""
    if verdict == Verdict.NO_DATA:
        return "Not enough scans for a baseline yet."
    if not reasons:
        return "Every series is within its limits." if verdict == Verdict.IN_CONTROL else "A flag is unresolved."
    others = len(reasons) - 1
    return reasons[0].rstrip(".") + (f", and {others} more series" if others else "") + "."


def _heat_map(cards: Sequence[FleetCard], states: Sequence[SeriesState]) -> tuple[tuple[str, ...], tuple[HeatRow, ...]]:
    """Return the groups that are measured at all, and one row an instrument."""
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    for one in states:
        found[one.instrument_id, ATTRIBUTES[one.attribute_id].group].append(one.status)
    measured = {group for _, group in found}
    groups = tuple(group for group in GROUPS if group in measured) + tuple(sorted(measured - set(GROUPS)))
    rows = tuple(
        HeatRow(
            card.instrument,
            tuple(_cell(group, found.get((card.instrument.pk, group), [])) for group in groups),
        )
        for card in cards
    )
    return groups, rows


def _cell(group: str, statuses: Sequence[str]) -> HeatCell:
    worst = max(statuses, key=lambda status: RANK[Verdict(status)], default=None)
    return HeatCell(group, worst, len(statuses))
