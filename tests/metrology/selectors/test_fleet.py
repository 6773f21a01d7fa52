"""The first page says which instrument needs hands, and stays quick."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from common.models import JobState
from metrology.selectors.fleet import FleetFilter, fleet_get
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def facility():
    return catalogue.facility()


def test_a_facility_without_instruments_says_so(facility):
    fleet = fleet_get(facility)
    assert fleet.headline == "No instrument is catalogued yet."
    assert (fleet.cards, fleet.total, fleet.heat_map) == ((), 0, ())


def test_the_headline_names_who_needs_hands_and_who_is_to_be_watched(facility):
    for name, verdict in (("LSM 510", "degraded"), ("LSM 780", "in_control"), ("LSM 880", "watch")):
        monitor.health(catalogue.instrument(facility, name=name), verdict, next_due_at=None)
    fleet = fleet_get(facility)
    assert fleet.headline == "1 of 3 instruments needs hands: LSM 510. 1 to watch: LSM 880."
    assert fleet.verdict == "degraded"
    assert [card.instrument.name for card in fleet.cards] == ["LSM 510", "LSM 880", "LSM 780"]


def test_a_fleet_in_control_says_so_and_names_overdue_scans(facility):
    late = timezone.now() - timedelta(days=1)
    monitor.health(catalogue.instrument(facility, name="A"), "in_control", next_due_at=late)
    monitor.health(
        catalogue.instrument(facility, name="B"), "in_control", next_due_at=timezone.now() + timedelta(days=3)
    )
    fleet = fleet_get(facility)
    assert fleet.headline == "All 2 instruments are in control. Scans overdue: A."
    assert [card.is_overdue for card in fleet.cards] == [True, False]


def test_an_instrument_never_scanned_has_no_data_and_is_not_called_in_control(facility):
    catalogue.instrument(facility, name="New")
    assert fleet_get(facility).headline == "Nothing can be said yet: none of 1 instrument has a baseline."
    monitor.health(catalogue.instrument(facility, name="Old"), "in_control", next_due_at=None)
    assert fleet_get(facility).headline == "1 of 2 instruments in control. No data: New."


def test_a_card_shows_the_two_worst_attributes_each_once(facility):
    one = catalogue.instrument(facility)
    monitor.health(one, "degraded", reasons=["sharpness: -4.2 σ", "noise: 2.2 σ", "mean: 1 σ"])
    monitor.assessment(monitor.series(one, attribute_id="mean"), urgency=1)
    monitor.assessment(monitor.series(one, attribute_id="noise"), status="watch", urgency=50)
    monitor.assessment(monitor.series(one, attribute_id="sharpness"), status="degraded", urgency=100)
    monitor.assessment(monitor.series(one, attribute_id="sharpness", channel=1), status="degraded", urgency=90)
    card = fleet_get(facility).cards[0]
    assert [spark.name for spark in card.sparklines] == ["Sharpness", "Noise"]
    assert (card.sparklines[0].value, card.sparklines[0].unit) == (79.0, "8-bit eq./px")
    assert card.reason == "sharpness: -4.2 σ, and 2 more series."


def test_only_unresolved_flags_are_counted(facility):
    one = catalogue.instrument(facility)
    monitor.health(one, "degraded")
    monitor.flag(one, state="dismissed")
    still = monitor.flag(one, week=9)
    assert fleet_get(facility).cards[0].flags == (still,)


def test_the_heat_map_holds_the_worst_state_of_each_group(facility):
    one, other = catalogue.instrument(facility, name="A"), catalogue.instrument(facility, name="B")
    monitor.assessment(monitor.series(one, attribute_id="mean"))
    monitor.assessment(monitor.series(one, attribute_id="cv"), status="degraded")
    monitor.assessment(monitor.series(other, attribute_id="noise"), status="watch")
    fleet = fleet_get(facility)
    assert fleet.groups == ("intensity", "noise")
    assert [[(cell.verdict, cell.series) for cell in row.cells] for row in fleet.heat_map] == [
        [("degraded", 2), (None, 0)],
        [(None, 0), ("watch", 1)],
    ]


def test_series_of_a_retired_definition_are_left_out(facility):
    one = catalogue.instrument(facility)
    monitor.assessment(monitor.series(one, attribute_id="mean", algorithm_version=99), status="degraded", urgency=100)
    fleet = fleet_get(facility)
    assert (fleet.groups, fleet.cards[0].sparklines) == ((), ())


def test_filters_choose_cards_but_not_the_headline(facility):
    bad = catalogue.instrument(facility, name="A", room="2.14", technique="widefield")
    monitor.health(bad, "degraded", next_due_at=None)
    monitor.health(catalogue.instrument(facility, name="B", room="2.15"), "in_control", next_due_at=None)
    for wanted in (FleetFilter(room="2.15"), FleetFilter(technique="confocal"), FleetFilter(verdict="in_control")):
        fleet = fleet_get(facility, wanted)
        assert [card.instrument.name for card in fleet.cards] == ["B"]
        assert fleet.headline.startswith("1 of 2 instruments needs hands: A")
    assert fleet_get(facility).rooms == ("2.14", "2.15")


def test_retired_instruments_are_only_named(facility):
    old = catalogue.instrument(facility, state="retired")
    fleet = fleet_get(facility)
    assert (fleet.cards, fleet.retired, fleet.total) == ((), (old,), 0)


def test_other_facilities_are_not_seen(facility):
    stranger = monitor.assessment(status="degraded").series.instrument
    monitor.health(stranger, "degraded")
    assert fleet_get(facility).cards == ()
    assert fleet_get(facility).groups == ()


def test_measuring_counts_the_scans_since_the_oldest_that_waits(facility):
    one = catalogue.instrument(facility)
    monitor.acquisition(one)  # finished before: not part of this round
    monitor.acquisition(one, state=JobState.RUNNING)
    monitor.acquisition(one)
    monitor.acquisition(one, state=JobState.QUEUED)
    measuring = fleet_get(facility).measuring
    assert (measuring.done, measuring.total, measuring.is_busy) == (1, 3, True)
    assert measuring.percent == pytest.approx(100 / 3)


def test_a_verdict_that_is_still_to_come_keeps_the_page_busy(facility):
    monitor.health(catalogue.instrument(facility), needs_assessment=True)
    assert fleet_get(facility).measuring.is_busy
    assert not fleet_get(catalogue.facility()).measuring.is_busy


def test_twenty_instruments_take_no_more_queries_than_one(facility, django_assert_max_num_queries):
    for _ in range(20):
        one = catalogue.instrument(facility)
        monitor.health(one, "watch")
        for attribute in ("mean", "noise", "sharpness"):
            monitor.assessment(monitor.series(one, attribute_id=attribute), values=(1.0,))
    with django_assert_max_num_queries(7):
        assert len(fleet_get(facility).cards) == 20


def test_nothing_is_called_in_control_by_scans_that_are_still_to_be_judged(facility):
    one = catalogue.instrument(facility)
    monitor.acquisition(one, state=JobState.QUEUED)
    assert fleet_get(facility).headline == "Nothing can be said yet: scans are still being measured."
    monitor.health(one, "in_control", next_due_at=None)
    said = "1 of 1 instrument in control by earlier scans; new ones are still to be judged."
    assert fleet_get(facility).headline == said
