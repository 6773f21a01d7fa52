"""What the XML of a Leica LIF, LOF or XLEF says about one of its images (lengths in metres)."""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from metrology.imaging.fields import number, stated
from metrology.imaging.stack import Metadata, Sourced

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_FILETIME_EPOCH = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)  # Windows FILETIME counts 100 ns from here, in UTC
_AXES = {"1": "x", "2": "y", "3": "z", "4": "t"}  # DimID
_DIRECTION = {"Unidirectional": "one way", "Bidirectional": "both ways"}


def metadata_from_element(element: Element) -> Metadata:
    """Translate the header of one image.

    Parameters
    ----------
    element : Element
        `Element` of the image, with its `Data/Image`.

    Returns
    -------
    Metadata
        Fields that the header states, with their place in it. Gain, offset and laser power are given where a single
        detector or laser line was active for the channel.
    """
    image = element.find("Data/Image")
    if image is None:
        return Metadata()
    hardware = image.find("Attachment[@Name='HardwareSetting']")
    scan = hardware.find("ATLConfocalSettingDefinition") if hardware is not None else None
    camera = hardware.find("ATLCameraSettingDefinition") if hardware is not None else None
    settings = scan if scan is not None else camera
    fields = {
        **stated(
            "LIF", {"image_name": (element.get("Name"), "Element Name"), "acquired_at": (_date(image), "TimeStampList")}
        ),
        **_of_dimensions(image),
        **_of_depth(image),
        **_of_instrument(hardware, settings),
        **_of_scan(scan),
        **_of_lasers(scan),
    }
    return Metadata(MappingProxyType(fields), tuple(_channels(image, scan)))


