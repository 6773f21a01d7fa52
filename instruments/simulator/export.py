"""Simulated acquisitions as OME-TIFF files, with the metadata that a real microscope writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tifffile
from ome_types import OME, model

from common.errors import StorageError
from instruments.optics.resolution import NM_PER_UM, Technique

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from instruments.simulator.acquisition import Acquired, ChannelSettings
    from instruments.simulator.fleet import InstrumentPlan

_ACQUISITION_MODE = {
    Technique.WIDEFIELD: model.Channel_AcquisitionMode.WIDE_FIELD,
    Technique.CONFOCAL: model.Channel_AcquisitionMode.LASER_SCANNING_CONFOCAL_MICROSCOPY,
    Technique.TWO_PHOTON: model.Channel_AcquisitionMode.MULTI_PHOTON_MICROSCOPY,
}


def write_ome_tiff(
    acquired: Acquired, path: Path, *, instrument: InstrumentPlan, label: str, acquired_at: datetime
) -> None:
    """Write an acquisition as the microscope would have saved it.

    Parameters
    ----------
    acquired : Acquired
        Counts and settings; its truth is not written.
    path : Path
        Target, usually ending with `.ome.tif`; it appears whole or not at all, and replaces what was there.
    instrument : InstrumentPlan
        Stand, objective, laser, detectors.
    label : str
        Name of the image.
    acquired_at : datetime
        Moment of acquisition.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    description = ome_metadata(acquired, instrument=instrument, label=label, acquired_at=acquired_at).to_xml()
    channels, planes, rows, columns = acquired.planes.shape
    unfinished = path.with_name(f".{path.name}.part")
    try:
        tifffile.imwrite(
            unfinished,
            acquired.planes.reshape(channels * planes, rows, columns),
            photometric="minisblack",
            compression="zlib",
            predictor=True,
            description=description.encode(),
            metadata=None,
            resolution=(1e4 / acquired.pixel_size_um, 1e4 / acquired.pixel_size_um),
            resolutionunit="CENTIMETER",
        )
        unfinished.replace(path)
    except OSError as error:
        raise StorageError(
            f"The image {path.name} could not be written: {error.strerror or error}.",
            hint="Free some space or choose a folder that can be written to, then try again.",
            file=path.name,
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def ome_metadata(acquired: Acquired, *, instrument: InstrumentPlan, label: str, acquired_at: datetime) -> OME:
    """Describe an acquisition in the Open Microscopy Environment's model.

    Parameters
    ----------
    acquired : Acquired
        Counts and settings.
    instrument : InstrumentPlan
        Stand, objective, laser, detectors.
    label : str
        Name of the image.
    acquired_at : datetime
        Moment of acquisition.

    Returns
    -------
    OME
        One instrument and one image; planes in the order X, Y, Z, C. The description says that it is simulated.
    """
    channels, planes, rows, columns = acquired.planes.shape
    pixels = model.Pixels(
        id="Pixels:0",
        dimension_order=model.Pixels_DimensionOrder.XYZCT,
        type=model.PixelType.UINT16,
        significant_bits=max(channel.bit_depth for channel in acquired.channels),
        big_endian=False,
        size_x=columns,
        size_y=rows,
        size_z=planes,
        size_c=channels,
        size_t=1,
        physical_size_x=acquired.pixel_size_um,
        physical_size_y=acquired.pixel_size_um,
        physical_size_z=acquired.z_step_um,
        channels=[_channel(index, settings, instrument) for index, settings in enumerate(acquired.channels)],
        tiff_data_blocks=[model.TiffData(ifd=0, plane_count=channels * planes)],
    )
    image = model.Image(
        id="Image:0",
        name=label,
        acquisition_date=acquired_at,
        description="Simulated from physics; no microscope took this image.",
        instrument_ref=model.InstrumentRef(id="Instrument:0"),
        objective_settings=model.ObjectiveSettings(
            id="Objective:0", refractive_index=instrument.objective.refractive_index
        ),
        pixels=pixels,
    )
    return OME(creator="Strehl simulator", instruments=[_instrument(acquired, instrument)], images=[image])


def _instrument(acquired: Acquired, instrument: InstrumentPlan) -> model.Instrument:
    objective = instrument.objective
    return model.Instrument(
        id="Instrument:0",
        microscope=model.Microscope(
            manufacturer=instrument.manufacturer, model=instrument.model, serial_number=instrument.serial_number
        ),
        lasers=[
            model.Laser(
                id="LightSource:0",
                model=instrument.laser.model,
                wavelength=instrument.laser.wavelength_nm,
                power=instrument.laser.power_mw,
            )
        ],
        detectors=[
            model.Detector(
                id=f"Detector:{index}",
                type=model.Detector_Type.PMT,
                model=f"{settings.detector_kind} ({settings.detector_model})",
                gain=settings.voltage_v,
                offset=settings.offset_counts,
            )
            for index, settings in enumerate(acquired.channels)
        ],
        objectives=[
            model.Objective(
                id="Objective:0",
                manufacturer=instrument.manufacturer,
                model=objective.model,
                lens_na=objective.numerical_aperture,
                nominal_magnification=objective.magnification,
                immersion=model.Objective_Immersion(objective.immersion),
            )
        ],
    )


def _channel(index: int, settings: ChannelSettings, instrument: InstrumentPlan) -> model.Channel:
    return model.Channel(
        id=f"Channel:0:{index}",
        name=settings.name,
        samples_per_pixel=1,
        acquisition_mode=_ACQUISITION_MODE[instrument.technique],
        excitation_wavelength=settings.excitation_nm,
        emission_wavelength=settings.emission_nm,
        pinhole_size=_pinhole_um(settings, instrument),
        light_source_settings=model.LightSourceSettings(id="LightSource:0", wavelength=settings.excitation_nm),
        detector_settings=model.DetectorSettings(
            id=f"Detector:{index}",
            gain=settings.voltage_v,
            offset=settings.offset_counts,
            voltage=settings.voltage_v,
        ),
    )


def _pinhole_um(settings: ChannelSettings, instrument: InstrumentPlan) -> float | None:
    """Return the pinhole's diameter as seen in the specimen times the magnification [µm]."""
    if settings.pinhole_au is None:
        return None
    objective = instrument.objective
    airy_um = 1.22 * settings.emission_nm / NM_PER_UM / objective.numerical_aperture
    return round(settings.pinhole_au * airy_um * objective.magnification, 3)
