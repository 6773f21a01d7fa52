"""What the settings of an Olympus OIB or OIF say (text in sections, of the image and of its first plane)."""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from metrology.imaging.fields import number, stated
from metrology.imaging.stack import Metadata, Sourced

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIRECTION = {"Oneway": "one way", "Roundtrip": "both ways"}
_UM = {"um": 1.0, "nm": 1e-3, "mm": 1e3}
_SECONDS = {"ms": 1e-3, "s": 1.0, "us": 1e-6}
_DETECTION = {0: "PMT, analogue", 1: "PMT, photon counting"}


def metadata_from_settings(settings: Mapping[str, Any], first: Mapping[str, Any], *, channels: int) -> Metadata:
    """Translate the settings of an image.

    Parameters
    ----------
    settings : mapping of str to mapping
        Sections of the main file.
    first : mapping of str to mapping
        Sections of the file of the first plane (`.pty`), which knows the objective and the speed.
    channels : int
        Number of channels recorded.

    Returns
    -------
    Metadata
        Fields that the settings state, with their place in them.
    """
    common = settings.get("Acquisition Parameters Common", {})
    plane = first.get("Acquisition Parameters Common", {})
    image = settings.get("Reference Image Parameter", {})
    version = settings.get("Version Info", {})
    fields = {
        **_of_image(settings, common, image),
        **_of_axes(settings),
        **stated(
            "OIB",
            {
                "instrument_name": (_instrument(version), "SystemName"),
                "software": (_joined(version.get("SystemName"), version.get("SystemVersion")), "Version Info"),
                "objective_name": (_words(plane.get("ObjectiveLens Name")), "plane ObjectiveLens Name"),
                "numerical_aperture": (number(plane.get("ObjectiveLens NAValue")), "plane ObjectiveLens NAValue"),
                "magnification": (number(plane.get("Magnification")), "plane Magnification"),
            },
        ),
        **_of_scan(common, plane),
        **_of_lasers(settings),
    }
    pinhole_um = _pinhole_um(plane)
    return Metadata(
        MappingProxyType(fields),
        tuple(_of_channel(settings, index, pinhole_um) for index in range(1, channels + 1)),
    )


def _words(text: object) -> str | None:
    """Return a text without repeated blanks, or None where it is empty or says none."""
    words = " ".join(str(text or "").split())
    return words if words and words.lower() not in {"none", "(null)"} else None


def _joined(*parts: object) -> str | None:
    return _words(" ".join(str(part) for part in parts if part))


def _instrument(version: Mapping[str, Any]) -> str | None:
    name = _words(version.get("SystemName"))
    return f"Olympus {name}" if name else None


def _of_image(settings: Mapping[str, Any], common: Mapping[str, Any], image: Mapping[str, Any]) -> dict[str, Sourced]:
    x_um, y_um = (
        _positive(image.get(f"{side}ConvertValue"), _UM.get(str(image.get(f"{side}Unit"))))
        for side in ("Width", "Height")
    )
    bits = number(image.get("ValidBitCounts"))
    return stated(
        "OIB",
        {
            "image_name": (_words(settings.get("File Info", {}).get("DataName")), "DataName"),
            "comment": (_words(settings.get("File Info", {}).get("UserComment")), "UserComment"),
            "acquired_at": (_date(common), "ImageCaputreDate (no time zone)"),  # so spelt in the format
            "pixel_size_um": (x_um, "WidthConvertValue"),
            "pixel_size_y_um": (y_um if y_um != x_um else None, "HeightConvertValue"),
            "bit_depth": (int(bits) if bits else None, "ValidBitCounts"),
        },
    )


def _positive(value: object, scale: float | None) -> float | None:
    found = number(value)
    return round(found * scale, 9) if found and scale and found > 0 else None


def _date(common: Mapping[str, Any]) -> dt.datetime | None:
    text = _words(common.get("ImageCaputreDate"))
    return None if text is None else dt.datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 (it states no zone)


def _of_axes(settings: Mapping[str, Any]) -> dict[str, Sourced]:
    """Read the steps in z and time, which count only where the axis was scanned."""
    steps: dict[str, float | None] = {}
    for index in range(8):
        axis = settings.get(f"Axis {index} Parameters Common", {})
        code = str(axis.get("AxisCode"))
        units = _SECONDS if code == "T" else _UM
        count = number(axis.get("MaxSize")) or 0
        if count > 1:
            steps[code] = _positive(axis.get("Interval"), units.get(str(axis.get("UnitName"))))
    return stated(
        "OIB Axis", {"z_step_um": (steps.get("Z"), "Z Interval"), "time_step_s": (steps.get("T"), "T Interval")}
    )


