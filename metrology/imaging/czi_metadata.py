"""What the XML of a Zeiss CZI says (ImageDocument/Metadata, lengths in metres)."""

from __future__ import annotations

import datetime as dt
import itertools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from metrology.imaging.fields import number, stated
from metrology.imaging.stack import Metadata, Sourced

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_WRITTEN_BEFORE_1900 = 1900  # ZEN writes 0001-01-01 where it knows no date


def metadata_from_xml(root: Element) -> Metadata:
    """Translate the header of a CZI.

    Parameters
    ----------
    root : Element
        `ImageDocument`, or an element that holds it.

    Returns
    -------
    Metadata
        Fields that the header states, with their place in it.
    """
    document = root.find(".//Metadata")
    information = document.find("Information") if document is not None else None
    if document is None or information is None:
        return Metadata()
    image = information.find("Image")
    channels = information.findall("Image/Dimensions/Channels/Channel")
    fields = {
        **_of_image(information, image),
        **_of_scaling(document),
        **_of_instrument(information),
        **_of_objective(information),
        **_of_scan(channels),
    }
    shown = {one.get("Id"): one for one in document.findall("DisplaySetting/Channels/Channel")}
    named = [shown.get(one.get("Id")) for one in channels]
    return Metadata(
        MappingProxyType(fields),
        tuple(_of_channel(one, display, information) for one, display in zip(channels, named, strict=True)),
    )


def _text(owner: Element | None, path: str) -> str | None:
    found = None if owner is None else owner.findtext(path)
    return found.strip() if found and found.strip() else None


def _of_image(information: Element, image: Element | None) -> dict[str, Sourced]:
    bits = number(_text(image, "ComponentBitCount"))
    version = " ".join(
        part for part in (_text(information, "Application/Name"), _text(information, "Application/Version")) if part
    )
    return stated(
        "CZI",
        {
            "image_name": (_text(information, "Document/Title") or _text(information, "Document/Name"), "Document"),
            "acquired_at": (_date(_text(image, "AcquisitionDateAndTime")), "Image AcquisitionDateAndTime"),
            "bit_depth": (int(bits) if bits else None, "Image ComponentBitCount"),
            "time_step_s": (_interval(image), "Dimensions T Interval"),
            "software": (version, "Application"),
        },
    )


def _interval(image: Element | None) -> float | None:
    step = number(_text(image, "Dimensions/T/Positions/Interval/Increment"))
    offsets = _text(image, "Dimensions/T/Positions/List/Offsets")
    if step is None and offsets:
        times = [float(part) for part in offsets.split()]
        steps = {round(later - earlier, 6) for earlier, later in itertools.pairwise(times)}
        return steps.pop() if len(steps) == 1 else None
    return step if step and step > 0 else None


def _date(text: str | None) -> dt.datetime | None:
    """Read a date with seven decimals of a second, in UTC where it ends with Z."""
    if text is None:
        return None
    head, _, tail = text.partition(".")
    zone = "Z" if text.endswith("Z") else ""
    decimals = tail.rstrip("Z")[:6]
    stamp = dt.datetime.fromisoformat(f"{head.rstrip('Z')}{'.' + decimals if decimals.isdigit() else ''}{zone}")
    return stamp if stamp.year >= _WRITTEN_BEFORE_1900 else None


def _of_scaling(document: Element) -> dict[str, Sourced]:
    """Read the pixel sizes; where the file has none it states 0 (or 1 m, in items that are no distances)."""
    um = {axis: (number(_text(document, f"Scaling/Items/Distance[@Id='{axis}']/Value")) or 0) * 1e6 for axis in "XYZ"}
    sizes = {axis: round(size, 9) if size > 0 else None for axis, size in um.items()}
    deep = (number(_text(document, "Information/Image/SizeZ")) or 1) > 1
    return stated(
        "CZI Scaling",
        {
            "pixel_size_um": (sizes["X"], "Distance X"),
            "pixel_size_y_um": (sizes["Y"] if sizes["Y"] != sizes["X"] else None, "Distance Y"),
            "z_step_um": (sizes["Z"] if deep else None, "Distance Z"),
        },
    )


def _of_instrument(information: Element) -> dict[str, Sourced]:
    microscope = information.find("Instrument/Microscopes/Microscope")
    if microscope is None:
        return {}
    maker = [_text(microscope, f"Manufacturer/{part}") for part in ("Manufacturer", "Model")]
    name = " ".join(part for part in maker if part) or _text(microscope, "System") or microscope.get("Name")
    return stated(
        "CZI Microscope",
        {
            "instrument_name": (name, "Manufacturer, System or Name"),
            "instrument_serial": (_text(microscope, "Manufacturer/SerialNumber"), "SerialNumber"),
        },
    )


