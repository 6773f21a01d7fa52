"""What an OME-XML header says (OME data model 2016-06, https://docs.openmicroscopy.org/ome-model/)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import ome_types
import pydantic
from xsdata_pydantic_basemodel.bindings import XmlContext

from common.errors import UnreadableImageError
from metrology.imaging.fields import stated
from metrology.imaging.stack import Metadata, Sourced
from metrology.imaging.trust import refuse_entities

if TYPE_CHECKING:
    from collections.abc import Mapping


# what the parser works out of the schema's classes, once a process instead of once a file
_SCHEMA = XmlContext()


def metadata_from_xml(xml: str) -> Metadata:
    """Read the first image of an OME-XML header.

    Parameters
    ----------
    xml : str
        The header, as it stands in the ImageDescription of an OME-TIFF.

    Returns
    -------
    Metadata
        Fields that the header states, with their place in it.

    Raises
    ------
    UnreadableImageError
        The header defines entities (they can be made to exhaust memory), or is not OME-XML.
    """
    ome = _parsed(xml)
    if not ome.images:
        return Metadata()
    image = ome.images[0]
    instrument = _instrument(ome, image)
    fields = {**_of_image(image), **_of_instrument(instrument), **_of_objective(image, instrument)}
    channels = tuple(
        _of_channel(channel, instrument, image.pixels.planes, index)
        for index, channel in enumerate(image.pixels.channels)
    )
    averaged = {channel["averaging"].value for channel in channels if "averaging" in channel}
    if len(averaged) == 1:
        fields["averaging"] = Sourced(averaged.pop(), "OME-XML DetectorSettings Integration")
    return Metadata(MappingProxyType(fields), channels)


def positions_from_xml(xml: str) -> list[tuple[float, float]] | None:
    """Read where each image of an OME-XML header lies beside the others.

    Parameters
    ----------
    xml : str
        The header.

    Returns
    -------
    list of (y, x) or None
        Position of the stage for each image [µm], or None where one does not say it in a unit of length. The wells of
        a plate, where each has one image, stand one whole image apart: in steps so long that none overlap.

    Raises
    ------
    UnreadableImageError
        As `metadata_from_xml`.
    """
    ome = _parsed(xml)
    found = [_position(image) for image in ome.images]
    if all(position is not None for position in found):
        return [position for position in found if position is not None]
    return _wells(ome)


def _parsed(xml: str) -> Any:
    refuse_entities(xml)
    try:
        return ome_types.from_xml(xml, validate=False, parser_kwargs={"context": _SCHEMA})
    except (ValueError, TypeError, KeyError, AttributeError, SyntaxError, pydantic.ValidationError) as error:
        raise UnreadableImageError(
            "The OME-XML header of the file is damaged.",
            hint="Export the image again as OME-TIFF.",
            reason=str(error)[:200],
        ) from error


def _position(image: Any) -> tuple[float, float] | None:
    """Return where the stage stood for an image (y, x) [µm], by its first plane or else its label."""
    owners = [(one, "position_") for one in image.pixels.planes[:1]] + [(image.stage_label, "")]
    for owner, prefix in owners:
        y_um, x_um = (_length_um(owner, f"{prefix}{axis}") for axis in "yx")
        if y_um is not None and x_um is not None:
            return y_um, x_um
    return None


def _wells(ome: Any) -> list[tuple[float, float]] | None:
    """Return the places of the wells of the only plate, as if they were far apart, or None."""
    places: dict[str, tuple[float, float]] = {}
    for well in ome.plates[0].wells if len(ome.plates) == 1 else ():
        if len(well.well_samples) == 1 and well.well_samples[0].image_ref is not None:
            places[well.well_samples[0].image_ref.id] = (well.row * _WELL_STEP_UM, well.column * _WELL_STEP_UM)
    if len(places) != len(ome.images) or any(image.id not in places for image in ome.images):
        return None
    return [places[image.id] for image in ome.images]


def _stated(pairs: Mapping[str, tuple[Any, str]]) -> dict[str, Sourced]:
    """Keep what is stated and name its place."""
    return stated("OME-XML", pairs)


# lengths as the OME schema spells them, in µm
_SCALE_TO_MS = {"s": 1000.0, "ms": 1.0, "µs": 1e-3, "min": 60000.0}
_WELL_STEP_UM = 1e6  # farther apart than any field is wide: only the order of wells is known
_SCALE_TO_UM = {"m": 1e6, "cm": 1e4, "mm": 1e3, "µm": 1.0, "nm": 1e-3, "pm": 1e-6, "Å": 1e-4, "in": 25400.0}


def _length_um(owner: Any, name: str) -> float | None:
    """Return a length of an OME element [µm], or None where it is left out or given in pixels or unknown units."""
    length = getattr(owner, name, None)
    scale = None if length is None else _SCALE_TO_UM.get(getattr(owner, f"{name}_unit").value)
    return None if length is None or scale is None else round(float(length) * scale, 12)


def _um(owner: Any, name: str) -> float | None:
    """Return a size of an OME element [µm], or None where it is left out, not positive or given in pixels."""
    length_um = _length_um(owner, name)
    return None if length_um is None or length_um <= 0 else length_um


def _nm(owner: Any, name: str) -> float | None:
    """Return a wavelength of an OME element [nm]."""
    length_um = _um(owner, name)
    return None if length_um is None else round(length_um * 1000, 9)


def _of_image(image: Any) -> dict[str, Sourced]:
    pixels = image.pixels
    x_um, y_um = _um(pixels, "physical_size_x"), _um(pixels, "physical_size_y")
    return _stated(
        {
            "image_name": (image.name, "Image Name"),
            "acquired_at": (image.acquisition_date, "AcquisitionDate"),
            "pixel_size_um": (x_um, "PhysicalSizeX"),
            "pixel_size_y_um": (None if y_um == x_um else y_um, "PhysicalSizeY"),
            "z_step_um": (_um(pixels, "physical_size_z"), "PhysicalSizeZ"),
            "time_step_s": (_seconds(pixels), "TimeIncrement"),
            "bit_depth": (pixels.significant_bits, "SignificantBits"),
        }
    )


def _seconds(pixels: Any) -> float | None:
    step = pixels.time_increment
    scale = None if step is None else _SCALE_TO_MS.get(pixels.time_increment_unit.value)
    return None if step is None or scale is None else float(step) * scale / 1000


def _instrument(ome: Any, image: Any) -> Any:
    """Return the instrument that the image refers to, else the only one there is."""
    wanted = image.instrument_ref.id if image.instrument_ref else None
    chosen = [one for one in ome.instruments if one.id == wanted] or ome.instruments
    return chosen[0] if len(chosen) == 1 else None


def _of_instrument(instrument: Any) -> dict[str, Sourced]:
    microscope = getattr(instrument, "microscope", None)
    if microscope is None:
        return {}
    name = " ".join(part for part in (microscope.manufacturer, microscope.model) if part)
    return _stated(
        {
            "instrument_name": (name, "Microscope Manufacturer and Model"),
            "instrument_serial": (microscope.serial_number, "Microscope SerialNumber"),
        }
    )


def _of_objective(image: Any, instrument: Any) -> dict[str, Sourced]:
    settings = image.objective_settings
    objectives = list(getattr(instrument, "objectives", ()))
    chosen = [one for one in objectives if settings and one.id == settings.id] or objectives
    index = {"refractive_index": (getattr(settings, "refractive_index", None), "ObjectiveSettings RefractiveIndex")}
    if len(chosen) != 1:
        return _stated(index)
    objective = chosen[0]
    return _stated(
        {
            "objective_name": (objective.model, "Objective Model"),
            "numerical_aperture": (objective.lens_na, "Objective LensNA"),
            "magnification": (objective.nominal_magnification, "Objective NominalMagnification"),
            "immersion": (objective.immersion.value if objective.immersion else None, "Objective Immersion"),
            **index,
        }
    )


def _of_channel(channel: Any, instrument: Any, planes: list[Any], index: int) -> dict[str, Sourced]:
    settings = channel.detector_settings
    detectors = [one for one in getattr(instrument, "detectors", ()) if settings and one.id == settings.id]
    detector = detectors[0] if detectors else None
    exposed = [one for one in planes if one.the_c == index and one.exposure_time is not None][:1]
    exposures_ms = [float(one.exposure_time) * _SCALE_TO_MS.get(one.exposure_time_unit.value, 0) for one in exposed]
    binning = settings.binning if settings else None
    return _stated(
        {
            "name": (channel.name, "Channel Name"),
            "dye": (channel.fluor, "Channel Fluor"),
            "excitation_nm": (_nm(channel, "excitation_wavelength"), "Channel ExcitationWavelength"),
            "emission_nm": (_nm(channel, "emission_wavelength"), "Channel EmissionWavelength"),
            "pinhole_um": (_um(channel, "pinhole_size"), "Channel PinholeSize"),
            "detector_name": (getattr(detector, "model", None), "Detector Model"),
            "detector_type": (detector.type.value if detector and detector.type else None, "Detector Type"),
            "gain": (getattr(settings, "gain", None), "DetectorSettings Gain"),
            "offset": (getattr(settings, "offset", None), "DetectorSettings Offset"),
            "detector_voltage_v": (_voltage(settings), "DetectorSettings Voltage"),
            "binning": (binning.value if binning else None, "DetectorSettings Binning"),
            "averaging": (getattr(settings, "integration", None), "DetectorSettings Integration"),
            "exposure_ms": (next((one for one in exposures_ms if one > 0), None), "Plane ExposureTime"),
            **_of_light(channel, instrument),
        }
    )


def _of_light(channel: Any, instrument: Any) -> dict[str, tuple[Any, str]]:
    """Read the laser of a channel: its line, its power and how far that is attenuated."""
    light = channel.light_source_settings
    sources = [one for one in getattr(instrument, "lasers", ()) if light and one.id == light.id]
    if not sources:
        return {}
    laser = sources[0]
    line = _nm(light, "wavelength") or _nm(laser, "wavelength")
    return {
        "laser_line_nm": (line, "Laser Wavelength"),
        "laser_power": (laser.power, "Laser Power"),
        "laser_power_unit": (None if laser.power is None else laser.power_unit.value, "Laser PowerUnit"),
        "laser_attenuation": (light.attenuation, "LightSourceSettings Attenuation"),
    }


def _voltage(settings: Any) -> float | None:
    voltage = getattr(settings, "voltage", None)
    return voltage if voltage is not None and settings.voltage_unit.value == "V" else None
