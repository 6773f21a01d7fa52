"""The page of an instrument says how it is, since when, and what moved."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from common.errors import NotFoundError
from metrology.selectors.instrument_page import instrument_page
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db

START = catalogue.START


@pytest.fixture
def instrument():
    return catalogue.instrument()


def page_of(instrument):
    return instrument_page(instrument.facility, instrument.slug)


def test_an_instrument_never_scanned_has_an_empty_page(instrument):
    page = page_of(instrument)
    assert (page.verdict, page.since, page.groups, page.timeline, page.open_flag) == ("no_data", None, (), None, None)


def test_an_instrument_of_another_facility_does_not_exist(instrument):
    with pytest.raises(NotFoundError):
        instrument_page(catalogue.facility(), instrument.slug)


def test_since_is_when_the_present_verdict_began(instrument):
    dates = [(START + timedelta(weeks=week)).isoformat() for week in (0, 10, 12)]
    steps = zip(dates, ("in_control", "degraded", "degraded"), strict=True)
    monitor.health(instrument, "degraded", history=[{"from": at, "verdict": verdict} for at, verdict in steps])
    assert page_of(instrument).since == datetime.fromisoformat(dates[1])


def test_since_is_unknown_where_the_history_does_not_hold_the_verdict(instrument):
    monitor.health(instrument, "watch", history=[{"from": START.isoformat(), "verdict": "in_control"}])
    assert page_of(instrument).since is None


def test_series_are_grouped_by_channel_and_standard_worst_first(instrument):
    path = catalogue.optical_path(instrument, channels=2)
    sample = monitor.standard(instrument.facility)
    for channel, attribute, status, urgency in (
        (0, "mean", "in_control", 1),
        (1, "noise", "watch", 50),
        (1, "sharpness", "degraded", 100),
    ):
        one = monitor.series(instrument, path=path, sample=sample, attribute_id=attribute, channel=channel)
        monitor.assessment(one, status=status, urgency=urgency)
    groups = page_of(instrument).groups
    assert [(group.verdict, [tile.name for tile in group.tiles]) for group in groups] == [
        ("degraded", ["Sharpness", "Noise"]),
        ("in_control", ["Mean intensity"]),
    ]
    assert groups[0].channel.startswith("Ch1 · PMT")


def test_only_an_unresolved_flag_is_open(instrument):
    monitor.flag(instrument, state="resolved")
    assert page_of(instrument).open_flag is None
    still = monitor.flag(instrument, week=9)
    assert page_of(instrument).open_flag == still


def test_many_series_take_no_more_queries(instrument, django_assert_max_num_queries):
    path = catalogue.optical_path(instrument, channels=8)
    for channel in range(8):
        for attribute in ("mean", "noise"):
            monitor.assessment(
                monitor.series(instrument, path=path, attribute_id=attribute, channel=channel), values=(1.0,)
            )
    with django_assert_max_num_queries(16):
        page = page_of(instrument)
        assert len(page.groups) == 8
        assert [channel.detector.name for path in page.paths for channel in path.channels.all()]
