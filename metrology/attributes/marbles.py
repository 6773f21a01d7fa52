"""Size, roundness, edges and contrast of marbles (spheres much larger than the resolution) in one plane.

Every marble is found as a bright region, measured on its radial profile to a fraction of a pixel, and kept or rejected with
its reason; the figures are medians over the marbles.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from common.errors import FitError, MissingMetadataError, TooFewObjectsError
from metrology.attributes.marble_edge import REACH, Marble, fit_marble
from metrology.attributes.regions import Region, bright_regions

if TYPE_CHECKING:
    from metrology.attributes.views import PlaneView

Rejection = Literal["edge", "not round", "saturated", "crowded", "fit"]

_SMALLEST_RADIUS_PX = 3.0
_MOST_MARBLES = 80  # measured, largest first, so that the cost is bounded
_LEAST_FILL = 0.8  # of the ellipse of its own second moments; two touching marbles fill less
_LARGEST_AXIS_RATIO = 1.5
_SATURATED = 0.01  # of a marble's pixels


@dataclass(frozen=True, slots=True)
class Rejected:
    """A bright region that is not measured, and why."""

    y_px: float
    x_px: float
    reason: Rejection


@dataclass(frozen=True, slots=True)
class MarbleField:
    """All marbles of a plane: those measured and those not, with the reason."""

    marbles: tuple[Marble, ...]
    rejected: tuple[Rejected, ...]

    def reasons(self) -> dict[str, int]:
        """Count the reasons for which marbles were not measured."""
        return dict(Counter(one.reason for one in self.rejected))


class MarbleView:
    """The marbles of one plane, found and fitted once for all their attributes.

    Parameters
    ----------
    plane : PlaneView
        The plane, with its pixel size.
    """

    def __init__(self, plane: PlaneView) -> None:
        self.plane = plane

    @property
    def pixel_size_um(self) -> float:
        """Side of a pixel [µm].

        Raises
        ------
        MissingMetadataError
            The file does not say, or its pixels are not square.
        """
        width_um = self.plane.pixel_size_um
        if width_um is None or not math.isclose(width_um, self.plane.pixel_size_y_um or width_um, rel_tol=1e-3):
            raise MissingMetadataError(
                "The size of marbles needs the size of the pixels, which must be square.",
                hint="Type the pixel size in, or export the image as OME-TIFF.",
                field="pixel_size_um",
            )
        return width_um

    @cached_property
    def field(self) -> MarbleField:
        """All marbles."""
        return measure_marbles(self.plane)

    @property
    def marbles(self) -> tuple[Marble, ...]:
        """The measured marbles.

        Raises
        ------
        TooFewObjectsError
            There is none.
        """
        if not self.field.marbles:
            reasons = (
                ", ".join(f"{count} {reason}" for reason, count in self.field.reasons().items()) or "none was found"
            )
            raise TooFewObjectsError(
                f"No marble of the plane can be measured ({reasons}).",
                hint="Scan separate, unsaturated marbles of more than six pixels across.",
                rejected=self.field.reasons(),
            )
        return self.field.marbles


def measure_marbles(view: PlaneView) -> MarbleField:
    """Find the marbles of a plane and fit the edge of each.

    Parameters
    ----------
    view : PlaneView
        The plane.

    Returns
    -------
    MarbleField
        May hold no marble at all. One bad marble never aborts the others.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.

    Notes
    -----
    Bright marbles on a dark ground. A sphere seen by a widefield microscope is brighter in its middle; the edge is fitted on
    the outer part of its profile only.
    """
    view.require_contrast()
    regions = bright_regions(
        view.counts, largest_count=view.largest_count, least_area_px=math.pi * _SMALLEST_RADIUS_PX**2
    )
    found: list[Marble] = []
    rejected: list[Rejected] = []
    for region in regions[:_MOST_MARBLES]:
        reason = _why_not(region, regions, view.counts.shape)
        try:
            if reason is None:
                found.append(fit_marble(view.counts, y_px=region.y_px, x_px=region.x_px, radius_px=region.radius_px))
        except FitError:
            reason = "fit"
        if reason is not None:
            rejected.append(Rejected(region.y_px, region.x_px, reason))
    return MarbleField(tuple(found), tuple(rejected))


def _why_not(region: Region, regions: list[Region], shape_yx: tuple[int, ...]) -> Rejection | None:
    margin = math.ceil((REACH - 1) * region.radius_px)
    rows, columns = shape_yx
    if min(region.top, region.left, rows - region.bottom, columns - region.right) < margin:
        return "edge"
    if region.fill < _LEAST_FILL or region.axis_ratio > _LARGEST_AXIS_RATIO:
        return "not round"
    if region.saturated > _SATURATED:
        return "saturated"
    return "crowded" if _is_crowded(region, regions) else None


def _is_crowded(region: Region, regions: list[Region]) -> bool:
    """Say whether another marble reaches into the ring in which this one is fitted."""
    return any(
        math.dist((region.y_px, region.x_px), (other.y_px, other.x_px)) < REACH * region.radius_px + other.radius_px
        for other in regions
        if other is not region
    )
