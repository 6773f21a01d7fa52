"""Rows of the monitor for tests: series and their assessment, flags and their signals, health."""

from __future__ import annotations

import itertools
from datetime import timedelta

from common.models import JobState
from metrology.models import (
    Acquisition,
    Assessment,
    Flag,
    FlagSignal,
    Health,
    Protocol,
    Series,
    Standard,
    StandardKind,
    StoredFile,
    Validity,
)
from tests.factories import catalogue

_number = itertools.count(1)

SPARKLINE = '<svg viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label="history"></svg>'


def standard(of, **fields):
    """A standard sample of a facility."""
    n = next(_number)
    return Standard.objects.create(**{"facility": of, "name": f"Marbles {n}", "kind": StandardKind.MARBLES} | fields)


def protocol(of, **fields):
    """How marbles are scanned in a facility."""
    found, _ = Protocol.objects.get_or_create(
        facility=of, standard_kind=StandardKind.MARBLES, optical_path=None, version=1, defaults=fields
    )
    return found


def acquisition(of, *, path=None, sample=None, week=0, **fields):
    """A measured scan of an instrument, `week` weeks after the start."""
    n = next(_number)
    stored = StoredFile.objects.create(sha256=f"{n:064d}", size_bytes=524_288)
    defaults = {
        "facility": of.facility,
        "stored_file": stored,
        "original_name": f"scan-{n}.tif",
        "instrument": of,
        "optical_path": path,
        "standard": sample,
        "protocol": None if sample is None else protocol(of.facility),
        "acquired_at": catalogue.START + timedelta(weeks=week),
        "state": JobState.DONE,
        "validity": Validity.VALID,
        "preview_window": [[10.0, 200.0], [0.0, 100.0]],
    }
    return Acquisition.objects.create(**defaults | fields)


def series(of=None, *, path=None, sample=None, attribute_id="sharpness", channel=0, **fields):
    """A series of an instrument."""
    at = of or catalogue.instrument()
    defaults = {
        "instrument": at,
        "optical_path": path or at.optical_paths.first() or catalogue.optical_path(at),
        "standard": sample or at.facility.standards.first() or standard(at.facility),
        "protocol": protocol(at.facility),
        "attribute_id": attribute_id,
        "channel": channel,
        "algorithm_version": 1,
    }
    return Series.objects.create(**defaults | fields)


def result(points, *, invalid=(), signals=(), event=None, changed_at=None):
    """The JSON an assessment stores: `points` are (acquisition, value, z); an epoch may begin at point `changed_at`."""
    start = points[0][0].acquired_at.isoformat() if points else catalogue.START.isoformat()
    epochs = [_epoch(0, start, "commissioning", None)]
    if changed_at is not None:
        epochs.append(
            _epoch(1, points[changed_at][0].acquired_at.isoformat(), "full service", event.pk if event else None)
        )
    return {
        "points": [
            {
                "acquisition": scan.pk,
                "date": scan.acquired_at.isoformat(),
                "value": value,
                "z": z,
                "ewma": None if z is None else z / 2,
                "ewma_value": value,
                "ewma_limit_value": 70.0,
                "epoch": 0 if changed_at is None or index < changed_at else 1,
                "status": "no_baseline" if z is None else "signal" if z > 3 else "ok",
            }
            for index, (scan, value, z) in enumerate(points)
        ],
        "epochs": epochs if points else [],
        "invalid": [
            {"acquisition": scan.pk, "date": scan.acquired_at.isoformat(), "value": None, "reason": reason}
            for scan, reason in invalid
        ],
        "segments": _segments(points, changed_at),
        "signals": list(signals),
        "limits": {"tolerance_low": None, "tolerance_high": 120.0, "action_low": None, "action_high": 140.0},
        "price": "At one scan a week: one false flag in 10 years; a drift of 0.05 σ a week is seen after 18 weeks.",
        "design": {},
    }


def _epoch(index, start, opened_by, event):
    return {
        "index": index,
        "start": start,
        "opened_by": opened_by,
        "service_event": event,
        "stage": "provisional",
        "centre": 80.0,
        "sigma": 0.02,
        "lower": 74.0,
        "upper": 86.0,
        "n": 20,
        "autocorrelation": 0.1,
    }


def _segments(points, changed_at):
    """One span of limits for each epoch."""
    parts = [points] if changed_at is None else [points[:changed_at], points[changed_at:]]
    return [
        {
            "epoch": number,
            "start": part[0][0].acquired_at.isoformat(),
            "stop": part[-1][0].acquired_at.isoformat(),
            "stage": "provisional",
            "centre": 80.0,
            "lower": 74.0,
            "upper": 86.0,
            "ewma_limits": [78.0],
        }
        for number, part in enumerate(parts)
        if part
    ]


def assessment(of=None, *, status="in_control", urgency=0.0, values=(80.0, 81.0, 79.0), **fields):
    """A judged series: one acquisition a week with the given values; the last one stands out where it is degraded."""
    at = of or series()
    scans = [
        acquisition(at.instrument, path=at.optical_path, sample=at.standard, week=week) for week in range(len(values))
    ]
    last = {"degraded": 4.2, "watch": 2.2}.get(status, 0.3)
    points = [(scan, value, 0.3) for scan, value in zip(scans[:-1], values[:-1], strict=True)]
    points += [(scans[-1], values[-1], last)] if scans else []
    defaults = {
        "series": at,
        "status": status,
        "latest_value": values[-1] if values else None,
        "latest_z": last if values else None,
        "urgency": urgency,
        "sparkline": SPARKLINE,
        "result": result(points),
    }
    return Assessment.objects.create(**defaults | fields)


def health(of, verdict="in_control", **fields):
    """The verdict on an instrument."""
    defaults = {
        "instrument": of,
        "verdict": verdict,
        "reasons": [f"It is {verdict}."],
        "history": [{"from": catalogue.START.isoformat(), "verdict": verdict}],
        "last_scan_at": catalogue.START,
        "next_due_at": catalogue.START + timedelta(days=7),
        "urgency": {"degraded": 10.0, "watch": 5.0}.get(verdict, 0.0),
    }
    return Health.objects.create(**defaults | fields)


def flag(of=None, *, at=None, week=4, signals=1, **fields):
    """A flag on an instrument, raised by a new acquisition of the series `at` (or by one without)."""
    one = at or (of.series.first() if of else None) or series(of)
    scan = acquisition(one.instrument, path=one.optical_path, sample=one.standard, week=week)
    defaults = {
        "instrument": one.instrument,
        "raised_at": scan.acquired_at,
        "raised_by": scan,
        "since": scan.acquired_at - timedelta(weeks=2),
        "since_low": scan.acquired_at - timedelta(weeks=3),
        "since_high": scan.acquired_at - timedelta(weeks=1),
        "hypotheses": [{"cause": "Detector ageing", "because": "only one detector lost signal"}],
    }
    row = Flag.objects.create(**defaults | fields)
    for number in range(signals):
        FlagSignal.objects.create(
            flag=row,
            series=one,
            acquisition=scan,
            kind=("ewma", "tolerance", "action")[number],
            signalled_at=scan.acquired_at,
            since=row.since,
            since_low=row.since_low,
            since_high=row.since_high,
            magnitude_sigma=1.4,
            value=61.0,
            limit=70.0,
            centre=80.0,
        )
    return row
