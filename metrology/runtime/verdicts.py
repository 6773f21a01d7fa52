"""What an assessment says, turned into what is stored and what pages show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metrology.charts.sparkline import SparklinePoint, sparkline
from metrology.services.assessments import BaselineFacts, SeriesVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from instruments.models import ServiceEvent
    from metrology.attributes.registry import Attribute
    from metrology.models import Limits
    from metrology.spc.assessment import Segment, SeriesAssessment, Signal
    from metrology.spc.design import ChartDesign

FALSE_FLAG_PROBABILITY = 0.02
"""Chance that an instrument in control is flagged within 52 scans, over all its series together."""

FLAGGING = ("ewma", "cusum", "confirmed", "action")
"""Kinds of signal that raise a flag; the others ask for a look or for a repeated scan."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series and the acquisition it came from."""

    acquisition_id: int
    acquired_at: datetime
    value: float
    valid: bool
    reason: str
    reference_id: int | None = None
    uncertainty: float | None = None


def segment_at(result: SeriesAssessment, index: int) -> Segment | None:
    """Return the limits that were in force at a point, or None before there were any."""
    return next((segment for segment in result.segments if segment.start <= index < segment.stop), None)


def verdict_of(
    result: SeriesAssessment,
    points: Sequence[Point],
    openers: Sequence[ServiceEvent | None],
    limits: Limits | None,
    attribute: Attribute,
    design: ChartDesign,
    *,
    blaming: tuple[str, ...],
) -> SeriesVerdict:
    """Turn the assessment into what is stored and shown; `blaming` names the signals that blame the instrument."""
    valid = [index for index, point in enumerate(points) if point.valid]
    last = valid[-1] if valid else None
    latest_z = finite(float(result.z[last])) if last is not None else None
    status = _status(result, blaming=blaming, last=last)
    segment = result.epochs[-1].latest if result.epochs else None
    ewma = finite(float(result.ewma[last] / result.ewma_limit[last])) if last is not None else None
    return SeriesVerdict(
        status=status,
        latest_value=points[last].value if last is not None else None,
        latest_z=latest_z,
        urgency={"degraded": 100.0, "watch": 50.0}.get(status, 0.0) + min(abs(ewma or 0.0), 40.0),
        sparkline=sparkline(
            [_spark(result, points, index) for index in range(len(points))],
            title=attribute.name,
            summary=f"{len(valid)} values, {status.replace('_', ' ')}",
            band=(segment.shewhart_low, segment.shewhart_high) if segment else None,
        ),
        result={
            "points": [_point_json(result, points, index) for index in range(len(points)) if points[index].valid],
            "invalid": [
                {
                    "acquisition": p.acquisition_id,
                    "date": p.acquired_at.isoformat(),
                    "value": p.value,
                    "reason": p.reason,
                }
                for p in points
                if not p.valid
            ],
            "epochs": [_epoch_json(result, points, number, opener) for number, opener in enumerate(openers)],
            "segments": [_segment_json(segment, points) for segment in result.segments],
            "signals": [_signal_json(signal, points) for signal in result.signals],
            "limits": _limits_json(limits),
            "price": f"{result.price.sentence} {series_share(design)}" if result.price else "",
            "design": {
                "false_alarm_probability": design.false_alarm_probability,
                "lambda": design.lambda_,
                "clip": design.clip,
                "transform": attribute.transform,
                "harmful": attribute.harmful,
            },
        },
        baselines=[
            BaselineFacts(
                epoch=segment.epoch,
                opened_by=openers[segment.epoch],
                first_acquired_at=points[result.epochs[segment.epoch].start].acquired_at,
                last_acquired_at=points[max(segment.start - 1, 0)].acquired_at,
                stage=segment.stage,
                centre=segment.centre,
                scale=segment.baseline.scale,
                n=segment.baseline.points,
                autocorrelation=finite(segment.baseline.autocorrelation),
            )
            for segment in result.segments
        ],
    )


def series_share(design: ChartDesign) -> str:
    """Say what the strictness of one series means for the instrument that it shares its false alarms with."""
    shares = FALSE_FLAG_PROBABILITY / design.false_alarm_probability
    return (
        f"With up to {shares:.0f} series of this instrument that share its false alarms, expect at most one false flag "
        f"of the instrument in {1 / FALSE_FLAG_PROBABILITY:.0f} years of weekly scans."
    )


