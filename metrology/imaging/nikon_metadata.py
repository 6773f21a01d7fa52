"""What a Nikon ND2 says, through the structures of nd2 and the text of its settings."""

from __future__ import annotations

import datetime as dt
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from metrology.imaging.fields import number, stated
from metrology.imaging.stack import Metadata, Sourced

if TYPE_CHECKING:
    import nd2

_JULIAN_OF_UNIX = 2440587.5  # Julian day of 1970-01-01T00:00 UTC
_IMMERSION = {1.0: "Air", 1.33: "Water", 1.515: "Oil", 1.518: "Oil"}
_DIRECTION = {"One way": "one way", "Two way": "both ways", "Bidirectional": "both ways"}
_LASER_LINE = re.compile(r"\{Laser Wavelength\}:\s*(?P<line>[\d.]+)\s*\{Laser Power\}:\s*(?P<power>[\d.]+)")
_PMT_LINE = re.compile(r"\{PMT HV\}:\s*(?P<gain>-?[\d.]+)\s*\{PMT Offset\}:\s*(?P<offset>-?[\d.]+)")


def metadata_from_file(opened: nd2.ND2File) -> Metadata:
    """Translate the headers of an ND2.

    Parameters
    ----------
    opened : ND2File
        The open file.

    Returns
    -------
    Metadata
        Fields that the headers state, with their place in them. Settings of lasers and photomultipliers come from the
        text of the settings, and are given to a channel where exactly one laser has its excitation wavelength.
    """
    texts = dict(opened.text_info)
    text = "\n".join(str(texts.get(name, "")) for name in ("description", "capturing"))
    described: Any = opened.metadata
    channels = list(described.channels or ()) if not isinstance(described, dict) else []
    fields = {
        **_of_image(opened, texts, channels),
        **_of_objective(channels),
        **_of_scan(text),
    }
    return Metadata(MappingProxyType(fields), tuple(_of_channel(one, text) for one in channels))


def _of_image(opened: nd2.ND2File, texts: dict[str, Any], channels: list[Any]) -> dict[str, Sourced]:
    x_um = y_um = None
    if channels and channels[0].volume.axesCalibrated[0]:
        calibration, calibrated = channels[0].volume.axesCalibration, channels[0].volume.axesCalibrated
        x_um, y_um, _ = (
            float(size) if known and size > 0 else None for size, known in zip(calibration, calibrated, strict=True)
        )
    loops: dict[str, Any] = {loop.type: loop.parameters for loop in opened.experiment}
    stack, times = loops.get("ZStackLoop"), loops.get("TimeLoop")
    period_ms = getattr(times, "periodMs", None)
    text = str(texts.get("description", ""))
    parts = [_setting(text, r"^\s*Microscope(?: Settings)?:\s*(?:Microscope:\s*)?"), _setting(text, r"Camera Name:\s*")]
    return stated(
        "ND2",
        {
            "acquired_at": (_date(opened, channels), "FrameMetadata absoluteJulianDayNumber"),
            "pixel_size_um": (x_um, "Volume axesCalibration x"),
            "pixel_size_y_um": (y_um if y_um != x_um else None, "Volume axesCalibration y"),
            "z_step_um": (float(stack.stepUm) if stack is not None else None, "ZStackLoop stepUm"),
            "time_step_s": (period_ms / 1000 if period_ms else None, "TimeLoop periodMs"),
            "bit_depth": (opened.attributes.bitsPerComponentSignificant, "Attributes bitsPerComponentSignificant"),
            "instrument_name": (", ".join(part for part in parts if part), "TextInfo Microscope and Camera Name"),
        },
    )


def _date(opened: nd2.ND2File, channels: list[Any]) -> dt.datetime | None:
    """Return when the first frame was taken; the text of the file has the same in local time and the user's order."""
    if not channels:
        return None
    frame: Any = opened.frame_metadata(0)
    day = frame.channels[0].time.absoluteJulianDayNumber if not isinstance(frame, dict) and frame.channels else 0
    if not day or day < _JULIAN_OF_UNIX:
        return None
    stamp = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(days=day - _JULIAN_OF_UNIX)
    return stamp.replace(microsecond=0)  # a day in double precision knows no more than some tens of µs


