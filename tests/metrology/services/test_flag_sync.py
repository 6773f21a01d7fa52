"""Signals and services become flags in the order in which they happened."""

from __future__ import annotations

from datetime import timedelta

import pytest

from instruments.models import ServiceEvent
from metrology.models import FlagState
from metrology.services.flag_sync import SignalFacts, flags_sync
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def instrument():
    return catalogue.instrument()


def day(number):
    return catalogue.START + timedelta(days=number)


def signal(series, number):
    scan = monitor.acquisition(series.instrument, acquired_at=day(number))
    return SignalFacts(
        series=series, acquisition_id=scan.pk, kind="ewma", signalled_at=day(number), since=day(number - 1),
        since_low=day(number - 2), since_high=day(number), magnitude_sigma=3.0, value=1.0, limit=0.5, centre=0.0,
    )  # fmt: skip


def event(instrument, number, kind="full_service"):
    return ServiceEvent.objects.create(
        instrument=instrument, kind=kind, started_at=day(number), ended_at=day(number), text=""
    )


def test_a_service_that_resets_only_some_of_what_moved_leaves_the_flag_open(instrument):
    signals = [signal(monitor.series(instrument, attribute_id=name), 10) for name in ("fwhm_axial", "mean")]
    flags_sync(instrument, signals=signals, events=[event(instrument, 20, kind="detector")])
    assert instrument.flags.get().state == FlagState.OPEN


def test_a_service_that_resets_all_that_moved_resolves_the_flag_at_its_end(instrument):
    done = event(instrument, 20, kind="detector")
    flags_sync(instrument, signals=[signal(monitor.series(instrument, attribute_id="mean"), 10)], events=[done])
    flag = instrument.flags.get()
    assert (flag.state, flag.resolved_by, flag.closed_at) == (FlagState.RESOLVED, done, day(20))


def test_a_service_before_the_flag_does_not_resolve_it_however_often_one_judges(instrument):
    signals, events = [signal(monitor.series(instrument), 10)], [event(instrument, 5)]
    for _ in range(2):
        flags_sync(instrument, signals=signals, events=events)
    assert instrument.flags.get().state == FlagState.OPEN


@pytest.mark.parametrize("number", [10, 15, 20])
def test_a_late_scan_made_while_a_flag_stood_joins_it_both_ends_included(instrument, number):
    series, other = monitor.series(instrument, attribute_id="mean"), monitor.series(instrument, attribute_id="noise")
    done = event(instrument, 20)
    flags_sync(instrument, signals=[signal(series, 10)], events=[done])
    assert flags_sync(instrument, signals=[signal(other, number)], events=[done]) == []
    assert instrument.flags.get().signals.count() == 2


@pytest.mark.parametrize("number", [9, 21])
def test_a_scan_made_before_or_after_a_closed_flag_raises_its_own(instrument, number):
    series, other = monitor.series(instrument, attribute_id="mean"), monitor.series(instrument, attribute_id="noise")
    done = event(instrument, 20)
    flags_sync(instrument, signals=[signal(series, 10)], events=[done])
    assert len(flags_sync(instrument, signals=[signal(other, number)], events=[done])) == 1