def _status(result: SeriesAssessment, *, blaming: tuple[str, ...], last: int | None) -> str:
    if last is None:
        return "no_data"
    if any(kind in result.active for kind in blaming):
        return "degraded"
    if (blaming == FLAGGING and result.active) or "unsure" in result.statuses[last]:
        return "watch"
    return "in_control" if result.epochs[-1].latest is not None else "no_data"


def _point_json(result: SeriesAssessment, points: Sequence[Point], index: int) -> dict[str, Any]:
    segment = segment_at(result, index)
    statuses = result.statuses[index]
    signal = any(signal.index == index and signal.kind in FLAGGING for signal in result.signals)
    if signal:
        status = "signal"
    elif "repeat" in statuses:
        status = "repeat"
    elif {"shewhart", "tolerance", "unsure", "ewma", "cusum", "confirmed", "action"} & set(statuses):
        status = "watch"
    else:
        status = "ok" if segment else "no_baseline"
    return {
        "acquisition": points[index].acquisition_id,
        "date": points[index].acquired_at.isoformat(),
        "value": points[index].value,
        "z": finite(float(result.z[index])),
        "ewma": finite(float(result.ewma[index])),
        "ewma_value": finite(float(result.ewma_values[index])),
        "ewma_limit_value": finite(segment.ewma_harm) if segment else None,
        "epoch": int(result.epoch[index]),
        "status": status,
        "statuses": list(statuses),
    }


def _segment_json(segment: Segment, points: Sequence[Point]) -> dict[str, Any]:
    """Return limits that were in force between two dates, in the unit of the series."""
    ewma = [segment.ewma_harm, segment.ewma_other] if segment.watched else []
    return {
        "epoch": segment.epoch,
        "start": points[min(segment.start, len(points) - 1)].acquired_at.isoformat(),
        "stop": points[min(segment.stop, len(points)) - 1].acquired_at.isoformat(),
        "stage": segment.stage,
        "centre": finite(segment.centre),
        "lower": finite(segment.shewhart_low),
        "upper": finite(segment.shewhart_high),
        "ewma_limits": [limit for limit in (finite(one) for one in ewma) if limit is not None],
    }


def _spark(result: SeriesAssessment, points: Sequence[Point], index: int) -> SparklinePoint:
    point = points[index]
    flagged = any(signal.index == index and signal.kind in FLAGGING for signal in result.signals)
    return SparklinePoint(point.value, "flag" if flagged else "points") if point.valid else SparklinePoint(None)


def _epoch_json(
    result: SeriesAssessment, points: Sequence[Point], number: int, opener: ServiceEvent | None
) -> dict[str, Any]:
    epoch = result.epochs[number]
    segment = epoch.latest
    return {
        "index": number,
        "start": points[epoch.start].acquired_at.isoformat(),
        "opened_by": opener.get_kind_display() if opener else "another reference" if number else "first scan",
        "service_event": opener.pk if opener else None,
        "stage": segment.stage if segment else "tentative",
        "centre": finite(segment.centre) if segment else None,
        "sigma": finite(segment.baseline.scale) if segment else None,
        "lower": finite(segment.shewhart_low) if segment else None,
        "upper": finite(segment.shewhart_high) if segment else None,
        "n": segment.baseline.points if segment else epoch.points,
        "autocorrelation": finite(segment.baseline.autocorrelation) if segment else None,
        "problem": epoch.problem,
    }


def _signal_json(signal: Signal, points: Sequence[Point]) -> dict[str, Any]:
    return {
        "kind": signal.kind,
        "date": points[signal.index].acquired_at.isoformat(),
        "acquisition": points[signal.index].acquisition_id,
        "since": points[signal.since_index].acquired_at.isoformat(),
        "since_low": points[signal.since_low].acquired_at.isoformat(),
        "since_high": points[signal.since_high].acquired_at.isoformat(),
        "magnitude_sigma": finite(signal.magnitude_sigma),
    }


def _limits_json(limits: Limits | None) -> dict[str, float | None]:
    names = ("tolerance_low", "tolerance_high", "action_low", "action_high")
    return {name: getattr(limits, name) if limits else None for name in names}


def finite(value: float | None) -> float | None:
    """Return the number, or None for what JSON cannot say."""
    return value if value is not None and math.isfinite(value) else None
