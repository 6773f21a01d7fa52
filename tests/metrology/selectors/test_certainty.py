"""A chart says of each point how sure it is, and how it lies to the limits of its own day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from metrology.attributes.quantity import Quantity
from metrology.models import Limits, Measurement
from metrology.selectors.certainty import certain_points, limit_words, limits_on, limits_rows, verdict_on
from metrology.selectors.series import series_get
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def series():
    return monitor.series()


def limits(series, *, week=0, own=True, **values):
    at = series.instrument
    return Limits.objects.create(
        facility=at.facility,
        instrument=at if own else None,
        attribute_id=series.attribute_id,
        valid_from=catalogue.START + timedelta(weeks=week),
        **values,
    )


def charted(series, *pairs):
    """A judged series with a value and its uncertainty each week."""
    monitor.assessment(series, values=tuple(value for value, _ in pairs))
    scans = list(series.instrument.acquisitions.order_by("acquired_at"))
    for scan, (value, uncertainty) in zip(scans, pairs, strict=True):
        Measurement.objects.create(series=series, acquisition=scan, value=value, uncertainty=uncertainty)
    return scans


@pytest.mark.parametrize(
    ("value", "uncertainty", "verdict", "words"),
    [
        (90.0, 1.0, "within", "within its limits"),
        (99.0, 1.0, "cannot tell", "too uncertain to tell whether beyond its tolerance"),
        (101.0, 1.0, "cannot tell", "too uncertain to tell whether beyond its tolerance"),
        (105.0, 1.0, "beyond", "beyond its tolerance"),
        (119.0, 2.0, "beyond", "beyond its tolerance"),
        (130.0, 2.0, "beyond", "beyond its action limit"),
        (101.0, None, "beyond", "beyond its tolerance"),
        (99.0, 20.0, "cannot tell", "too uncertain to tell whether beyond its action limit"),
    ],
)
def test_a_value_is_held_against_tolerance_and_action(series, value, uncertainty, verdict, words):
    row = limits(series, tolerance_high=100.0, action_high=120.0)
    assert verdict_on(row, Quantity(value, uncertainty)) == verdict
    assert limit_words(row, Quantity(value, uncertainty)) == words


def test_a_row_that_takes_the_limits_away_gives_no_verdict(series):
    assert verdict_on(limits(series), Quantity(1.0)) is None


def test_the_limits_of_the_day_are_the_instruments_own_before_the_facilitys(series):
    facility_first = limits(series, week=0, own=False, action_high=1.0)
    own = limits(series, week=2, action_high=2.0)
    limits(series, week=4, own=False, action_high=3.0)
    latest = limits(series, week=6, action_high=4.0)
    rows = list(limits_rows(series.instrument, series.attribute_id))
    days = [catalogue.START + timedelta(weeks=week) for week in (-1, 1, 3, 5, 7)]
    assert [limits_on(rows, day) for day in days] == [None, facility_first, own, own, latest]


def test_each_point_is_judged_by_the_limits_of_its_own_day(series):
    limits(series, week=1, tolerance_high=100.0)
    limits(series, week=2, tolerance_high=200.0)
    scans = charted(series, (99.5, 1.0), (99.5, 1.0), (99.5, 1.0), (99.5, None))
    assert certain_points(series) == {
        scans[0].pk: (1.0, None),
        scans[1].pk: (1.0, "cannot tell"),
        scans[2].pk: (1.0, "within"),
        scans[3].pk: (None, "within"),
    }


def test_table_sentence_and_chart_say_the_same(series):
    limits(series, tolerance_high=100.0)
    charted(series, (80.0, 1.0), (99.5, 1.0), (120.0, None))
    record = series_get(series.instrument.facility, series.pk)
    assert [row["verdict"] for row in record.rows] == ["within", "cannot tell", "beyond"]
    assert [row["uncertainty"] for row in record.rows] == [1.0, 1.0, None]
    assert "1 is too uncertain to tell whether beyond the limits of the day" in record.summary
    assert "1.64 standard errors" in record.certainty


def test_what_the_bars_mean_is_said_only_where_there_are_bars(series):
    charted(series, (80.0, None), (81.0, None))
    assert series_get(series.instrument.facility, series.pk).certainty == ""
    Measurement.objects.filter(series=series).update(uncertainty=0.5)
    certainty = series_get(series.instrument.facility, series.pk).certainty
    assert certainty.startswith("Bars are ± one standard error.")
    assert "No limit is set" in certainty
