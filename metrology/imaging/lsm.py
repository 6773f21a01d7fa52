"""What a Zeiss LSM file says (CZ_LSMINFO, tag 34412, as tifffile decodes it)."""

from __future__ import annotations

import datetime as dt
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from metrology.imaging.stack import Metadata, Sourced

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# "Plan-Apochromat 63x/1.4 Oil DIC": magnification, numerical aperture, immersion as Zeiss engraves them
_OBJECTIVE = re.compile(
    r"(?P<magnification>\d+(?:\.\d+)?)x/(?P<na>\d(?:\.\d+)?)\s*(?P<immersion>Oil|W|Imm|Glyc)?", re.IGNORECASE
)
_DIRECTION = {0: "one way", 1: "both ways"}
_IMMERSION = {"oil": "Oil", "w": "Water", "imm": "Multi", "glyc": "Glycerol"}
# days are counted from here in Microsoft's OLE automation dates, which "Sample 0 time" uses
_OLE_EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001 (the file does not state a time zone)


def metadata_from_info(info: Mapping[str, Any]) -> Metadata:
    """Translate the header of an LSM file.

    Parameters
    ----------
    info : mapping
        `TiffFile.lsm_metadata`: lengths in metres, settings under `ScanInformation`.

    Returns
    -------
    Metadata
        Fields that the header states, with their place in it.
    """
    scan = info.get("ScanInformation") or {}
    tracks = [track for track in scan.get("Tracks", ()) if track.get("Acquire", 1)]
    fields = {**_lengths(info), **_of_scan(scan), **_of_tracks(tracks), **_of_lasers(tracks)}
    return Metadata(MappingProxyType(fields), tuple(_channels(info, tracks)))


def _stated(source: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Sourced]:
    """Pick keys that hold something and name their place."""
    return {
        name: Sourced(source[key], f"LSM {key}")
        for name, key in names.items()
        if key in source and source[key] not in {"", None}
    }


def _lengths(info: Mapping[str, Any]) -> dict[str, Sourced]:
    um = {axis: float(info.get(f"VoxelSize{axis}") or 0) * 1e6 for axis in "XYZ"}
    fields = {}
    if um["X"] > 0:
        fields["pixel_size_um"] = Sourced(round(um["X"], 9), "LSM VoxelSizeX")
    if um["Y"] > 0 and um["Y"] != um["X"]:
        fields["pixel_size_y_um"] = Sourced(round(um["Y"], 9), "LSM VoxelSizeY")
    if um["Z"] > 0 and info.get("DimensionZ", 1) > 1:
        fields["z_step_um"] = Sourced(round(um["Z"], 9), "LSM VoxelSizeZ")
    if info.get("DimensionTime", 1) > 1 and float(info.get("TimeIntervall") or 0) > 0:  # so spelt in the format
        fields["time_step_s"] = Sourced(float(info["TimeIntervall"]), "LSM TimeIntervall")
    return fields


def _of_scan(scan: Mapping[str, Any]) -> dict[str, Sourced]:
    fields = _stated(scan, {"image_name": "Name", "objective_name": "Objective", "zoom": "ZoomX"})
    if scan.get("ScanDirection") in _DIRECTION:
        fields["scan_direction"] = Sourced(_DIRECTION[scan["ScanDirection"]], "LSM ScanDirection")
    days = scan.get("Sample0time")
    if days:
        acquired_at = _OLE_EPOCH + dt.timedelta(days=float(days))
        fields["acquired_at"] = Sourced(acquired_at.replace(microsecond=0), "LSM Sample0time (no time zone)")
    engraved = _OBJECTIVE.search(str(scan.get("Objective", "")))
    if engraved:
        fields["magnification"] = Sourced(float(engraved["magnification"]), "LSM Objective, as engraved")
        fields["numerical_aperture"] = Sourced(float(engraved["na"]), "LSM Objective, as engraved")
    if engraved and engraved["immersion"]:
        immersion = _IMMERSION[engraved["immersion"].lower()]
        fields["immersion"] = Sourced(immersion, "LSM Objective, as engraved")
    return fields


def _of_tracks(tracks: list[Mapping[str, Any]]) -> dict[str, Sourced]:
    fields = _stated(tracks[0], {"averaging": "SamplingNumber", "pixel_dwell_us": "PixelTime"}) if tracks else {}
    bits = {channel.get("BitsPerSample") for track in tracks for channel in track.get("DataChannels", ())} - {None, 0}
    if len(bits) == 1:
        fields["bit_depth"] = Sourced(int(bits.pop()), "LSM BitsPerSample")
    return fields


def _lines(track: Mapping[str, Any]) -> list[tuple[float, float | None]]:
    """Return the wavelength [nm] and the power [%], where stated, of each laser line that was on in a track."""
    return [
        (float(line["Wavelength"]), float(line["Power"]) if "Power" in line else None)
        for line in track.get("IlluminationChannels", ())
        if line.get("Aquire", 1) and line.get("Wavelength")  # "Aquire": so spelt in the format
    ]


def _of_lasers(tracks: list[Mapping[str, Any]]) -> dict[str, Sourced]:
    lines = sorted({line for track in tracks for line in _lines(track)}, key=lambda line: line[0])
    text = ", ".join(f"{line:g} nm" + ("" if power is None else f" {power:g} %") for line, power in lines)
    return {"lasers": Sourced(text, "LSM IlluminationChannel Wavelength and Power")} if text else {}


def _channels(info: Mapping[str, Any], tracks: list[Mapping[str, Any]]) -> Iterable[dict[str, Sourced]]:
    """Yield the settings of each recorded channel, in the order of the tracks."""
    names = (info.get("ChannelColors") or {}).get("ColorNames", ())
    recorded = [(track, one) for track in tracks for one in track.get("DetectionChannels", ()) if one.get("Acquire", 1)]
    for index in range(max(len(recorded), len(names))):
        fields = {"name": Sourced(names[index], "LSM ChannelColors")} if index < len(names) else {}
        if index < len(recorded):
            fields |= _of_channel(*recorded[index])
        yield fields


def _of_channel(track: Mapping[str, Any], channel: Mapping[str, Any]) -> dict[str, Sourced]:
    fields = _stated(
        channel,
        {
            "name": "ChannelName",
            "dye": "DyeName",
            "detector_name": "PointDetectorName",
            "gain": "DetectorGainFirst",
            "offset": "AmplifierOffsFirst",
        },
    )
    if channel.get("PinholeDiameter"):
        fields["pinhole_um"] = Sourced(round(float(channel["PinholeDiameter"]) * 1e6, 6), "LSM PinholeDiameter")
    start, stop = (round(float(channel.get(f"SpiWavelength{end}") or 0), 1) for end in ("Start", "Stop"))
    if 0 < start < stop:
        fields["detection_nm"] = Sourced(f"{start:g}-{stop:g}", "LSM SpiWavelengthStart and Stop")
    lines = _lines(track)
    if len(lines) == 1:
        line_nm, power = lines[0]
        fields["excitation_nm"] = fields["laser_line_nm"] = Sourced(line_nm, "LSM IlluminationChannel Wavelength")
        if power is not None:
            fields["laser_power"] = Sourced(power, "LSM IlluminationChannel Power [%]")
            fields["laser_power_unit"] = Sourced("%", "LSM IlluminationChannel Power")
    return fields