def _of_objective(information: Element) -> dict[str, Sourced]:
    settings = information.find("Image/ObjectiveSettings")
    reference = settings.find("ObjectiveRef") if settings is not None else None
    wanted = reference.get("Id") if reference is not None else None
    objectives = information.findall("Instrument/Objectives/Objective")
    chosen = [one for one in objectives if one.get("Id") == wanted] or objectives
    objective = chosen[0] if len(chosen) == 1 else None
    index = number(_text(settings, "RefractiveIndex")) or number(_text(objective, "ImmersionRefractiveIndex"))
    name = None if objective is None else _text(objective, "Manufacturer/Model") or objective.get("Name")
    return stated(
        "CZI",
        {
            "objective_name": (name, "Objective Model"),
            "numerical_aperture": (number(_text(objective, "LensNA")), "Objective LensNA"),
            "magnification": (number(_text(objective, "NominalMagnification")), "Objective NominalMagnification"),
            "immersion": (_text(objective, "Immersion"), "Objective Immersion"),
            "refractive_index": (index, "ObjectiveSettings RefractiveIndex"),
        },
    )


def _of_scan(channels: list[Element]) -> dict[str, Sourced]:
    """Read what all channels of a laser scan have in common; what differs between them is not one setting."""
    scans = [scan for scan in (channel.find("LaserScanInfo") for channel in channels) if scan is not None]

    def common(name: str) -> float | None:
        values = {number(_text(scan, name)) for scan in scans}
        return values.pop() if len(values) == 1 else None

    dwell_s, line_s, averaging = common("PixelTime"), common("LineTime"), common("Averaging")
    modes = {_text(scan, "ScanningMode") for scan in scans}
    return stated(
        "CZI LaserScanInfo",
        {
            "zoom": (common("ZoomX"), "ZoomX"),
            "averaging": (int(averaging) if averaging else None, "Averaging"),
            "pixel_dwell_us": (round(dwell_s * 1e6, 6) if dwell_s else None, "PixelTime"),
            "scan_speed": (round(1 / line_s, 6) if line_s else None, "LineTime"),
            "scan_mode": (modes.pop() if len(modes) == 1 else None, "ScanningMode"),
        },
    )


def _of_channel(channel: Element, shown: Element | None, information: Element) -> dict[str, Sourced]:
    settings = channel.find("DetectorSettings")
    reference = None if settings is None else settings.find("Detector")
    wanted = None if reference is None else reference.get("Id")
    detector = next(
        (one for one in information.findall("Instrument/Detectors/Detector") if one.get("Id") == wanted), None
    )
    exposure_ns = number(_text(channel, "ExposureTime"))
    pinhole_m = number(_text(channel, "PinholeSize"))
    name = channel.get("Name") or (shown.get("Name") if shown is not None else None)
    model = None if detector is None else _text(detector, "Manufacturer/Model") or detector.get("Name")
    return stated(
        "CZI",
        {
            "name": (name, "Channel Name" if channel.get("Name") else "DisplaySetting Channel Name"),
            "dye": (_text(channel, "Fluor"), "Channel Fluor"),
            "excitation_nm": (number(_text(channel, "ExcitationWavelength")), "Channel ExcitationWavelength"),
            "emission_nm": (number(_text(channel, "EmissionWavelength")), "Channel EmissionWavelength"),
            "detection_nm": (_text(channel, "DetectionWavelength/Ranges"), "Channel DetectionWavelength Ranges"),
            "detector_name": (model, "Detector Model"),
            "detector_type": (_text(detector, "Type"), "Detector Type"),
            "gain": (number(_text(settings, "Gain")), "DetectorSettings Gain"),
            "digital_gain": (number(_text(settings, "DigitalGain")), "DetectorSettings DigitalGain"),
            "offset": (number(_text(settings, "Offset")), "DetectorSettings Offset"),
            "detector_voltage_v": (number(_text(settings, "Voltage")), "DetectorSettings Voltage"),
            "binning": (_text(settings, "Binning"), "DetectorSettings Binning"),
            "pinhole_au": (number(_text(channel, "PinholeSizeAiry")), "Channel PinholeSizeAiry"),
            "pinhole_um": (round(pinhole_m * 1e6, 6) if pinhole_m else None, "Channel PinholeSize"),
            "exposure_ms": (exposure_ns / 1e6 if exposure_ns else None, "Channel ExposureTime"),
            **_of_light(channel, information),
        },
    )


def _of_light(channel: Element, information: Element) -> dict[str, tuple[Any, str]]:
    """Read the light of a channel where it is a single source: its line, and how much of it is let through."""
    lights = channel.findall("LightSourcesSettings/LightSourceSettings")
    if len(lights) != 1:
        return {}
    light = lights[0]
    reference = light.find("LightSource")
    wanted = None if reference is None else reference.get("Id")
    sources = information.findall("Instrument/LightSources/LightSource")
    source = next((one for one in sources if one.get("Id") == wanted), None)
    line_nm = number(_text(light, "Wavelength")) or number(_text(source, "LightSourceType/Laser/Wavelength"))
    let_through = _text(light, "Intensity")
    percent = number(let_through.removesuffix("%")) if let_through and let_through.endswith("%") else None
    attenuation = number(_text(light, "Attenuation"))
    power, place = (percent, "LightSourceSettings Intensity") if percent is not None else (None, "")
    if power is None and attenuation is not None:
        power, place = round(100 * (1 - attenuation), 9), "LightSourceSettings Attenuation"
    return {
        "light_source": (None if source is None else (source.get("Name") or "").strip(), "LightSource Name"),
        "laser_line_nm": (line_nm, "LightSourceSettings Wavelength"),
        "laser_power": (power, place),
        "laser_power_unit": (None if power is None else "%", place),
    }
