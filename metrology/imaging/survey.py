"""One look through the planes of a file: which numbers they hold, and which slices are bright."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from common.errors import UnreadableImageError
from metrology.imaging.stack import Sourced, smallest_bit_depth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrology.imaging.lazy import LazyPlanes
    from metrology.imaging.stack import Metadata

_COUNTS = (np.dtype(np.uint8), np.dtype(np.uint16))
LARGEST_VALUE = "largest value in the file"
"""Source of a bit depth that the file does not state."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen.

    Parameters
    ----------
    smallest, largest : float
        Of all pixels looked at [counts].
    whole : bool
        Whether all of them are whole numbers.
    slice_means : mapping of (t, c) to ndarray, shape (Z,)
        Mean of each slice of the first time point [counts].
    """

    smallest: float
    largest: float
    whole: bool
    slice_means: Mapping[tuple[int, int], np.ndarray]


def survey(planes: LazyPlanes, *, times: int) -> Survey:
    """Look through the planes one at a time.

    Parameters
    ----------
    planes : LazyPlanes
        Of a checked file.
    times : int
        How many time points to look at, from the first.

    Returns
    -------
    Survey
        The extremes of what was looked at, and the means of the first time point.

    Raises
    ------
    UnreadableImageError
        A plane is damaged, or pixels are not finite numbers.
    """
    _, channels, slices, _, _ = planes.shape_tczyx
    smallest, largest, whole = np.inf, -np.inf, True
    means = np.zeros((channels, slices))
    for t, c, z in np.ndindex(times, channels, slices):
        plane = planes.plane(t, c, z)
        if planes.dtype.kind == "f":
            if not np.isfinite(plane).all():
                raise UnreadableImageError(
                    "Some pixels are not finite numbers (NaN or infinity).",
                    hint="Export the raw detector counts, before any division or masking.",
                )
            whole = whole and bool((plane == np.floor(plane)).all())
        smallest, largest = min(smallest, float(plane.min())), max(largest, float(plane.max()))
        if t == 0:
            means[c, z] = plane.mean(dtype=np.float64)
    return Survey(smallest, largest, whole, MappingProxyType({(0, c): means[c] for c in range(channels)}))


def as_counts(planes: LazyPlanes, metadata: Metadata) -> tuple[LazyPlanes, Metadata, Survey]:
    """Give planes as uint8, uint16 or float32, whichever holds them without loss, with their effective bit depth.

    Parameters
    ----------
    planes : LazyPlanes
        As the file has them.
    metadata : Metadata
        What the file says.

    Returns
    -------
    planes : LazyPlanes
        The same, converted when decoded.
    metadata : Metadata
        With `bit_depth`: the stated one where the pixels fit it, else the smallest that holds them.
    survey : Survey
        What was seen on the way.

    Raises
    ------
    UnreadableImageError
        Numbers that no detector writes, or a damaged plane.
    AxesError
        Counts beyond 16 bits.

    Notes
    -----
    Whole numbers from 0 to 65535 in a wider type (as ImageJ's 32-bit export writes them) become uint16 again. Of a
    time-lapse whose depth is stated, only the first time point is looked at; otherwise all of it, a plane at a time.
    """
    if planes.dtype.kind not in "uif":
        raise UnreadableImageError(
            f"The pixels are of type {planes.dtype}, which no detector writes.",
            hint="Export 8- or 16-bit grey levels.",
        )
    stated = metadata.value("bit_depth")
    first_tells = planes.dtype == np.uint8 or (planes.dtype == np.uint16 and stated is not None)
    every = planes.shape_tczyx[0]
    found = survey(planes, times=1 if first_tells else every)
    if stated is not None and stated <= 16 and found.largest <= 2**stated - 1:
        return planes.converted(_type_for(planes.dtype, found)), metadata, found
    if planes.dtype != np.uint8 and first_tells and every > 1:
        found = survey(planes, times=every)
    depth = Sourced(smallest_bit_depth(found.largest), LARGEST_VALUE)
    return planes.converted(_type_for(planes.dtype, found)), metadata.with_fields(bit_depth=depth), found


def _type_for(dtype: np.dtype, found: Survey) -> np.dtype:
    if dtype in _COUNTS:
        return dtype
    counts = found.whole and found.smallest >= 0 and found.largest <= 65535
    return np.dtype(np.uint16 if counts else np.float32)
