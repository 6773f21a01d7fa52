"""What the page of an instrument says: how it is, since when, and what moved."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone

from instruments.models import PathChannel
from instruments.selectors.instruments import instrument_get, service_event_list
from metrology.attributes.registry import ATTRIBUTES
from metrology.charts.control_data import z_words
from metrology.models import Assessment, Flag, Health, Verdict
from metrology.models.flag import UNRESOLVED
from metrology.selectors.fleet import RANK
from metrology.selectors.history import HistoryProgress, history_progress
from metrology.selectors.measuring import MeasuringProgress, measuring_progress
from metrology.selectors.timeline import Timeline, timeline
from metrology.selectors.vocabulary import is_current, title_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instruments.models import Detector, Facility, Instrument, LightSource, Objective, OpticalPath, ServiceEvent
    from metrology.models import Acquisition

SHOWN_ACQUISITIONS = 8
SHOWN_REASONS = 5


@dataclass(frozen=True, slots=True)
class SeriesTile:
    """One series as a word-sized chart."""

    series_id: int
    name: str
    unit: str
    value: float | None
    deviation: str
    verdict: str
    svg: str


@dataclass(frozen=True, slots=True)
class SeriesGroup:
    """The series of one channel on one standard, or of one light source at one setting, the most urgent first."""

    channel: str
    standard: str
    path: str
    verdict: str
    tiles: tuple[SeriesTile, ...]


@dataclass(frozen=True, slots=True)
class InstrumentPage:
    """Everything that the page of an instrument shows."""

    instrument: Instrument
    health: Health | None
    since: datetime | None
    groups: tuple[SeriesGroup, ...]
    timeline: Timeline | None
    objectives: tuple[Objective, ...]
    light_sources: tuple[LightSource, ...]
    detectors: tuple[Detector, ...]
    paths: tuple[OpticalPath, ...]
    events: tuple[ServiceEvent, ...]
    acquisitions: tuple[Acquisition, ...]
    flags: tuple[Flag, ...]
    measuring: MeasuringProgress
    history: HistoryProgress | None

    @property
    def verdict(self) -> str:
        """The verdict on the instrument."""
        return self.health.verdict if self.health else Verdict.NO_DATA

    @property
    def reasons(self) -> list[str]:
        """Why, the weightiest few first."""
        return list(self.health.reasons[:SHOWN_REASONS]) if self.health else []

    @property
    def more_reasons(self) -> int:
        """How many more series are near or beyond a limit."""
        return len(self.health.reasons[SHOWN_REASONS:]) if self.health else 0

    @property
    def is_overdue(self) -> bool:
        """Whether the next scan should have come in already."""
        due = self.health.next_due_at if self.health else None
        return due is not None and due < timezone.now()

    @property
    def open_flag(self) -> Flag | None:
        """The flag that asks for hands, if there is one."""
        return next((flag for flag in self.flags if flag.state in UNRESOLVED), None)


def instrument_page(facility: Facility, slug: str) -> InstrumentPage:
    """Return an instrument of the facility as its page shows it.

    Raises
    ------
    NotFoundError
        If the facility has no such instrument.
    """
    instrument = instrument_get(facility, slug)
    health = Health.objects.filter(instrument=instrument).first()
    events = tuple(service_event_list(instrument))
    flags = tuple(instrument.flags.select_related("resolved_by").order_by("-raised_at"))
    history = health.history if health else []
    return InstrumentPage(
        instrument=instrument,
        health=health,
        since=_since(history, health.verdict) if health else None,
        groups=_groups(instrument),
        timeline=timeline(history, events=events, flags=flags, until=timezone.now()),
        objectives=tuple(instrument.objectives.all()),
        light_sources=tuple(instrument.lightsources.all()),
        detectors=tuple(instrument.detectors.all()),
        paths=tuple(
            instrument.optical_paths.select_related("objective", "light_source").prefetch_related("channels__detector")
        ),
        events=events,
        acquisitions=tuple(
            instrument.acquisitions.select_related("standard", "optical_path").order_by("-acquired_at", "-pk")[
                :SHOWN_ACQUISITIONS
            ]
        ),
        flags=flags,
        measuring=measuring_progress(facility, instrument),
        history=history_progress(instrument),
    )


def _since(history: Sequence[dict[str, str]], verdict: str) -> datetime | None:
    """Return since when the present verdict has held."""
    since = None
    for step in reversed(history):
        if step["verdict"] != verdict:
            break
        since = datetime.fromisoformat(step["from"])
    return since


def _groups(instrument: Instrument) -> tuple[SeriesGroup, ...]:
    """Gather the series by standard and channel; the group with the worst series first."""
    rows = (
        Assessment.objects.filter(series__instrument=instrument, series__retired_at=None)
        .select_related("series__optical_path", "series__light_setting__light_source", "series__standard")
        .defer("result")
        .order_by("-urgency", "series__attribute_id")
    )
    names = {
        (channel.optical_path_id, channel.index): " · ".join(
            str(part) for part in (channel.name, channel.detector) if part
        )
        for channel in PathChannel.objects.filter(optical_path__instrument=instrument).select_related("detector")
    }
    gathered: dict[tuple[int | None, int | None, int, int], list[Assessment]] = defaultdict(list)
    for row in rows:
        if is_current(row.series.attribute_id, row.series.algorithm_version):
            one = row.series
            gathered[one.optical_path_id, one.light_setting_id, one.channel, one.standard_id].append(row)
    return tuple(
        SeriesGroup(
            channel=names.get((path or 0, channel), members[0].series.place),
            standard=str(members[0].series.standard),
            path=str(members[0].series.optical_path or ""),
            verdict=max((row.status for row in members), key=lambda status: RANK[Verdict(status)]),
            tiles=tuple(_tile(row) for row in members),
        )
        for (path, _, channel, _), members in gathered.items()
    )


def _tile(row: Assessment) -> SeriesTile:
    attribute = ATTRIBUTES[row.series.attribute_id]
    return SeriesTile(
        series_id=row.series_id,
        name=title_of(attribute),
        unit=unit_of(attribute),
        value=row.latest_value,
        deviation=z_words(row.latest_z, attribute.harmful) if row.latest_z is not None else "",
        verdict=row.status,
        svg=row.sparkline,
    )
