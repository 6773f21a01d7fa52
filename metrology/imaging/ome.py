"""What an OME-XML header says (OME data model 2016-06, https://docs.openmicroscopy.org/ome-model/)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import ome_types
import pydantic
from xsdata_pydantic_basemodel.bindings import XmlContext

from common.errors import UnreadableImageError
from metrology.imaging.stack import Metadata, Sourced
from metrology.imaging.tiff import refuse_entities

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
    refuse_entities(xml)
    try:
        ome = ome_types.from_xml(xml, validate=False, parser_kwargs={"context": _SCHEMA})
    except (ValueError, TypeError, KeyError, AttributeError, SyntaxError, pydantic.ValidationError) as error:
        raise UnreadableImageError(
            "The OME-XML header of the file is damaged.",
            hint="Export the image again as OME-TIFF.",
            reason=str(error)[:200],
        ) from error
    if not ome.images:
        return Metadata()
    image = ome.images[0]
    instrument = _instrument(ome, image)
    fields = {**_of_image(image), **_of_instrument(instrument), **_of_objective(image, instrument)}
    if len(ome.images) > 1:
        fields["images_in_file"] = Sourced(len(ome.images), "OME-XML Image")
    channels = tuple(_of_channel(channel, instrument) for channel in image.pixels.channels)
    return Metadata(MappingProxyType(fields), channels)


def _stated(pairs: Mapping[str, tuple[Any, str]]) -> dict[str, Sourced]:
    """Keep what is stated and name its place."""
    return {
        name: Sourced(value, f"OME-XML {place}") for name, (value, place) in pairs.items() if value not in {None, ""}
    }


# lengths as the OME schema spells them, in µm
_SCALE_TO_UM = {"m": 1e6, "cm": 1e4, "mm": 1e3, "µm": 1.0, "nm": 1e-3, "pm": 1e-6, "Å": 1e-4, "in": 25400.0}


def _um(owner: Any, name: str) -> float | None:
    """Return a length of an OME element [µm], or None where it is left out, not positive or given in pixels."""
    length = getattr(owner, name)
    scale = _SCALE_TO_UM.get(getattr(owner, f"{name}_unit").value)
    return None if length is None or scale is None or length <= 0 else round(float(length) * scale, 12)


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
            "bit_depth": (pixels.significant_bits, "SignificantBits"),
        }
    )


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


def _of_channel(channel: Any, instrument: Any) -> dict[str, Sourced]:
    settings = channel.detector_settings
    detectors = [one for one in getattr(instrument, "detectors", ()) if settings and one.id == settings.id]
    detector = detectors[0] if detectors else None
    light = channel.light_source_settings
    sources = [one for one in getattr(instrument, "lasers", ()) if light and one.id == light.id]
    return _stated(
        {
            "name": (channel.name, "Channel Name"),
            "excitation_nm": (_nm(channel, "excitation_wavelength"), "Channel ExcitationWavelength"),
            "emission_nm": (_nm(channel, "emission_wavelength"), "Channel EmissionWavelength"),
            "pinhole_um": (_um(channel, "pinhole_size"), "Channel PinholeSize"),
            "detector_name": (getattr(detector, "model", None), "Detector Model"),
            "detector_type": (detector.type.value if detector and detector.type else None, "Detector Type"),
            "gain": (getattr(settings, "gain", None), "DetectorSettings Gain"),
            "offset": (getattr(settings, "offset", None), "DetectorSettings Offset"),
            "laser_power": (getattr(sources[0], "power", None) if sources else None, "Laser Power"),
        }
    )