def _date(image: Element) -> dt.datetime | None:
    """Read when the first frame was taken, from hexadecimal words or from halves of a FILETIME."""
    stamps = image.find("TimeStampList")
    ticks = 0
    if stamps is not None and stamps.text and stamps.text.strip():
        ticks = int(stamps.text.split()[0], 16)
    elif stamps is not None and stamps.find("TimeStamp") is not None:
        first = stamps.find("TimeStamp")
        high, low = (
            (int(first.get(half, "0")) for half in ("HighInteger", "LowInteger")) if first is not None else (0, 0)
        )
        ticks = (high << 32) + low
    return _FILETIME_EPOCH + dt.timedelta(microseconds=ticks // 10) if ticks > 0 else None


def _of_dimensions(image: Element) -> dict[str, Sourced]:
    """Read the distance of neighbours along each axis: the length is from the first to the last."""
    steps: dict[str, float] = {}
    for one in image.findall("ImageDescription/Dimensions/DimensionDescription"):
        axis, count = _AXES.get(one.get("DimID", "")), int(one.get("NumberOfElements", "1"))
        length = number(one.get("Length"))
        unit = {"m": 1e6, "s": 1.0}.get(one.get("Unit", ""))
        if axis and count > 1 and length and unit:
            steps[axis] = round(abs(length) * unit / (count - 1), 9)
    return stated(
        "LIF Dimension",
        {
            "pixel_size_um": (steps.get("x"), "x Length"),
            "pixel_size_y_um": (steps.get("y") if steps.get("y") != steps.get("x") else None, "y Length"),
            "z_step_um": (steps.get("z"), "z Length"),
            "time_step_s": (steps.get("t"), "t Length"),
        },
    )


def _of_depth(image: Element) -> dict[str, Sourced]:
    depths = {int(one.get("Resolution", "0")) for one in image.findall("ImageDescription/Channels/ChannelDescription")}
    return stated("LIF", {"bit_depth": (depths.pop() if len(depths) == 1 else None, "ChannelDescription Resolution")})


def _of_instrument(hardware: Element | None, settings: Element | None) -> dict[str, Sourced]:
    if hardware is None or settings is None:
        return {}
    name = " ".join(part for part in (hardware.get("SystemTypeName"), settings.get("MicroscopeModel")) if part)
    objective = " ".join(settings.get("ObjectiveName", "").split())
    return stated(
        "LIF HardwareSetting",
        {
            "instrument_name": (f"Leica {name}" if name else None, "SystemTypeName and MicroscopeModel"),
            "instrument_serial": (settings.get("SystemSerialNumber"), "SystemSerialNumber"),
            "software": (hardware.get("Software"), "Software"),
            "objective_name": (objective, "ObjectiveName"),
            "numerical_aperture": (number(settings.get("NumericalAperture")), "NumericalAperture"),
            "magnification": (number(settings.get("Magnification")), "Magnification"),
            "immersion": (_immersion(settings.get("Immersion")), "Immersion"),
            "refractive_index": (number(settings.get("RefractionIndex")), "RefractionIndex"),
        },
    )


def _immersion(word: str | None) -> str | None:
    """Return the immersion as the other formats spell it."""
    return {"DRY": "Air", "OIL": "Oil", "WATER": "Water", "GLYC": "Glycerol", "IMM": "Multi"}.get(
        (word or "").upper(), word
    )


def _of_scan(scan: Element | None) -> dict[str, Sourced]:
    if scan is None:
        return {}
    dwell_s = number(scan.get("PixelDwellTime"))
    averaging, lines = (number(scan.get(name)) for name in ("FrameAverage", "LineAverage"))
    direction = scan.get("ScanDirectionXName")
    return stated(
        "LIF HardwareSetting",
        {
            "zoom": (number(scan.get("Zoom")), "Zoom"),
            "averaging": (int(averaging) if averaging else None, "FrameAverage"),
            "line_averaging": (int(lines) if lines else None, "LineAverage"),
            "scan_speed": (number(scan.get("ScanSpeed")), "ScanSpeed [lines/s]"),
            "scan_direction": (_DIRECTION.get(direction or "", direction), "ScanDirectionXName"),
            "scan_mode": (scan.get("ScanMode"), "ScanMode"),
            "pixel_dwell_us": (round(dwell_s * 1e6, 6) if dwell_s else None, "PixelDwellTime"),
        },
    )


def _active_lines(scan: Element) -> list[tuple[float, float]]:
    """Return the wavelength [nm] and power [%] of each laser line that was on."""
    lines = [
        (number(one.get("LaserLine")) or 0.0, number(one.get("IntensityDev")) or 0.0)
        for one in scan.findall("AotfList/Aotf/LaserLineSetting")
        if one.get("IsLineChecked", "1") == "1"
    ]
    return sorted({(line, power) for line, power in lines if line > 0 and power > 0})


def _of_lasers(scan: Element | None) -> dict[str, Sourced]:
    lines = _active_lines(scan) if scan is not None else []
    text = ", ".join(f"{line:g} nm {power:.4g} %" for line, power in lines)
    return stated("LIF HardwareSetting", {"lasers": (text, "AotfList LaserLineSetting")})


def _channels(image: Element, scan: Element | None) -> list[dict[str, Sourced]]:
    """Return the settings of each channel, matched with its detector where their numbers agree."""
    descriptions = image.findall("ImageDescription/Channels/ChannelDescription")
    detectors = (
        [] if scan is None else [one for one in scan.findall("DetectorList/Detector") if one.get("IsActive") == "1"]
    )
    matched = detectors if len(detectors) == len(descriptions) else [None] * len(descriptions)
    lines = _active_lines(scan) if scan is not None else []
    shared: dict[str, tuple[Any, str]] = {}
    if scan is not None:
        pinhole_m = number(scan.get("Pinhole"))
        shared = {
            "pinhole_au": (number(scan.get("PinholeAiry")), "HardwareSetting PinholeAiry"),
            "pinhole_um": (round(pinhole_m * 1e6, 6) if pinhole_m else None, "HardwareSetting Pinhole"),
        }
    if len(lines) == 1:
        shared["laser_line_nm"] = shared["excitation_nm"] = (lines[0][0], "HardwareSetting LaserLine")
        shared["laser_power"] = (round(lines[0][1], 6), "HardwareSetting IntensityDev")
        shared["laser_power_unit"] = ("%", "HardwareSetting IntensityDev")
    return [
        stated(
            "LIF",
            {
                "name": (_name(one), "ChannelDescription ChannelName or LUTName"),
                **_of_detector(detector, scan),
                **shared,
            },
        )
        for one, detector in zip(descriptions, matched, strict=True)
    ]


def _name(description: Element) -> str | None:
    """Return the name of a channel, or of the colour that it is shown in."""
    for one in description.findall("ChannelProperty"):
        if one.findtext("Key") == "ChannelName" and one.findtext("Value"):
            return one.findtext("Value")
    return description.get("LUTName")


def _of_detector(detector: Element | None, scan: Element | None) -> dict[str, tuple[Any, str]]:
    if detector is None or scan is None:
        return {}
    band = scan.find(f"Spectro/MultiBand[@Channel='{detector.get('Channel')}']")
    edges = [] if band is None else [number(band.get(f"TargetWaveLength{end}")) for end in ("Begin", "End")]
    detected = "-".join(f"{edge:.0f}" for edge in edges if edge)
    return {
        "detector_name": (detector.get("Name"), "Detector Name"),
        "detector_type": (detector.get("Type"), "Detector Type"),
        "gain": (number(detector.get("Gain")), "Detector Gain"),
        "offset": (number(detector.get("Offset")), "Detector Offset"),
        "dye": (None if band is None else band.get("DyeName"), "MultiBand DyeName"),
        "detection_nm": (detected, "MultiBand TargetWaveLength"),
    }
