"""Which limits hold when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from metrology.models import Limits
from metrology.selectors.limits import limits_history, limits_in_force
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db

START = catalogue.START


def row(series, *, week, own=True, **fields):
    return Limits.objects.create(
        facility=series.instrument.facility,
        instrument=series.instrument if own else None,
        attribute_id=series.attribute_id,
        valid_from=START + timedelta(weeks=week),
        **fields,
    )


def test_the_latest_row_before_a_moment_holds():
    series = monitor.series()
    first, second = row(series, week=0), row(series, week=4)
    assert limits_in_force(series.instrument, "sharpness", START + timedelta(weeks=3)) == first
    assert limits_in_force(series.instrument, "sharpness", START + timedelta(weeks=4)) == second
    assert limits_in_force(series.instrument, "sharpness", START - timedelta(days=1)) is None


def test_the_instruments_own_limits_go_before_newer_ones_of_the_facility():
    series = monitor.series()
    own = row(series, week=0)
    shared = row(series, week=2, own=False)
    neighbour = catalogue.instrument(series.instrument.facility)
    later = START + timedelta(weeks=9)
    assert limits_in_force(series.instrument, "sharpness", later) == own
    assert limits_in_force(neighbour, "sharpness", later) == shared
    assert limits_in_force(series.instrument, "noise", later) is None


def test_the_history_holds_own_and_shared_rows_but_no_others():
    series = monitor.series()
    own, shared = row(series, week=0), row(series, week=2, own=False)
    row(monitor.series(catalogue.instrument(series.instrument.facility)), week=1)
    row(monitor.series(), week=1, own=False)
    assert list(limits_history(series)) == [shared, own]
