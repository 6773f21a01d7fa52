"""An image as Strehl holds it: pixels in TCZYX order and what the file says about them, with the place it says so."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import AxesError, MissingMetadataError
from metrology.imaging.lazy import LazyPlanes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrology.imaging.mosaics import TileGrid

BIT_DEPTHS = (8, 10, 12, 14, 16)


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value and where it was found, such as `Sourced(0.11, "OME-XML PhysicalSizeX")`."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says about its image; what it does not say is not in the mappings.

    Parameters
    ----------
    fields : mapping of str to Sourced
        Image: `image_name`, `comment`, `acquired_at`, `pixel_size_um`, `pixel_size_y_um` (only if it differs),
        `z_step_um`, `time_step_s`, `bit_depth`, `axes`, `images_in_file`, `fields_of_view`, `plane` (other than xy).
        Instrument: `instrument_name`, `instrument_serial`, `software`, `objective_name`, `numerical_aperture`,
        `magnification`, `immersion`, `refractive_index`. Scan: `scan_mode`, `scan_direction` (one way | both ways),
        `scan_speed` (lines a second unless the source says otherwise), `pixel_dwell_us`, `averaging` (frames),
        `line_averaging`, `zoom`, `lasers` (lines and powers), `scan_fields`, `scan_depth`, `scan_time` (kind of scan).
    channels : tuple of mapping of str to Sourced
        One mapping a channel: `name`, `dye`, `excitation_nm`, `emission_nm`, `detection_nm` (a band), `detector_name`,
        `detector_type`, `gain`, `digital_gain`, `offset`, `detector_voltage_v`, `light_source`, `laser_line_nm`,
        `laser_power`, `laser_power_unit`, `laser_attenuation`, `pinhole_au`, `pinhole_um`, `exposure_ms`, `binning`.
    """

    fields: Mapping[str, Sourced] = field(default_factory=lambda: MappingProxyType({}))
    channels: tuple[Mapping[str, Sourced], ...] = ()

    def __contains__(self, name: object) -> bool:
        return name in self.fields

    def value(self, name: str, default: Any = None) -> Any:
        """Return the value of a field of the image, or `default` where the file is silent."""
        found = self.fields.get(name)
        return default if found is None else found.value

    def channel_value(self, channel: int, name: str, default: Any = None) -> Any:
        """Return the value of a field of one channel, or `default` where the file is silent."""
        found = self.channels[channel].get(name) if channel < len(self.channels) else None
        return default if found is None else found.value

    def require(self, name: str) -> Any:
        """Return the value of a field that a figure cannot do without.

        Raises
        ------
        MissingMetadataError
            The file does not say.
        """
        if name not in self.fields:
            raise MissingMetadataError(
                f"The file does not say its {name.removesuffix('_um').replace('_', ' ')}.",
                hint="Export it from the acquisition software as OME-TIFF, or type the value in.",
                field=name,
            )
        return self.fields[name].value

    def with_fields(self, **overrides: Sourced) -> Metadata:
        """Return a copy in which some fields of the image are given by someone who knows better."""
        return Metadata(MappingProxyType({**self.fields, **overrides}), self.channels)

    def as_json(self) -> dict[str, Any]:
        """Return `{field: {"value": …, "source": …}, "channels": [{…}, …]}`, safe for JSON."""
        return {**_as_json(self.fields), "channels": [_as_json(channel) for channel in self.channels]}


def _as_json(fields: Mapping[str, Sourced]) -> dict[str, dict[str, Any]]:
    return {name: {"value": _plain(found.value), "source": found.source} for name, found in fields.items()}


