"""The verdict on an instrument keeps every reason, in words."""

from __future__ import annotations

import pytest

from metrology.models import Health
from metrology.selectors.fleet import fleet_get
from metrology.selectors.instrument_page import instrument_page
from metrology.services.health import health_record
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db


def test_every_series_beyond_a_limit_is_a_reason_and_a_fall_reads_as_harm():
    instrument = catalogue.instrument()
    for channel in range(8):
        series = monitor.series(instrument, attribute_id="mean", channel=channel)
        monitor.assessment(series, status="watch", urgency=50 - channel, latest_z=51.3)
    health = health_record(instrument, Health(instrument=instrument))
    assert len(health.reasons) == 8
    assert health.reasons[0].endswith("channel 0: 51.3 σ towards harm")
    card = fleet_get(instrument.facility).cards[0]
    assert card.reason.endswith("channel 0: 51.3 σ towards harm, and 7 more series.")
    page = instrument_page(instrument.facility, instrument.slug)
    assert (len(page.reasons), page.more_reasons) == (5, 3)