def _of_scan(common: Mapping[str, Any], plane: Mapping[str, Any]) -> dict[str, Sourced]:
    direction = _words(common.get("ScanDirection"))
    kind, count = _words(common.get("IntegrationType")), number(common.get("IntegrationCount"))
    line_us = number(plane.get("Time Per Line"))
    return stated(
        "OIB",
        {
            "zoom": (number(common.get("ZoomValue")), "ZoomValue"),
            "scan_mode": (_words(common.get("ScanMode")), "ScanMode"),
            "scan_direction": (_DIRECTION.get(direction or "", direction), "ScanDirection"),
            "pixel_dwell_us": (number(plane.get("Time Per Pixel")), "plane Time Per Pixel"),
            "scan_speed": (round(1e6 / line_us, 6) if line_us else None, "plane Time Per Line [lines/s]"),
            "averaging": (int(count) if count and kind == "Frame" else None, "IntegrationCount"),
            "line_averaging": (int(count) if count and kind == "Line" else None, "IntegrationCount"),
        },
    )


def _lasers(settings: Mapping[str, Any]) -> dict[float, float]:
    """Return the transmissivity [%] of each laser line [nm] that was used."""
    common = settings.get("Acquisition Parameters Common", {})
    used = int(number(common.get("Number of use Laser")) or 0)
    found = {}
    for index in range(1, used + 1):
        line, power = (number(common.get(f"Laser{what}{index:02d}")) for what in ("Wavelength", "Transmissivity"))
        if line and power is not None:
            found[line] = power
    return found


def _of_lasers(settings: Mapping[str, Any]) -> dict[str, Sourced]:
    lines = ", ".join(f"{line:g} nm {power:g} %" for line, power in sorted(_lasers(settings).items()))
    return stated("OIB", {"lasers": (lines, "LaserWavelength and LaserTransmissivity")})


def _pinhole_um(plane: Mapping[str, Any]) -> float | None:
    """Return the diameter of the pinhole, which the file has in nanometres."""
    diameter_nm = number(plane.get("PinholeDiameter"))
    return diameter_nm / 1000 if diameter_nm and plane.get("Confocal") == "ON" else None


def _of_channel(settings: Mapping[str, Any], index: int, pinhole_um: float | None) -> dict[str, Sourced]:
    channel = settings.get(f"Channel {index} Parameters", {})
    excitation_nm = number(channel.get("ExcitationWavelength"))
    mode = channel.get("PMTDetectingMode")
    prefix = "Counting" if mode == 1 else "Analog"
    confocal = channel.get("Confocal") == "ON"
    power = _lasers(settings).get(excitation_nm or 0.0)
    return stated(
        f"OIB Channel {index}",
        {
            "name": (_words(channel.get("CH Name")), "CH Name"),
            "dye": (_words(channel.get("DyeName")), "DyeName"),
            "excitation_nm": (excitation_nm or None, "ExcitationWavelength"),
            "emission_nm": (number(channel.get("EmissionWavelength")) or None, "EmissionWavelength"),
            "detection_nm": (_words(channel.get("BF Name")), "BF Name"),
            "detector_type": (_DETECTION.get(mode) if isinstance(mode, int) else None, "PMTDetectingMode"),
            "gain": (_part(channel.get(f"{prefix}PMTGain"), 1000), f"{prefix}PMTGain"),
            "offset": (_part(channel.get(f"{prefix}PMTOffset"), 100), f"{prefix}PMTOffset"),
            "detector_voltage_v": (number(channel.get(f"{prefix}PMTVoltage")) or None, f"{prefix}PMTVoltage"),
            "pinhole_um": (pinhole_um if confocal else None, "plane PinholeDiameter"),
            "laser_line_nm": (excitation_nm if power is not None else None, "LaserWavelength"),
            "laser_power": (power, "LaserTransmissivity"),
            "laser_power_unit": (None if power is None else "%", "LaserTransmissivity"),
        },
    )


def _part(value: object, parts: int) -> float | None:
    """Return a gain or offset, which the main file has in thousandths or hundredths of what the planes say."""
    found = number(value)
    return None if found is None else found / parts
