"""Judges an instrument: every series charted, baselines noted, flags raised or closed, the verdict given."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F

from instruments.models import Instrument
from metrology.attributes.registry import ATTRIBUTES, Attribute
from metrology.charts.sparkline import SparklinePoint, sparkline
from metrology.models import Acquisition, Limits, Measurement, Series, Validity
from metrology.services.assessments import BaselineFacts, SeriesVerdict, assessment_record
from metrology.services.flag_sync import SignalFacts, flags_sync
from metrology.services.health import health_lock, health_record
from metrology.spc.design import ChartDesign
from metrology.spc.series import assess
from metrology.spc.tolerance import AbsoluteLimits
from metrology.spc.transforms import Scale

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from instruments.models import ServiceEvent
    from metrology.spc.assessment import Segment, SeriesAssessment, Signal

FALSE_FLAG_PROBABILITY = 0.02
"""Chance that an instrument in control is flagged within 52 scans, over all its series together."""

FLAGGING = ("ewma", "cusum", "action")
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series and the acquisition it came from."""

    acquisition_id: int
    acquired_at: datetime
    value: float
    valid: bool
    reason: str


def assess_instrument(instrument_id: int) -> bool:
    """Judge the instrument unless scans of it are still being measured: then the last of them will ask again.

    Returns
    -------
    bool
        Whether it was judged.
    """
    with transaction.atomic():
        health = health_lock(instrument_id)
        pending = Acquisition.objects.filter(instrument_id=instrument_id, state__in=["queued", "running"])
        if pending.exists():
            return False
        instrument = Instrument.objects.select_related("facility").get(pk=instrument_id)
        points = _points_by_series(instrument)
        series = list(instrument.series.select_related("standard", "protocol").filter(pk__in=points))
        events = list(instrument.service_events.order_by("ended_at"))
        design = design_for(len(series))
        limits = _limits(instrument)
        signals: list[SignalFacts] = []
        for one in series:
            signals += _assess_series(one, points[one.pk], events, limits.get(one.attribute_id), design)
        flags_sync(instrument, signals=signals, events=events)
        health_record(instrument, health)
    return True


def design_for(series_count: int) -> ChartDesign:
    """Share the instrument's false-alarm probability among its series.

    The number of series is rounded up to a power of two, so that few limits have to be solved for.
    """
    share = 2 ** math.ceil(math.log2(max(series_count, 1)))
    return ChartDesign(false_alarm_probability=FALSE_FLAG_PROBABILITY / share)


def _points_by_series(instrument: Instrument) -> dict[int, list[Point]]:
    """Return the points of each series in time order; values of acquisitions assigned elsewhere since are left out."""
    rows = (
        Measurement.objects.filter(
            series__instrument=instrument,
            acquisition__instrument=F("series__instrument"),
            acquisition__optical_path=F("series__optical_path"),
            acquisition__standard=F("series__standard"),
            acquisition__acquired_at__isnull=False,
        )
        .order_by("acquisition__acquired_at", "acquisition_id")
        .values_list(
            "series_id",
            "acquisition_id",
            "acquisition__acquired_at",
            "value",
            "acquisition__validity",
            "acquisition__validity_reason",
        )
    )
    points: dict[int, list[Point]] = defaultdict(list)
    for series_id, acquisition_id, acquired_at, value, validity, reason in rows:
        points[series_id].append(Point(acquisition_id, acquired_at, value, validity == Validity.VALID, reason))
    return points


def _limits(instrument: Instrument) -> dict[str, Limits]:
    """Return the limits in force for each attribute: the instrument's own before the facility's, the latest first."""
    rows = Limits.objects.filter(facility=instrument.facility).order_by("valid_from", "pk")
    found: dict[str, Limits] = {}
    for row in sorted(rows, key=lambda row: row.instrument_id is not None):
        if row.instrument_id in (None, instrument.pk):
            found[row.attribute_id] = row
    return found


def _assess_series(
    series: Series,
    points: Sequence[Point],
    events: Sequence[ServiceEvent],
    limits: Limits | None,
    design: ChartDesign,
) -> list[SignalFacts]:
    """Chart one series, store what its page shows, and return the signals that blame the instrument."""
    attribute = ATTRIBUTES[series.attribute_id]
    starts, openers = _epochs(points, [event for event in events if attribute.group in event.resets])
    result = assess(
        [point.value for point in points],
        times_day=[point.acquired_at.timestamp() / DAY_SECONDS for point in points],
        epoch_starts=starts,
        valid=[point.valid for point in points],
        scale=scale_of(attribute),
        limits=_absolute(limits, attribute),
        design=design,
    )
    flagging = [signal for signal in result.signals if signal.kind in FLAGGING and attribute.harmful != "none"]
    assessment_record(series, _verdict(result, points, openers, limits, attribute, design))
    return [_signal_facts(series, signal, result, points, limits) for signal in flagging]


def scale_of(attribute: Attribute) -> Scale:
    """Return the chart scale of an attribute; one without a harmful direction is watched on both sides."""
    return Scale(attribute.transform, "both" if attribute.harmful == "none" else attribute.harmful)


