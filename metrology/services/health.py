"""The verdict on an instrument."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, Max, OuterRef, Q
from django.utils import timezone

from common.dispatch import dispatch
from common.models import ACTIVE_STATES
from metrology.attributes.registry import ATTRIBUTES
from metrology.charts.control_data import z_words
from metrology.models import Acquisition, Health, Verdict
from metrology.services.health_history import verdict_history

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet

    from instruments.models import Instrument, ServiceEvent
    from metrology.models import Assessment

ASSESS_TASK = "metrology.assess"


def assessment_request(instrument_id: int) -> None:
    """Note that the instrument has to be judged anew, and send the task on commit."""
    Health.objects.update_or_create(instrument_id=instrument_id, defaults={"needs_assessment": True})
    dispatch(ASSESS_TASK, instrument_id)


def assessment_after_service(*, event: ServiceEvent, **_signal: Any) -> None:
    """Note that a service was recorded: baselines may begin again. What was never scanned has nothing to be judged by."""
    if Health.objects.filter(instrument=event.instrument_id).exists():
        assessment_request(event.instrument_id)


def assess_forgotten() -> int:
    """Send the task again for instruments whose assessment was lost on its way; return how many."""
    return assessments_ask(Health.objects.all())


def assessments_ask(rows: QuerySet[Health]) -> int:
    """Send the task for those that have to be judged anew and of which no scan is being measured; return how many."""
    pending = Exists(_scans_pending(OuterRef("instrument__facility"), OuterRef("instrument")))
    ids = list(rows.filter(~pending, needs_assessment=True).values_list("instrument_id", flat=True))
    for instrument_id in ids:
        dispatch(ASSESS_TASK, instrument_id)
    return len(ids)


def scans_pending(instrument: Instrument) -> bool:
    """Say whether a scan still waits that is, or may turn out to be, of this instrument."""
    return _scans_pending(instrument.facility_id, instrument.pk).exists()


def _scans_pending(facility: int | OuterRef, instrument: int | OuterRef) -> QuerySet[Acquisition]:
    active = Acquisition.objects.filter(facility=facility, state__in=ACTIVE_STATES)
    return active.filter(Q(instrument=instrument) | Q(instrument=None))


def health_lock(instrument_id: int) -> Health:
    """Return the instrument's health row, locked until the transaction ends, made if there is none."""
    Health.objects.get_or_create(instrument_id=instrument_id)
    return Health.objects.select_for_update().get(instrument_id=instrument_id)


def health_record(instrument: Instrument, health: Health, assessments: Iterable[Assessment]) -> Health:
    """Give the verdict: degraded while a flag is unresolved, watch while any series is near or beyond a limit.

    Parameters
    ----------
    instrument : Instrument
    health : Health
        Its row, which is written.
    assessments : iterable of Assessment
        Of all its series as they are judged now, with their series; those of retired ones do not count.
    """
    assessments = sorted(
        (one for one in assessments if one.series.retired_at is None), key=lambda one: one.urgency, reverse=True
    )
    flag = next((flag for flag in instrument.flags.all() if flag.is_unresolved), None)
    worst = [one for one in assessments if one.status in ("degraded", "watch")]
    if flag is not None:
        health.verdict = Verdict.DEGRADED
    elif worst:
        health.verdict = Verdict.WATCH
    elif any(one.status == "in_control" for one in assessments):
        health.verdict = Verdict.IN_CONTROL
    else:
        health.verdict = Verdict.NO_DATA
    health.reasons = [_reason(one) for one in worst]
    health.history = verdict_history(instrument, assessments)
    health.last_scan_at = Acquisition.objects.filter(instrument=instrument, state="done").aggregate(
        last=Max("acquired_at")
    )["last"]
    health.next_due_at = _next_due(instrument)
    health.urgency = {"degraded": 1000.0, "watch": 500.0}.get(health.verdict, 0.0) + sum(
        one.urgency for one in worst[:5]
    )
    health.needs_assessment = False
    health.assessed_at = timezone.now()
    health.save()
    return health


def _reason(assessment: Assessment) -> str:
    series = assessment.series
    attribute = ATTRIBUTES[series.attribute_id]
    text = f"{attribute.name} of {series.standard}, {series.place}"
    return f"{text}: {z_words(assessment.latest_z, attribute.harmful)}" if assessment.latest_z is not None else text


def _next_due(instrument: Instrument) -> datetime | None:
    """Return when the next scan of any standard is due.

    A standard is due on a path that people opened a protocol for, and once on all other paths together, by the protocol of
    its latest scan there: versions that are history ask for none.
    """
    scans = (
        Acquisition.objects.filter(instrument=instrument, state="done", protocol__isnull=False)
        .exclude(acquired_at=None)
        .order_by("standard_id", "optical_path_id", "-acquired_at")
        .distinct("standard_id", "optical_path_id")
        .values_list(
            "standard_id",
            "protocol__optical_path_id",
            "protocol__of_first_scan",
            "protocol__interval_days",
            "acquired_at",
        )
    )
    latest: dict[tuple[int | None, int | None], tuple[datetime, int]] = {}
    for standard, path, of_first_scan, days, at in scans:
        key = (standard, None if of_first_scan else path)
        if at is not None and days is not None:  # asked for above; the columns may be empty
            latest[key] = max(latest.get(key, (at, days)), (at, days))
    due = [at + timedelta(days=days) for at, days in latest.values()]
    return min(due, default=None)
