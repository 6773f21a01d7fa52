"""Stores what was concluded about a series."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from metrology.models import Assessment, Baseline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from instruments.models import ServiceEvent
    from metrology.models import Series

SHOWN = ("status", "latest_value", "latest_z", "urgency", "sparkline", "result")
"""What of a verdict is stored as the assessment of its series."""


@dataclass(frozen=True, slots=True)
class BaselineFacts:
    """A baseline as the charts used it.

    `centre` is in the unit of the series, `scale` a standard deviation on the chart's own scale.
    """

    epoch: int
    opened_by: ServiceEvent | None
    first_acquired_at: datetime
    last_acquired_at: datetime
    stage: str
    centre: float
    scale: float
    n: int
    autocorrelation: float | None


@dataclass(frozen=True, slots=True)
class SeriesVerdict:
    """Everything that is stored of one assessment."""

    status: str
    latest_value: float | None
    latest_z: float | None
    urgency: float
    sparkline: str
    result: dict[str, Any]
    baselines: Sequence[BaselineFacts]


def assessments_record(verdicts: Mapping[Series, SeriesVerdict]) -> list[Assessment]:
    """Store the latest assessments of series, and each baseline that is new as a new version; return the assessments."""
    known: defaultdict[tuple[int, int], list[Baseline]] = defaultdict(list)
    for row in Baseline.objects.filter(series__in=[series.pk for series in verdicts]):
        known[row.series_id, row.epoch].append(row)
    for series, verdict in verdicts.items():
        for facts in verdict.baselines:
            versions = known[series.pk, facts.epoch]
            if not any((row.n, row.centre, row.scale) == (facts.n, facts.centre, facts.scale) for row in versions):
                versions.append(_baseline(series, facts, version=len(versions) + 1))
    Baseline.objects.bulk_create([row for versions in known.values() for row in versions if row.pk is None])
    return Assessment.objects.bulk_create(
        [
            Assessment(
                series=series,
                assessed_at=timezone.now(),
                **{name: getattr(verdict, name) for name in SHOWN},
            )
            for series, verdict in verdicts.items()
        ],
        update_conflicts=True,
        unique_fields=["series"],
        update_fields=["assessed_at", *SHOWN],
        batch_size=1,  # the rows of a larger batch travel as arrays, whose JSON is escaped character by character
    )


def _baseline(series: Series, facts: BaselineFacts, *, version: int) -> Baseline:
    return Baseline(
        series=series,
        version=version,
        reason=f"{facts.n} points" + (f" after {facts.opened_by}" if facts.opened_by else ""),
        **{field.name: getattr(facts, field.name) for field in fields(facts)},
    )