def _absolute(limits: Limits | None, attribute: Attribute) -> AbsoluteLimits:
    if limits is None or attribute.harmful == "none":
        return AbsoluteLimits()
    if attribute.harmful == "up":
        return AbsoluteLimits(limits.tolerance_high, limits.action_high)
    return AbsoluteLimits(limits.tolerance_low, limits.action_low)


def _epochs(points: Sequence[Point], events: Sequence[ServiceEvent]) -> tuple[list[int], list[ServiceEvent | None]]:
    """Return the first point of each epoch and the event that opened it (None for the first)."""
    starts, openers = [0], [None]
    for event in events:
        first = next((i for i, point in enumerate(points) if point.acquired_at >= event.ended_at), None)
        if first is None:
            continue
        if first == starts[-1]:
            openers[-1] = event  # nothing was scanned between two events
        else:
            starts.append(first)
            openers.append(event)
    return starts, openers


def _signal_facts(
    series: Series, signal: Signal, result: SeriesAssessment, points: Sequence[Point], limits: Limits | None
) -> SignalFacts:
    segment = _segment_at(result, signal.index)
    limit = segment.ewma_harm if segment else None
    if signal.kind == "action" and limits is not None:
        limit = limits.action_high if limits.action_high is not None else limits.action_low
    return SignalFacts(
        series=series,
        acquisition_id=points[signal.index].acquisition_id,
        kind=signal.kind,
        signalled_at=points[signal.index].acquired_at,
        since=points[signal.since_index].acquired_at,
        since_low=points[signal.since_low].acquired_at,
        since_high=points[signal.since_high].acquired_at,
        magnitude_sigma=_finite(signal.magnitude_sigma),
        value=points[signal.index].value,
        limit=_finite(limit),
        centre=_finite(segment.centre) if segment else None,
    )


def _segment_at(result: SeriesAssessment, index: int) -> Segment | None:
    return next((segment for segment in result.segments if segment.start <= index < segment.stop), None)


def _verdict(
    result: SeriesAssessment,
    points: Sequence[Point],
    openers: Sequence[ServiceEvent | None],
    limits: Limits | None,
    attribute: Attribute,
    design: ChartDesign,
) -> SeriesVerdict:
    """Turn the assessment into what is stored and shown."""
    valid = [index for index, point in enumerate(points) if point.valid]
    last = valid[-1] if valid else None
    latest_z = _finite(float(result.z[last])) if last is not None else None
    status = _status(result, attribute, has_points=bool(valid))
    segment = result.epochs[-1].latest if result.epochs else None
    ewma = _finite(float(result.ewma[last] / result.ewma_limit[last])) if last is not None else None
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
            "price": result.price.sentence if result.price else "",
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
                autocorrelation=_finite(segment.baseline.autocorrelation),
            )
            for segment in result.segments
        ],
    )


def _status(result: SeriesAssessment, attribute: Attribute, *, has_points: bool) -> str:
    if not has_points:
        return "no_data"
    if attribute.harmful != "none" and any(kind in result.active for kind in FLAGGING):
        return "degraded"
    if attribute.harmful != "none" and result.active:
        return "watch"
    return "in_control" if result.epochs[-1].latest is not None else "no_data"


def _point_json(result: SeriesAssessment, points: Sequence[Point], index: int) -> dict[str, Any]:
    segment = _segment_at(result, index)
    statuses = result.statuses[index]
    signal = any(signal.index == index and signal.kind in FLAGGING for signal in result.signals)
    if signal:
        status = "signal"
    elif "repeat" in statuses:
        status = "repeat"
    elif {"shewhart", "tolerance", "ewma", "cusum", "action"} & set(statuses):
        status = "watch"
    else:
        status = "ok" if segment else "no_baseline"
    return {
        "acquisition": points[index].acquisition_id,
        "date": points[index].acquired_at.isoformat(),
        "value": points[index].value,
        "z": _finite(float(result.z[index])),
        "ewma": _finite(float(result.ewma[index])),
        "ewma_value": _finite(float(result.ewma_values[index])),
        "ewma_limit_value": _finite(segment.ewma_harm) if segment else None,
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
        "centre": _finite(segment.centre),
        "lower": _finite(segment.shewhart_low),
        "upper": _finite(segment.shewhart_high),
        "ewma_limits": [limit for limit in (_finite(one) for one in ewma) if limit is not None],
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
        "opened_by": opener.get_kind_display() if opener else "first scan",
        "service_event": opener.pk if opener else None,
        "stage": segment.stage if segment else "tentative",
        "centre": _finite(segment.centre) if segment else None,
        "sigma": _finite(segment.baseline.scale) if segment else None,
        "lower": _finite(segment.shewhart_low) if segment else None,
        "upper": _finite(segment.shewhart_high) if segment else None,
        "n": segment.baseline.points if segment else epoch.points,
        "autocorrelation": _finite(segment.baseline.autocorrelation) if segment else None,
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
        "magnitude_sigma": _finite(signal.magnitude_sigma),
    }


def _limits_json(limits: Limits | None) -> dict[str, float | None]:
    names = ("tolerance_low", "tolerance_high", "action_low", "action_high")
    return {name: getattr(limits, name) if limits else None for name in names}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
