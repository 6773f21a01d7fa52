"""A scan is compared with its protocol by what its file states; what it does not state is never guessed."""

from __future__ import annotations

import pytest

from common.errors import InputError
from metrology.imaging.comparability import (
    SETTINGS,
    compare_settings,
    kind_stated,
    requirements_of,
    same_detector_settings,
    settings_stated,
)
from metrology.imaging.stack import Metadata, Sourced

STATED = Metadata(
    {"zoom": Sourced(2.0, "LSM ZoomX"), "immersion": Sourced("Oil", "LSM Objective")},
    (
        {"gain": Sourced(720, "LSM Gain"), "laser_power": Sourced(2.0, "LSM Power")},
        {"gain": Sourced(600.0, "LSM Gain")},
    ),
).as_json()


def asked(setting, value, *, channel=None, tolerance=0.0):
    return requirements_of([{"setting": setting, "channel": channel, "value": value, "tolerance": tolerance}])


def test_another_gain_is_said_in_words():
    (one,) = compare_settings(asked("gain", 600, channel=0), STATED)
    assert one.outcome == "differs"
    assert one.sentence == "gain of channel 0: 720 instead of 600"


def test_another_kind_of_scan_is_said_without_a_label():
    scanned = {"scan_fields": {"value": "tile scan of 5 × 5 fields", "source": "tiles of the file"}}
    (one,) = compare_settings(asked("scan_fields", "single field"), scanned)
    assert (one.outcome, one.sentence) == ("differs", "tile scan of 5 × 5 fields instead of a single field")
    assert one.requirement.sentence == "single field"
    assert compare_settings(asked("scan_fields", "single field"), {})[0].outcome == "not stated"


def test_the_kind_of_scan_is_what_is_stated_of_fields_depth_and_time():
    scanned = STATED | {name: {"value": "stack", "source": "a"} for name in ("scan_depth", "scan_fields")}
    assert [one.setting.name for one in kind_stated(scanned)] == ["scan_fields", "scan_depth"]
    assert kind_stated(STATED) == ()


def test_each_channel_has_its_own():
    (one,) = compare_settings(asked("gain", 600, channel=1), STATED)
    assert one.outcome == "same"


@pytest.mark.parametrize(("value", "outcome"), [(2.2, "same"), (1.8, "same"), (2.21, "differs"), (1.79, "differs")])
def test_the_tolerance_holds_on_both_sides_and_its_edge_belongs_to_it(value, outcome):
    (one,) = compare_settings(asked("laser_power", value, channel=0, tolerance=0.2), STATED)
    assert one.outcome == outcome


def test_single_precision_in_a_file_is_no_difference():
    metadata = {"zoom": {"value": 1.2000000476837158, "source": "a"}}
    assert compare_settings(asked("zoom", 1.2), metadata)[0].outcome == "same"


@pytest.mark.parametrize(
    ("setting", "value", "channel"), [("averaging", 4, None), ("gain", 600, 2), ("pinhole_au", 1, 0)]
)
def test_what_the_file_does_not_state_is_not_held_against_it(setting, value, channel):
    (one,) = compare_settings(asked(setting, value, channel=channel), STATED)
    assert (one.outcome, one.found) == ("not stated", None)


def test_words_are_compared_whatever_their_case():
    assert compare_settings(asked("immersion", "oil"), STATED)[0].outcome == "same"
    assert compare_settings(asked("immersion", "Water"), STATED)[0].sentence == "immersion: Oil instead of Water"


def test_a_scan_meets_the_draft_made_from_it():
    drafts = settings_stated(STATED)
    assert [one.label for one in drafts] == [
        "immersion", "zoom", "laser power of channel 0", "gain of channel 0", "gain of channel 1",
    ]  # fmt: skip
    assert {one.outcome for one in compare_settings(drafts, STATED)} == {"same"}
    assert requirements_of([one.as_json() for one in drafts]) == drafts


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ({"setting": "colour", "value": 1}, "not a setting"),
        ({"setting": "gain", "value": 600}, "needs its channel"),
        ({"setting": "gain", "value": 600, "channel": -1}, "needs its channel"),
        ({"setting": "gain", "value": 600, "channel": True}, "needs its channel"),
        ({"setting": "zoom", "value": 1, "channel": 0}, "has no channel"),
        ({"setting": "zoom", "value": "two"}, "value of zoom is not a number"),
        ({"setting": "zoom", "value": float("nan")}, "value of zoom is not a number"),
        ({"setting": "zoom", "value": None}, "value of zoom is not a number"),
        ({"setting": "zoom", "value": 1, "tolerance": -1}, "negative"),
        ({"setting": "zoom", "value": 1, "tolerance": float("inf")}, "tolerance of zoom is not a number"),
        ({"setting": "immersion", "value": " "}, "left empty"),
        ({"setting": "immersion", "value": 4}, "left empty"),
    ],
)
def test_a_requirement_that_cannot_be_understood_is_refused(row, match):
    with pytest.raises(InputError, match=match):
        requirements_of([row])


def test_a_setting_asked_for_twice_is_refused():
    with pytest.raises(InputError, match="twice"):
        requirements_of([{"setting": "zoom", "value": 1}, {"setting": "zoom", "value": 2}])


def test_every_setting_is_a_field_that_readers_write():
    described = f"{Metadata.__doc__}"
    assert [name for name in SETTINGS if f"`{name}`" not in described] == []


def _set(image=None, **channel):
    """What a file of one channel states."""
    stated = [{name: {"value": value, "source": "test"} for name, value in of.items()} for of in (image or {}, channel)]
    return {**stated[0], "channels": [stated[1]]}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (_set(gain=600, offset=-2.0), _set(gain=600.0, offset=-2.0), True),
        (_set(gain=600), _set(gain=600.0001), True),
        (_set(gain=600), _set(gain=601), False),
        (_set(gain=600, offset=1), _set(gain=600, offset=2), False),
        (_set(detector_voltage_v=700), _set(detector_voltage_v=720), False),
        (_set(detector_name="PMT 1"), _set(detector_name="pmt 1"), True),
        (_set(binning="2x2"), _set(binning="1x1"), False),
        (_set({"averaging": 4}), _set({"averaging": 1}), False),
        (_set(gain=600), _set(offset=1), True),
        (_set(laser_power=2), _set(laser_power=0), True),
        (_set(gain=600), {}, True),
    ],
)
def test_detector_settings_are_the_same_unless_both_files_state_different_ones(one, other, same):
    assert same_detector_settings(one, other) is same
    assert same_detector_settings(other, one) is same
