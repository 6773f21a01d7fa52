"""Judges an instrument: every series charted, baselines noted, flags raised or closed, the verdict given."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from instruments.models import Instrument
from metrology.attributes.registry import ATTRIBUTES, Attribute
from metrology.attributes.verdict import GUARD_SIGMA
from metrology.models import Assessment, Limits, Measurement, Series, StandardKind, Validity
from metrology.runtime.verdicts import FALSE_FLAG_PROBABILITY, FLAGGING, Point, finite, segment_at, verdict_of
from metrology.selectors.limits import limits_of_the_day
from metrology.services.assessments import assessments_record
from metrology.services.flag_sync import SignalFacts, flags_sync
from metrology.services.health import health_lock, health_record, scans_pending
from metrology.spc.design import ChartDesign
from metrology.spc.series import assess
from metrology.spc.tolerance import AbsoluteLimits
from metrology.spc.transforms import Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instruments.models import ServiceEvent
    from metrology.services.assessments import SeriesVerdict
    from metrology.spc.assessment import SeriesAssessment, Signal

DAY_SECONDS = 86_400.0


def assess_instrument(instrument_id: int) -> bool:
    """Judge the instrument if something has changed, unless scans of it are still being measured: the last asks again.

    Returns
    -------
    bool
        Whether it was judged.
    """
    with transaction.atomic():
        health = health_lock(instrument_id)
        instrument = Instrument.objects.select_related("facility").get(pk=instrument_id)
        if not health.needs_assessment or scans_pending(instrument):
            return False
        points = _points_by_series(instrument)
        Assessment.objects.filter(series__instrument=instrument).exclude(series__in=points).delete()  # all points moved
        related = ("standard", "protocol", "light_setting__light_source")
        series = list(instrument.series.select_related(*related).filter(pk__in=points))
        events = list(instrument.service_events.order_by("ended_at"))
        design = design_for(sum(one.retired_at is None for one in series))
        limits = limits_of_the_day(instrument, timezone.now())
        signals: list[SignalFacts] = []
        verdicts: dict[Series, SeriesVerdict] = {}
        for one in series:
            verdicts[one], found = _assess_series(one, points[one.pk], events, limits.get(one.attribute_id), design)
            signals += found if one.retired_at is None else []
        assessments = assessments_record(verdicts)
        flags_sync(instrument, signals=signals, events=events)
        health_record(instrument, health, assessments)
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
            Q(acquisition__optical_path=F("series__optical_path"))
            | Q(acquisition__light_setting=F("series__light_setting")),
            series__instrument=instrument,
            acquisition__instrument=F("series__instrument"),
            acquisition__standard=F("series__standard"),
            acquisition__protocol=F("series__protocol"),
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
            "reference_id",
            "uncertainty",
        )
    )
    points: dict[int, list[Point]] = defaultdict(list)
    for series_id, acquisition_id, acquired_at, value, validity, reason, reference_id, uncertainty in rows:
        if acquired_at is not None:  # asked for above; the column may be empty
            valid = validity == Validity.VALID
            points[series_id].append(
                Point(acquisition_id, acquired_at, value, valid, reason, reference_id, uncertainty)
            )
    return points


def _assess_series(
    series: Series,
    points: Sequence[Point],
    events: Sequence[ServiceEvent],
    limits: Limits | None,
    design: ChartDesign,
) -> tuple[SeriesVerdict, list[SignalFacts]]:
    """Chart one series; return what its page shows, and the signals that blame the instrument."""
    attribute = ATTRIBUTES[series.attribute_id]
    starts, openers = _epochs(points, [event for event in events if attribute.group in event.resets])
    result = assess(
        [point.value for point in points],
        times_day=[point.acquired_at.timestamp() / DAY_SECONDS for point in points],
        epoch_starts=starts,
        valid=[point.valid for point in points],
        scale=scale_of(attribute),
        limits=_absolute(limits, attribute, points),
        design=design,
    )
    blaming = blaming_kinds(attribute, series.standard.kind)
    flagging = [signal for signal in result.signals if signal.kind in blaming]
    verdict = verdict_of(result, points, openers, limits, attribute, design, blaming=blaming)
    return verdict, [_signal_facts(series, signal, result, points, limits) for signal in flagging]


def blaming_kinds(attribute: Attribute, standard_kind: str) -> tuple[str, ...]:
    """Return the kinds of signal of a series that blame its instrument.

    Fields of any specimen differ by what is in them: such series are charted, but only an absolute limit flags.
    """
    if attribute.harmful == "none":
        return ()
    return ("action",) if standard_kind == StandardKind.OTHER else FLAGGING


def scale_of(attribute: Attribute) -> Scale:
    """Return the chart scale of an attribute; one without a harmful direction is watched on both sides."""
    return Scale(attribute.transform, "both" if attribute.harmful == "none" else attribute.harmful)


def _absolute(limits: Limits | None, attribute: Attribute, points: Sequence[Point]) -> AbsoluteLimits:
    """Return the limits on the harmful side, for the points since they were set."""
    if limits is None or attribute.harmful == "none":
        return AbsoluteLimits()
    first = sum(point.acquired_at < limits.valid_from for point in points)
    guards = tuple(GUARD_SIGMA * (point.uncertainty or 0.0) for point in points)
    if attribute.harmful == "up":
        return AbsoluteLimits(limits.tolerance_high, limits.action_high, first=first, guards=guards)
    return AbsoluteLimits(limits.tolerance_low, limits.action_low, first=first, guards=guards)


def _epochs(points: Sequence[Point], events: Sequence[ServiceEvent]) -> tuple[list[int], list[ServiceEvent | None]]:
    """Return the first point of each epoch and the event that opened it (None for the first, and for a new reference)."""
    openers: dict[int, ServiceEvent | None] = {0: None}
    for event in events:
        first = next((i for i, point in enumerate(points) if point.acquired_at >= event.ended_at), None)
        if first is not None:
            openers[first] = event  # the later one, where nothing was scanned between two events
    reference = points[0].reference_id
    for index, point in enumerate(points):
        if point.reference_id not in {None, reference} and reference is not None:
            openers.setdefault(index, None)
        reference = point.reference_id or reference
    starts = sorted(openers)
    return starts, [openers[start] for start in starts]


def _signal_facts(
    series: Series, signal: Signal, result: SeriesAssessment, points: Sequence[Point], limits: Limits | None
) -> SignalFacts:
    segment = segment_at(result, signal.index)
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
        magnitude_sigma=finite(signal.magnitude_sigma),
        value=points[signal.index].value,
        limit=finite(limit),
        centre=finite(segment.centre) if segment else None,
    )
