"""Which limits hold when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from metrology.attributes.quantity import Quantity
from metrology.models import Limits
from metrology.selectors.certainty import limit_words
from metrology.selectors.limits import limits_history, limits_in_force, limits_of_the_day
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


@pytest.mark.parametrize(
    ("value", "uncertainty", "words"),
    [
        (0.30, 0.01, "within its limits"),
        (0.30, None, "within its limits"),
        (0.45, 0.01, "beyond its tolerance"),
        (0.41, 0.05, "too uncertain to tell whether beyond its tolerance"),
        (0.60, 0.01, "beyond its action limit"),
        (0.49, 0.02, "beyond its tolerance"),
    ],
)
def test_a_figure_is_within_beyond_or_too_uncertain_to_tell(value, uncertainty, words):
    assert limit_words(Limits(tolerance_high=0.4, action_high=0.5), Quantity(value, uncertainty)) == words


def test_an_action_limit_alone_may_be_too_near_to_tell():
    words = limit_words(Limits(action_high=0.5), Quantity(0.49, 0.02))
    assert words == "too uncertain to tell whether beyond its action limit"


def test_the_limits_of_the_day_are_the_instrument_s_own_before_the_facility_s():
    instrument = catalogue.instrument()
    for owner, weeks, high in ((None, 0, 0.9), (instrument, 1, 0.5), (None, 2, 0.8), (instrument, 3, 0.4)):
        Limits.objects.create(
            facility=instrument.facility, instrument=owner, attribute_id="cv", action_high=high,
            valid_from=catalogue.START + timedelta(weeks=weeks),
        )  # fmt: skip
    found = [
        limits_of_the_day(instrument, catalogue.START + timedelta(weeks=week, days=1))["cv"].action_high
        for week in range(4)
    ]
    assert found == [0.9, 0.5, 0.5, 0.4]
    assert limits_of_the_day(instrument, catalogue.START - timedelta(days=1)) == {}
