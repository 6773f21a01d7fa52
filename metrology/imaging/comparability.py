"""Whether a scan was made with the settings that make its figures comparable with those before.

A detector's gain decides the mean, the noise and the saturation of an image: a point scanned at another gain says
nothing about the instrument; nor is a tile scan a point among single fields. A protocol therefore names settings, each
with the value that a scan must have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from common.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of the microscope that a file may state.

    Parameters
    ----------
    name : str
        Of the field of `metrology.imaging.stack.Metadata`.
    label : str
        As people say it.
    unit : str
        Of its value; empty for pure numbers, words, and units that only the maker knows.
    each_channel : bool
        Whether each channel has its own.
    is_number : bool
        Whether it is a number, or a word that must be the same.
    tells_kind : bool
        Whether it tells what kind of scan it is, in words that need no label.
    """

    name: str
    label: str
    unit: str = ""
    each_channel: bool = False
    is_number: bool = True
    tells_kind: bool = False


_ALL = (
    Setting("scan_fields", "fields scanned", is_number=False, tells_kind=True),
    Setting("scan_depth", "depth scanned", is_number=False, tells_kind=True),
    Setting("scan_time", "time scanned", is_number=False, tells_kind=True),
    Setting("numerical_aperture", "numerical aperture"),
    Setting("magnification", "magnification"),
    Setting("immersion", "immersion", is_number=False),
    Setting("pixel_size_um", "pixel size", "µm"),
    Setting("z_step_um", "distance of slices", "µm"),
    Setting("zoom", "zoom"),
    Setting("averaging", "averaging"),
    Setting("scan_speed", "scan speed"),
    Setting("scan_direction", "scan direction", is_number=False),
    Setting("bit_depth", "bit depth", "bit"),
    Setting("excitation_nm", "excitation", "nm", each_channel=True),
    Setting("laser_power", "laser power", each_channel=True),
    Setting("pinhole_au", "pinhole", "AU", each_channel=True),
    Setting("pinhole_um", "pinhole", "µm", each_channel=True),
    Setting("gain", "gain", each_channel=True),
    Setting("offset", "offset", each_channel=True),
    Setting("detector_name", "detector", each_channel=True, is_number=False),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType({one.name: one for one in _ALL})


@dataclass(frozen=True, slots=True)
class Requirement:
    """One setting that a scan must have.

    Parameters
    ----------
    setting : Setting
        Which.
    channel : int or None
        Channel of the file, from 0; None for a setting of the whole image.
    value : float or str
        What it must be.
    tolerance : float
        How far a number may lie from it, in its own unit.
    """

    setting: Setting
    channel: int | None
    value: float | str
    tolerance: float = 0.0

    @property
    def label(self) -> str:
        """The setting, with its channel."""
        return self.setting.label if self.channel is None else f"{self.setting.label} of channel {self.channel}"

    @property
    def words(self) -> str:
        """The value that is asked for."""
        unit = f" {self.setting.unit}" if self.setting.unit else ""
        if isinstance(self.value, str):
            return self.value
        return f"{self.value:g}{f' ± {self.tolerance:g}' if self.tolerance else ''}{unit}"

    @property
    def sentence(self) -> str:
        """What is asked for: "gain of channel 0 600", "single field"."""
        return self.words if self.setting.tells_kind else f"{self.label} {self.words}"

    def as_json(self) -> dict[str, Any]:
        """Return it as a protocol keeps it."""
        return {
            "setting": self.setting.name,
            "channel": self.channel,
            "value": self.value,
            "tolerance": self.tolerance,
        }


Outcome = Literal["same", "differs", "not stated"]


@dataclass(frozen=True, slots=True)
class Compared:
    """One requirement beside what the file states."""

    requirement: Requirement
    found: float | str | None
    outcome: Outcome

    @property
    def sentence(self) -> str:
        """What differs: "gain of channel 0: 720 instead of 600", "stack instead of a single plane"."""
        if self.requirement.setting.tells_kind:
            return f"{self.found} instead of a {self.requirement.words}"
        found = f"{self.found:g}" if isinstance(self.found, float) else self.found
        return f"{self.requirement.label}: {found} instead of {self.requirement.words}"


def requirements_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Requirement, ...]:
    """Read requirements as a protocol keeps them, or as people give them.

    Parameters
    ----------
    rows : iterable of mapping
        `{"setting": …, "channel": … or None, "value": …, "tolerance": …}`.

    Returns
    -------
    tuple of Requirement
        In the order given.

    Raises
    ------
    InputError
        A setting is unknown or named twice, lacks its channel or has one too many, or its value or tolerance is not
        what it should be.
    """
    found = tuple(_requirement(row) for row in rows)
    places = [(one.setting.name, one.channel) for one in found]
    twice = next((one for one, place in zip(found, places, strict=True) if places.count(place) > 1), None)
    if twice is not None:
        raise InputError(f"The {twice.label} is asked for twice.", hint="Give each setting once.")
    return found


