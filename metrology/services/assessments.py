"""Stores what was concluded about a series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metrology.models import Assessment, Baseline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from instruments.models import ServiceEvent
    from metrology.models import Series


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


def assessment_record(series: Series, verdict: SeriesVerdict) -> Assessment:
    """Store the latest assessment of a series, and each baseline that is new as a new version."""
    for facts in verdict.baselines:
        _baseline_record(series, facts)
    row, _ = Assessment.objects.update_or_create(
        series=series,
        defaults={
            "status": verdict.status,
            "latest_value": verdict.latest_value,
            "latest_z": verdict.latest_z,
            "urgency": verdict.urgency,
            "sparkline": verdict.sparkline,
            "result": verdict.result,
        },
    )
    return row


def _baseline_record(series: Series, facts: BaselineFacts) -> None:
    known = list(Baseline.objects.filter(series=series, epoch=facts.epoch).order_by("version"))
    if any((row.n, row.centre, row.scale) == (facts.n, facts.centre, facts.scale) for row in known):
        return
    Baseline.objects.create(
        series=series,
        epoch=facts.epoch,
        version=known[-1].version + 1 if known else 1,
        opened_by=facts.opened_by,
        first_acquired_at=facts.first_acquired_at,
        last_acquired_at=facts.last_acquired_at,
        stage=facts.stage,
        centre=facts.centre,
        scale=facts.scale,
        n=facts.n,
        autocorrelation=facts.autocorrelation,
        reason=f"{facts.n} points" + (f" after {facts.opened_by}" if facts.opened_by else ""),
    )