def _setting(text: str, label: str) -> str | None:
    """Return what follows a label up to the end of its line."""
    found = re.search(label + r"(?P<value>[^\r\n{}]+)", text, re.MULTILINE)
    value = found["value"].strip() if found else ""
    return value if value and value != "None" else None


def _of_objective(channels: list[Any]) -> dict[str, Sourced]:
    if not channels:
        return {}
    lens = channels[0].microscope
    index = lens.immersionRefractiveIndex
    return stated(
        "ND2 Microscope",
        {
            "objective_name": (lens.objectiveName, "objectiveName"),
            "numerical_aperture": (lens.objectiveNumericalAperture or None, "objectiveNumericalAperture"),
            "magnification": (lens.objectiveMagnification or None, "objectiveMagnification"),
            "refractive_index": (index or None, "immersionRefractiveIndex"),
            "immersion": (_IMMERSION.get(index), "immersionRefractiveIndex"),
            "zoom": (lens.zoomMagnification or None, "zoomMagnification"),
        },
    )


def _of_scan(text: str) -> dict[str, Sourced]:
    """Read what the text of a confocal says of the scan."""
    direction, mode = _setting(text, r"\{Scan Direction\}:\s*"), _setting(text, r"\{Line Average Mode\}:\s*")
    lines = number(_setting(text, r"\{Line Average/Integrate Count\}:\s*"))
    averaged = mode is not None and "Average" in mode
    lasers = sorted({(float(found["line"]), float(found["power"])) for found in _LASER_LINE.finditer(text)})
    return stated(
        "ND2 TextInfo",
        {
            "scan_mode": (_setting(text, r"\{Scanner Selection\}:\s*"), "Scanner Selection"),
            "scan_direction": (_DIRECTION.get(direction or "", direction), "Scan Direction"),
            "scan_speed": (number(_setting(text, r"^\s*\{Scan Speed\}:\s*")), "Scan Speed [frames/s]"),
            "pixel_dwell_us": (number(_setting(text, r"\{(?:Pixel )?Dwell Time\}:\s*")), "Dwell Time"),
            "line_averaging": (int(lines) if lines and averaged else None, "Line Average/Integrate Count"),
            "lasers": (", ".join(f"{line:g} nm {power:g} %" for line, power in lasers), "Laser Wavelength and Power"),
        },
    )


def _of_channel(channel: Any, text: str) -> dict[str, Sourced]:
    meta, lens = channel.channel, channel.microscope
    return stated(
        "ND2",
        {
            "name": (meta.name, "Channel name"),
            "excitation_nm": (meta.excitationLambdaNm or None, "Channel excitationLambdaNm"),
            "emission_nm": (meta.emissionLambdaNm or None, "Channel emissionLambdaNm"),
            "pinhole_um": (lens.pinholeDiameterUm or None, "Microscope pinholeDiameterUm"),
            **_of_laser(meta.excitationLambdaNm, text),
        },
    )


def _of_laser(excitation_nm: float | None, text: str) -> dict[str, tuple[Any, str]]:
    """Read the lines of a laser and of the photomultiplier behind it, which the text has one below the other."""
    fitting = {found.groups(): found for found in _LASER_LINE.finditer(text) if float(found["line"]) == excitation_nm}
    if len(fitting) != 1:
        return {}
    laser = next(iter(fitting.values()))
    line_end = text.find("CH", laser.end())
    multiplier = _PMT_LINE.search(text, laser.end(), line_end if line_end >= 0 else len(text))
    found: dict[str, tuple[Any, str]] = {
        "laser_line_nm": (float(laser["line"]), "TextInfo Laser Wavelength"),
        "laser_power": (float(laser["power"]), "TextInfo Laser Power"),
        "laser_power_unit": ("%", "TextInfo Laser Power"),
    }
    if multiplier is not None:
        found["gain"] = (float(multiplier["gain"]), "TextInfo PMT HV")
        found["offset"] = (float(multiplier["offset"]), "TextInfo PMT Offset")
    return found
