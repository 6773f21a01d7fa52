"""An image as Strehl holds it: pixels in TCZYX order and what the file says about them, with the place it says so."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import AxesError, MissingMetadataError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        `pixel_size_um`, `pixel_size_y_um` (only if it differs), `z_step_um`, `acquired_at`, `image_name`,
        `instrument_name`, `instrument_serial`, `objective_name`, `numerical_aperture`, `magnification`, `immersion`,
        `refractive_index`, `zoom`, `averaging`, `bit_depth`, `axes`, `images_in_file`, `software`.
    channels : tuple of mapping of str to Sourced
        One mapping a channel: `name`, `excitation_nm`, `emission_nm`, `detector_name`, `detector_type`, `gain`,
        `offset`, `laser_power`, `pinhole_au`, `pinhole_um`.
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


@dataclass(frozen=True, slots=True, eq=False)
class ImageStack:
    """An image of a microscope: time points, channels, slices, rows, columns.

    Parameters
    ----------
    pixels : ndarray, shape (T, C, Z, Y, X)
        Counts of the detector; a read-only array.
    metadata : Metadata
        What the file says.
    """

    pixels: np.ndarray
    metadata: Metadata = field(default_factory=Metadata)

    def __post_init__(self) -> None:
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
        return int(stated) if stated is not None else smallest_bit_depth(self.pixels)

    def plane(self, *, t: int = 0, c: int = 0, z: int = 0) -> np.ndarray:
        """Return one plane (Y, X) as a read-only view."""
        return np.asarray(self.pixels[t, c, z])

    def z_stack(self, *, t: int = 0, c: int = 0) -> np.ndarray:
        """Return the slices (Z, Y, X) of one channel as a read-only view."""
        return np.asarray(self.pixels[t, c])


def smallest_bit_depth(pixels: np.ndarray) -> int:
    """Return the smallest of 8, 10, 12, 14 and 16 bits that holds the largest value [bit].

    Parameters
    ----------
    pixels : ndarray of any shape, not empty
        Counts of the detector.

    Returns
    -------
    int
        One of `BIT_DEPTHS` [bit].

    Raises
    ------
    AxesError
        The largest value does not fit 16 bits, so that no detector gave it as counts.
    """
    largest = pixels.max()
    for bits in BIT_DEPTHS:
        if largest <= 2**bits - 1:
            return bits
    raise AxesError(
        f"The largest pixel value, {largest}, does not fit 16 bits.",
        hint="Export the raw detector counts as 8- or 16-bit TIFF.",
    )
