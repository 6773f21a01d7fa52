"""Measure everything that applies to an image; what cannot be had fails on its own, with its sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from common.errors import AxesError, MeasurementError, MissingMetadataError, StrehlError
from metrology.attributes.beads import BeadField, BeadView
from metrology.attributes.colours import ColourView, require_channels
from metrology.attributes.frames import FramesView
from metrology.attributes.marbles import MarbleView
from metrology.attributes.mosaic import MosaicView
from metrology.attributes.registry import DARK, Attribute, attribute, for_standard
from metrology.attributes.slices import StackView
from metrology.attributes.views import PairView, PlaneView
from metrology.imaging.planes import brightest_slice
from metrology.imaging.registration import Overview, overview

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from instruments.optics.resolution import OpticalSettings
    from metrology.attributes.quantity import Quantity
    from metrology.imaging.mosaics import TileGrid
    from metrology.imaging.stack import ImageStack

_OVERVIEWS: WeakKeyDictionary[ImageStack, dict[int, Overview]] = WeakKeyDictionary()
"""Of the channels of references, as long as those are kept for the scans that follow."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure of one channel."""

    attribute_id: str
    version: int
    channel: int
    value: float
    uncertainty: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A figure that cannot be had, why, and what to do next."""

    attribute_id: str
    version: int
    channel: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What decides whether the figures of a channel are valid.

    Parameters
    ----------
    slice_z : int
        Slice on which the plane attributes were measured.
    mean : float
        Mean of its pixels [count].
    saturated_fraction, zero_fraction : float
        Parts of its pixels at full scale and at zero.
    is_constant : bool
        Whether all its pixels are equal.
    rejected_beads : tuple of (str, int)
        Reasons and counts, where beads were looked for.
    bead_field : BeadField or None
        The beads themselves, measured and rejected, where they were looked for.
    """

    slice_z: int
    mean: float
    saturated_fraction: float
    zero_fraction: float
    is_constant: bool
    rejected_beads: tuple[tuple[str, int], ...] = ()
    bead_field: BeadField | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known beside the image; figures that need what is missing are left out, unless asked for by name.

    Parameters
    ----------
    reference : ImageStack, optional
        The same field at a better time.
    dark : ImageStack, optional
        Frames taken without light, with the same detector settings; of a scan of dark frames they are the image itself.
    dark_name : str, optional
        What the dark frames are called, for whoever reads the figures.
    optics : tuple of OpticalSettings, optional
        Technique, objective and wavelengths of each channel.
    tiles : TileGrid, optional
        How the fields of a mosaic lie, where the file does not say so.
    """

    reference: ImageStack | None = None
    dark: ImageStack | None = None
    dark_name: str = ""
    optics: tuple[OpticalSettings, ...] = ()
    tiles: TileGrid | None = None


@dataclass(frozen=True, slots=True)
class MeasuredStack:
    """All figures of an image.

    Parameters
    ----------
    readings : tuple of Reading
        What could be measured.
    failures : tuple of Failure
        What could not.
    channels : tuple of ChannelFacts
        One a channel.
    bit_depth : int
        Effective bit depth that the figures are scaled by [bit].
    """

    readings: tuple[Reading, ...]
    failures: tuple[Failure, ...]
    channels: tuple[ChannelFacts, ...]
    bit_depth: int

    @property
    def slice_z(self) -> tuple[int, ...]:
        """Slice measured, of each channel."""
        return tuple(one.slice_z for one in self.channels)


def measure_stack(
    stack: ImageStack,
    *,
    standard_kind: str | None,
    attribute_ids: Iterable[str] | None = None,
    reference: ImageStack | None = None,
    bit_depth: int | None = None,
    beside: Beside | None = None,
) -> MeasuredStack:
    """Measure the quantities that apply to an image, channel by channel.

    Parameters
    ----------
    stack : ImageStack
        The image; its first time point is measured, and all of them for what repeated frames tell.
    standard_kind : str or None
        What was on the stage ("beads", "slide", "marbles" …).
    attribute_ids : iterable of str, optional
        Only these; all that apply to the standard if left out.
    reference : ImageStack, optional
        The same field at a better time; without it the comparisons are left out, unless asked for by name.
    bit_depth : int, optional
        Of the detector, where the catalogue knows it better than the file [bit].
    beside : Beside, optional
        What else is known: dark frames and the like; `reference` goes before the one in it.

    Returns
    -------
    MeasuredStack
        Readings and failures. Planes are measured on the brightest slice of each channel, beads on the z-stack.

    Raises
    ------
    NotFoundError
        An attribute of that name does not exist.

    Notes
    -----
    The passes over the pixels (histogram, gradients, co-occurrence, wavelet, bead fits) are made once a channel and shared.
    Against a reference, the larger bit depth of the two scales both.
    """
    depth = bit_depth or stack.bit_depth
    known = beside or Beside()
    if reference is not None:
        known = replace(known, reference=reference)
    if standard_kind == DARK and known.dark is None:
        known = replace(known, dark=stack)
    if attribute_ids is not None:
        wanted = tuple(attribute(one) for one in attribute_ids)
    else:
        wanted = tuple(one for one in for_standard(standard_kind) if _has_what_it_needs(one, stack, known))
    readings: list[Reading] = []
    failures: list[Failure] = []
    facts: list[ChannelFacts] = []
    for channel in range(stack.shape_tczyx[1]):
        measured = _Channel(stack, channel, depth, known)
        for one in wanted:
            if one.needs == "colours" and channel == 0 and stack.shape_tczyx[1] > 1:
                continue  # the channel that the others are compared with
            try:
                found = measured.quantity(one)
            except StrehlError as error:
                failures.append(Failure(one.id, one.version, channel, error.code, str(error)))
            else:
                readings.append(Reading(one.id, one.version, channel, found.value, found.uncertainty, found.n))
        facts.append(measured.facts())
    return MeasuredStack(tuple(readings), tuple(failures), tuple(facts), depth)


def _has_what_it_needs(one: Attribute, stack: ImageStack, beside: Beside) -> bool:
    """Say whether an image of these axes, with what is known beside it, can have a figure at all."""
    times, channels, slices = stack.shape_tczyx[:3]
    possible: dict[str, bool] = {
        "reference": beside.reference is not None,
        "dark": beside.dark is not None,
        "frames": times > 1,
        "optics": len(beside.optics) == channels,
        "colours": channels > 1 and (one.id != "coregistration_ratio" or len(beside.optics) == channels),
        "mosaic": (beside.tiles or stack.tile_grid) is not None,
        "stack": slices > 1,
        "readings": False,
    }
    return possible.get(one.needs, True)


class _Channel:
    """One channel and the views of it that its attributes share."""

    def __init__(self, stack: ImageStack, channel: int, bit_depth: int, beside: Beside) -> None:
        self.stack, self.channel, self.bit_depth, self.beside = stack, channel, bit_depth, beside
        self.slice_z = brightest_slice(stack, channel)
        self._sizes = {name: stack.metadata.value(name) for name in ("pixel_size_um", "pixel_size_y_um")}
        self.plane = PlaneView(stack.plane(c=channel, z=self.slice_z), bit_depth=bit_depth, **self._sizes)

    def quantity(self, one: Attribute) -> Quantity:
        """Compute one attribute on what it needs."""
        return _function(one)(getattr(self, _VIEWS[one.needs]))

    @cached_property
    def pair(self) -> PairView:
        """The plane and its reference."""
        reference = self.beside.reference
        if reference is None:
            raise MeasurementError(
                "There is no reference to compare with.", hint="Choose a reference acquisition for this standard."
            )
        if self.channel >= reference.shape_tczyx[1]:
            raise AxesError(
                f"The reference has no channel {self.channel + 1}.",
                hint="Choose a reference made with the same protocol.",
                channel=self.channel,
            )
        plane = reference.plane(c=self.channel, z=brightest_slice(reference, self.channel))
        overviews = _OVERVIEWS.setdefault(reference, {})
        if self.channel not in overviews:
            overviews[self.channel] = overview(plane)
        return PairView(
            plane,
            self.stack.plane(c=self.channel, z=self.slice_z),
            bit_depth=max(self.bit_depth, reference.bit_depth),
            pixel_size_um=self._sizes["pixel_size_um"],
            known=overviews[self.channel],
        )

    @cached_property
    def frames(self) -> FramesView:
        """All time points of the slice measured."""
        dark = self.beside.dark
        return FramesView(
            self.stack.frames(c=self.channel, z=self.slice_z),
            bit_depth=self.bit_depth,
            dark=None if dark is None else dark.frames(c=min(self.channel, dark.shape_tczyx[1] - 1)),
            **self._sizes,
        )

    @cached_property
    def beads(self) -> BeadView:
        """The beads of the z-stack."""
        return self._beads_of(self.channel)

    @cached_property
    def colours(self) -> ColourView:
        """The beads of this channel and of the first."""
        require_channels(self.stack.shape_tczyx[1], self.channel)
        optics = self.beside.optics
        pair = [optics[0], optics[self.channel]] if len(optics) > self.channel else None
        return ColourView(self._beads_of(0).beads, self.beads.beads, optics=pair)

    @cached_property
    def marbles(self) -> MarbleView:
        """The marbles of the plane."""
        return MarbleView(self.plane)

    @cached_property
    def mosaic(self) -> MosaicView:
        """The plane and its tiles."""
        tiles = self.beside.tiles or self.stack.tile_grid
        if tiles is None:
            raise AxesError("The image is no tile scan.", hint="Scan tiles, or say how they lie.")
        return MosaicView(self.plane, tiles)

    @cached_property
    def slices(self) -> StackView:
        """The means of the slices."""
        return StackView(self.stack.z_stack(c=self.channel), z_step_um=self.stack.metadata.value("z_step_um"))

    @property
    def readings(self) -> None:
        """Nothing: an image has no power readings.

        Raises
        ------
        MissingMetadataError
            Always.
        """
        raise MissingMetadataError(
            "Laser power is read from a power meter, not from an image.",
            hint="Type the readings in, or give them as CSV.",
        )

    def _beads_of(self, channel: int) -> BeadView:
        if self.stack.shape_tczyx[2] < 2:
            raise MissingMetadataError(
                "Beads are measured on a z-stack, and the image has one slice.", hint="Scan a stack through the beads."
            )
        metadata, optics = self.stack.metadata, self.beside.optics
        return BeadView(
            self.stack.z_stack(c=channel),
            pixel_size_um=metadata.require("pixel_size_um"),
            z_step_um=metadata.require("z_step_um"),
            bit_depth=self.bit_depth,
            pixel_size_y_um=metadata.value("pixel_size_y_um"),
            optics=optics[channel] if channel < len(optics) else None,
        )

    def facts(self) -> ChannelFacts:
        """Return what decides on validity."""
        histogram, pixels = self.plane.histogram, self.plane.pixels
        view = vars(self).get("beads")
        field = None if view is None else view.field
        return ChannelFacts(
            slice_z=self.slice_z,
            mean=self.plane.moments[0],
            saturated_fraction=float(histogram[-1]) / pixels,
            zero_fraction=float(histogram[0]) / pixels,
            is_constant=self.plane.is_constant,
            rejected_beads=() if field is None else tuple(field.reasons().items()),
            bead_field=field,
        )


_VIEWS = {
    "plane": "plane", "reference": "pair", "beads": "beads", "optics": "beads", "frames": "frames", "dark": "frames",
    "colours": "colours", "marbles": "marbles", "mosaic": "mosaic", "stack": "slices", "readings": "readings",
}  # fmt: skip


def _function(one: Attribute) -> Callable[[object], Quantity]:
    """Import the function that a declaration names."""
    module, name = one.function.split(":")
    function: Callable[[object], Quantity] = getattr(import_module(module), name)
    return function
