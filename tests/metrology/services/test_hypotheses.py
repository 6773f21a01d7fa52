"""Causes are ranked by which channels and which quantities moved, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from metrology.models import FlagSignal, StandardKind
from metrology.services.hypotheses import rank_causes
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db
LIGHT = "the light source or its alignment"


def flag_of(*signals):
    """A flag by signals of (attribute, channel, week) on an instrument of two channels."""
    instrument = catalogue.instrument()
    steady = [monitor.series(instrument, attribute_id="std", channel=channel) for channel in (0, 1)]
    flag = monitor.flag(instrument, at=steady[0], signals=0)
    for attribute_id, channel, week in signals:
        at = catalogue.START + timedelta(weeks=week)
        FlagSignal.objects.create(
            flag=flag, series=monitor.series(instrument, attribute_id=attribute_id, channel=channel),
            acquisition=flag.raised_by, kind="ewma", signalled_at=at, since=at, since_low=at, since_high=at,
            magnitude_sigma=3.0, value=1.0, limit=0.5, centre=0.0,
        )  # fmt: skip
    return flag


def causes(*signals):
    return [one["cause"] for one in rank_causes(flag_of(*signals))]


def test_the_detector_is_named_though_aberration_moved_the_other_channel_too():
    found = rank_causes(flag_of(("mean", 0, 4), ("noise", 0, 5), ("fwhm_axial", 0, 6), ("fwhm_axial", 1, 6)))
    detector = next(one for one in found if one["cause"] == "the detector of channel 0")
    assert detector["because"] == "intensity and noise of channel 1 of the same scans are steady"
    assert LIGHT not in [one["cause"] for one in found]


def test_the_channel_whose_light_moved_clearly_earlier_is_blamed_before_the_light_source():
    flag = flag_of(("mean", 0, 4), ("mean", 1, 7), ("noise", 1, 7))
    first, second = rank_causes(flag)
    assert (first["cause"], second["cause"]) == ("the detector of channel 0", LIGHT)
    assert first["because"] == "its intensity or noise moved 21 days before that of any other channel"


def test_the_channel_with_more_moved_quantities_is_listed_after_the_light_source():
    flag = flag_of(("mean", 0, 4), ("mean", 1, 4), ("noise", 1, 5))
    light, detector = rank_causes(flag)
    assert (light["cause"], detector["cause"]) == (LIGHT, "the detector of channel 1")
    assert detector["because"] == "2 quantities of intensity and noise moved in it, at most 1 in others"


def test_channels_that_moved_alike_blame_the_light_alone():
    assert causes(("mean", 0, 4), ("mean", 1, 5)) == [LIGHT]


def test_optics_that_moved_without_the_light_blame_no_detector():
    assert causes(("fwhm_axial", 0, 4)) == ["the objective or the immersion (aberration, dirt, wrong medium)"]


def test_lines_that_no_longer_lie_above_one_another_blame_the_scanner_first():
    assert causes(("bidirectional_shift", 0, 4), ("sharpness", 0, 4))[0].startswith("the scanner")


def flag_in_the_dark():
    """Read noise of both channels moved in frames without light."""
    flag = flag_of(("read_noise", 0, 4), ("read_noise", 1, 4))
    dark = monitor.standard(flag.instrument.facility, kind=StandardKind.DARK)
    for signal in flag.signals.all():
        signal.series.standard = dark
        signal.series.save()
    return flag


def test_frames_without_light_blame_the_detectors_and_no_light_source():
    (found,) = rank_causes(flag_in_the_dark())
    assert found["cause"] == "the detector of channel 0 and 1, or stray light"
    assert found["because"] == "read noise moved in frames without light"


def test_darkness_is_no_slide_that_fades():
    flag = flag_in_the_dark()
    dark = flag.signals.first().series.standard
    other = flag_of(("read_noise", 0, 4))
    other.signals.first().series.__class__.objects.filter(pk=other.signals.first().series_id).update(standard=dark)
    assert "the standard slide itself" not in [one["cause"] for one in rank_causes(flag)]