def compare_settings(requirements: Iterable[Requirement], metadata: Mapping[str, Any]) -> tuple[Compared, ...]:
    """Put what a file states beside what a protocol asks for.

    Parameters
    ----------
    requirements : iterable of Requirement
        Of the protocol.
    metadata : mapping
        As `Metadata.as_json` gives it and an acquisition keeps it.

    Returns
    -------
    tuple of Compared
        One for each requirement. What the file does not state is "not stated", never guessed.
    """
    return tuple(_compared(one, _stated(one, metadata)) for one in requirements)


def settings_stated(metadata: Mapping[str, Any]) -> tuple[Requirement, ...]:
    """Return the settings that a file states, as requirements that it meets itself: the draft of a protocol.

    Parameters
    ----------
    metadata : mapping
        As for `compare_settings`.

    Returns
    -------
    tuple of Requirement
        With tolerance 0.
    """
    channels = range(len(metadata.get("channels", ())))
    places = [(one, channel) for one in _ALL for channel in (channels if one.each_channel else (None,))]
    drafts = (Requirement(setting, channel, "") for setting, channel in places)
    found = ((draft, _stated(draft, metadata)) for draft in drafts)
    return tuple(Requirement(one.setting, one.channel, value) for one, value in found if value is not None)


def kind_stated(metadata: Mapping[str, Any]) -> tuple[Requirement, ...]:
    """Return the settings that tell what kind of scan it is, as far as a file states them.

    Parameters
    ----------
    metadata : mapping
        As for `compare_settings`.

    Returns
    -------
    tuple of Requirement
        Of the fields, the depth and the time that were scanned.
    """
    return tuple(one for one in settings_stated(metadata) if one.setting.tells_kind)


_DETECTOR_OF_IMAGE = ("averaging", "line_averaging")
_DETECTOR_OF_CHANNEL = ("detector_name", "gain", "digital_gain", "offset", "detector_voltage_v", "binning", "averaging")


def same_detector_settings(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether two files state nothing different of how their detectors were set.

    Parameters
    ----------
    one, other : mapping
        As for `compare_settings`.

    Returns
    -------
    bool
        Whether detector, gain, digital gain, offset, voltage, binning and averaging of each channel are equal wherever
        both files state them.
    """
    pairs: list[tuple[Mapping[str, Any], Mapping[str, Any], tuple[str, ...]]] = [(one, other, _DETECTOR_OF_IMAGE)]
    # a channel that one of them lacks is not stated
    channels = zip(one.get("channels", ()), other.get("channels", ()), strict=False)
    pairs += [(mine, yours, _DETECTOR_OF_CHANNEL) for mine, yours in channels]
    return all(
        _is_same(mine[name]["value"], yours[name]["value"])
        for mine, yours, names in pairs
        for name in names
        if name in mine and name in yours
    )


def _is_same(one: object, other: object) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-6)  # files keep settings in single precision
    return str(one).casefold() == str(other).casefold()


def _requirement(row: Mapping[str, Any]) -> Requirement:
    setting = SETTINGS.get(str(row.get("setting")))
    if setting is None:
        raise InputError(
            f"'{row.get('setting')}' is not a setting.",
            hint=f"Choose among {', '.join(SETTINGS)}.",
            settings=list(SETTINGS),
        )
    channel, value, tolerance = row.get("channel"), row.get("value"), row.get("tolerance") or 0.0
    if setting.each_channel != (type(channel) is int and channel >= 0) or (
        not setting.each_channel and channel is not None
    ):
        raise InputError(
            f"The {setting.label} {'needs its channel' if setting.each_channel else 'has no channel'}.",
            hint="Number the channels of the file from 0." if setting.each_channel else "Leave the channel out.",
            setting=setting.name,
        )
    if setting.is_number:
        value, tolerance = (
            _number(value, f"value of {setting.label}"),
            _number(tolerance, f"tolerance of {setting.label}"),
        )
        if tolerance < 0:
            raise InputError(f"The tolerance of {setting.label} is negative.", hint="Give how far off it may be.")
        return Requirement(setting, channel, value, tolerance)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"The {setting.label} is left empty.", hint="Give the word that the file states.")
    return Requirement(setting, channel, value.strip())


def _number(value: Any, name: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise InputError(f"The {name} is not a number.", hint="Give a number, with a point for the decimals.")


def _stated(requirement: Requirement, metadata: Mapping[str, Any]) -> float | str | None:
    """Return what the file states of a setting, None where it is silent or says something of another kind."""
    fields: Mapping[str, Any] = metadata
    if requirement.channel is not None:
        channels = metadata.get("channels", ())
        fields = channels[requirement.channel] if requirement.channel < len(channels) else {}
    value = fields.get(requirement.setting.name, {}).get("value")
    if requirement.setting.is_number:
        known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return float(value) if known else None
    return value if isinstance(value, str) and value else None


def _compared(requirement: Requirement, found: float | str | None) -> Compared:
    if found is None:
        return Compared(requirement, None, "not stated")
    if isinstance(found, str) or isinstance(requirement.value, str):
        same = str(found).casefold() == str(requirement.value).casefold()
    else:  # a millionth: files keep settings in single precision
        same = abs(found - requirement.value) <= requirement.tolerance + 1e-6 * abs(requirement.value)
    return Compared(requirement, found, "same" if same else "differs")
