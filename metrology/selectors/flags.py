"""Reads of flags: the inbox, the steps that may follow, and the evidence behind one flag."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Case, Count, IntegerField, Max, Q, Value, When
from django.db.models.functions import Abs

from common.errors import NotFoundError
from common.permissions import Role, includes
from metrology.attributes.registry import ATTRIBUTES
from metrology.models import Acquisition, Flag, FlagSignal, FlagState, FlagTransition, Validity
from metrology.models.flag import UNRESOLVED
from metrology.selectors.comparison import Comparison, comparison
from metrology.selectors.vocabulary import signal_words, title_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from instruments.models import Facility, ServiceEvent
    from metrology.attributes.registry import Attribute

SHOWN_CHARTS = 6
SHOWN_REPEATS = 20

FOLLOWING: Final[dict[str, frozenset[str]]] = {
    FlagState.OPEN: frozenset({FlagState.CONFIRMED, FlagState.ACKNOWLEDGED, FlagState.RESOLVED, FlagState.DISMISSED}),
    FlagState.CONFIRMED: frozenset({FlagState.ACKNOWLEDGED, FlagState.RESOLVED, FlagState.DISMISSED}),
    FlagState.ACKNOWLEDGED: frozenset({FlagState.CONFIRMED, FlagState.RESOLVED, FlagState.DISMISSED}),
    FlagState.RESOLVED: frozenset(),
    FlagState.DISMISSED: frozenset(),
}
"""States that may follow each state. Who has acknowledged a flag may still confirm it by a later repeat."""

NEEDED: Final[dict[str, Role]] = {
    FlagState.ACKNOWLEDGED: Role.OPERATOR,
    FlagState.CONFIRMED: Role.OPERATOR,
    FlagState.RESOLVED: Role.OPERATOR,
    FlagState.DISMISSED: Role.STAFF,
}
"""The least role that may bring a flag into a state."""


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One series that moved, by its first signal.

    Parameters
    ----------
    attribute : Attribute
        What the series measures.
    signal : FlagSignal
        The first signal.
    later : tuple of FlagSignal
        Those that followed by other charts.
    """

    attribute: Attribute
    signal: FlagSignal
    later: tuple[FlagSignal, ...]

    @property
    def title(self) -> str:
        """Name of the quantity."""
        return title_of(self.attribute)

    @property
    def unit(self) -> str:
        """Its unit; empty for pure numbers."""
        return unit_of(self.attribute)

    @property
    def words(self) -> tuple[str, ...]:
        """Which charts signalled, in words, the first one first."""
        return tuple(dict.fromkeys(signal_words(one.kind) for one in (self.signal, *self.later)))

    @property
    def strength(self) -> float:
        """How far the series moved [σ]; beyond an absolute limit counts most."""
        return max(_strength(one) for one in (self.signal, *self.later))


@dataclass(frozen=True, slots=True)
class FlagChart:
    """A word-sized chart of one series that moved."""

    series_id: int
    name: str
    svg: str


@dataclass(frozen=True, slots=True)
class FlagRecord:
    """Everything that the page of a flag shows."""

    flag: Flag
    signals: tuple[FlagSignal, ...]
    evidence: tuple[EvidenceRow, ...]
    charts: tuple[FlagChart, ...]
    comparison: Comparison | None
    transitions: tuple[FlagTransition, ...]
    events: tuple[ServiceEvent, ...]
    repeats: tuple[Acquisition, ...]


def flag_list(facility: Facility, *, state: str = "") -> QuerySet[Flag]:
    """Return the facility's flags by urgency: unresolved before closed, then by how far their series moved.

    Parameters
    ----------
    facility : Facility
        Whose flags.
    state : str
        A state; "unresolved" for those that still ask for hands; empty for all.
    """
    flags = Flag.objects.filter(instrument__facility=facility)
    if state == "unresolved":
        flags = flags.filter(state__in=UNRESOLVED)
    elif state:
        flags = flags.filter(state=state)
    return (
        flags.select_related("instrument", "raised_by", "resolved_by", "nearest_event")
        .annotate(
            is_closed=Case(When(state__in=UNRESOLVED, then=Value(0)), default=Value(1), output_field=IntegerField()),
            series_moved=Count("signals__series", distinct=True),
            beyond_action=Count("signals", filter=Q(signals__kind="action")),
            strength=Max(Abs("signals__magnitude_sigma")),
        )
        .order_by("is_closed", "-beyond_action", "-strength", "-raised_at", "-pk")
    )


def flag_get(facility: Facility, pk: int) -> FlagRecord:
    """Return one flag of the facility with its evidence.

    Raises
    ------
    NotFoundError
        If the facility has no such flag.
    """
    flag = (
        Flag.objects.filter(instrument__facility=facility, pk=pk)
        .select_related("instrument__facility", "raised_by", "nearest_event", "resolved_by")
        .first()
    )
    if flag is None:
        raise NotFoundError(f"There is no flag {pk} in {facility}.", hint="Choose one from the list of flags.", flag=pk)
    signals = tuple(
        flag.signals.select_related(
            "series__light_setting__light_source", "series__standard", "series__assessment", "acquisition"
        ).defer("series__assessment__result")
    )
    evidence = _evidence(signals)
    farthest = sorted(evidence, key=lambda row: row.strength, reverse=True)
    return FlagRecord(
        flag=flag,
        signals=signals,
        evidence=evidence,
        charts=_charts(farthest),
        comparison=comparison(flag, channel=farthest[0].signal.series.channel if farthest else 0),
        transitions=tuple(flag.transitions.select_related("user")),
        events=tuple(flag.instrument.service_events.filter(ended_at__gte=flag.raised_at)),
        repeats=tuple(
            Acquisition.objects.filter(
                instrument=flag.instrument,
                light_setting=flag.raised_by.light_setting_id,
                acquired_at__gt=flag.raised_at,
                validity=Validity.VALID,
            ).order_by("acquired_at")[:SHOWN_REPEATS]
        ),
    )


def steps_allowed(flag: Flag, role: str | None) -> frozenset[str]:
    """Return the states into which a person of that role may bring the flag now."""
    if role is None:
        return frozenset()
    return frozenset(state for state in FOLLOWING[flag.state] if includes(role, NEEDED[state]))


def _strength(signal: FlagSignal) -> float:
    if signal.kind == "action" or signal.magnitude_sigma is None:
        return float("inf")
    return abs(signal.magnitude_sigma)


def _evidence(signals: tuple[FlagSignal, ...]) -> tuple[EvidenceRow, ...]:
    """Gather the signals by series, the series that signalled first at the top; of one date, the farthest."""
    gathered: dict[int, list[FlagSignal]] = defaultdict(list)
    for signal in signals:
        gathered[signal.series_id].append(signal)
    rows = [
        EvidenceRow(ATTRIBUTES[first.series.attribute_id], first, tuple(later)) for first, *later in gathered.values()
    ]
    return tuple(sorted(rows, key=lambda row: (row.signal.signalled_at, -row.strength)))


def _charts(farthest: Sequence[EvidenceRow]) -> tuple[FlagChart, ...]:
    """Return the charts of the series that moved farthest."""
    charts = []
    for row in farthest[:SHOWN_CHARTS]:
        series = row.signal.series
        assessment = getattr(series, "assessment", None)
        if assessment is not None and assessment.sparkline:
            charts.append(FlagChart(series.pk, f"{row.title}, {series.place}", assessment.sparkline))
    return tuple(charts)