def _plain(value: Any) -> str | int | float | bool:
    """Turn dates and numpy scalars into what JSON knows."""
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, str | int | float | bool) else str(value)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ImageStack:
    """An image of a microscope: time points, channels, slices, rows, columns.

    Parameters
    ----------
    pixels : ndarray, shape (T, C, Z, Y, X), or LazyPlanes
        Counts of the detector: a read-only array, or the planes of an open file, each decoded when it is asked for.
    metadata : Metadata
        What the file says.
    file_format : str
        Such as "Zeiss CZI"; empty where there is no file.
    tile_grid : TileGrid, optional
        How the fields of a tile scan lie in each plane, where the file says so.
    slice_means : mapping of (t, c) to ndarray, shape (Z,)
        Mean of each slice, of the z-stacks that the reader has looked through [counts].
    """

    pixels: np.ndarray | LazyPlanes
    metadata: Metadata = field(default_factory=Metadata)
    file_format: str = ""
    tile_grid: TileGrid | None = None
    slice_means: Mapping[tuple[int, int], np.ndarray] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if isinstance(self.pixels, LazyPlanes):
            return
        if self.pixels.ndim != 5:
            raise AxesError(
                f"The image has {self.pixels.ndim} axes instead of time, channel, z, y and x.",
                hint="Give the pixels in the order TCZYX.",
            )
        frozen = self.pixels.view()
        frozen.flags.writeable = False
        object.__setattr__(self, "pixels", frozen)

    @property
    def shape_tczyx(self) -> tuple[int, int, int, int, int]:
        """Number of time points, channels, slices, rows and columns."""
        if isinstance(self.pixels, LazyPlanes):
            return self.pixels.shape_tczyx
        times, channels, slices, rows, columns = self.pixels.shape
        return times, channels, slices, rows, columns

    @property
    def dtype(self) -> np.dtype:
        """Type of number that holds a pixel."""
        return self.pixels.dtype

    @property
    def bit_depth(self) -> int:
        """Bits that the detector really used (12-bit data in a 16-bit file is common)."""
        stated = self.metadata.value("bit_depth")
        if stated is not None:
            return int(stated)
        times, channels, slices = self.shape_tczyx[:3]
        return smallest_bit_depth(
            max(self.plane(t=t, c=c, z=z).max() for t, c, z in np.ndindex(times, channels, slices))
        )

    def plane(self, *, t: int = 0, c: int = 0, z: int = 0) -> np.ndarray:
        """Return one plane (Y, X), read-only; it is decoded now if it comes from a file.

        Raises
        ------
        UnreadableImageError
            This plane of the file is damaged.
        """
        if isinstance(self.pixels, LazyPlanes):
            return self.pixels.plane(t, c, z)
        return np.asarray(self.pixels[t, c, z])

    def z_stack(self, *, t: int = 0, c: int = 0) -> np.ndarray:
        """Return the slices (Z, Y, X) of one channel, read-only.

        Raises
        ------
        UnreadableImageError
            A plane of the file is damaged.
        """
        if not isinstance(self.pixels, LazyPlanes):
            return np.asarray(self.pixels[t, c])
        slices = np.empty(self.shape_tczyx[2:], self.dtype)
        for z, into in enumerate(slices):
            into[:] = self.pixels.plane(t, c, z)
        slices.flags.writeable = False
        return slices

    def frames(self, *, c: int = 0, z: int = 0) -> np.ndarray:
        """Return all time points (T, Y, X) of one slice of one channel.

        Raises
        ------
        UnreadableImageError
            A plane of the file is damaged.
        """
        return np.stack([self.plane(t=t, c=c, z=z) for t in range(self.shape_tczyx[0])])

    def with_fields(self, **overrides: Sourced) -> ImageStack:
        """Return the same image with some facts given by someone who knows better."""
        return replace(self, metadata=self.metadata.with_fields(**overrides))


def smallest_bit_depth(largest: float) -> int:
    """Return the smallest of 8, 10, 12, 14 and 16 bits that holds a count [bit].

    Parameters
    ----------
    largest : float
        Largest pixel value of an image [counts].

    Returns
    -------
    int
        One of `BIT_DEPTHS` [bit].

    Raises
    ------
    AxesError
        It does not fit 16 bits, so that no detector gave it as counts.
    """
    for bits in BIT_DEPTHS:
        if largest <= 2**bits - 1:
            return bits
    raise AxesError(
        f"The largest pixel value, {largest}, does not fit 16 bits.",
        hint="Export the raw detector counts as 8- or 16-bit TIFF.",
    )
