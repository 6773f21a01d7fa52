"""How far the channels of an instrument see the same bead at different places.

References
----------
Faklaris et al., J. Cell Biol. 221, e202107093 (2022), and MetroloJ_QC as corrected in 2024: the distance is divided by the
radius of the resolution ellipsoid in its direction, for the longer of the two wavelengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from common.errors import AxesError, MissingMetadataError, TooFewBeadsError
from instruments.optics.resolution import theoretical_resolution
from metrology.attributes.bead_fit import noisy_median
from metrology.attributes.quantity import Quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instruments.optics.resolution import OpticalSettings, Resolution
    from metrology.attributes.bead_fit import Bead

_FARTHEST_FWHM = 2.0  # between the images of one bead in two channels, laterally


@dataclass(frozen=True, slots=True, eq=False)
class Shifts:
    """Places of beads in a channel less those in the first channel.

    Parameters
    ----------
    zyx_um, error_zyx_um : ndarray, shape (beads, 3)
        Shifts and their standard errors [µm].
    """

    zyx_um: np.ndarray
    error_zyx_um: np.ndarray


def pair_beads(first: Sequence[Bead], other: Sequence[Bead]) -> Shifts:
    """Find the beads that two channels show and how far apart each is seen.

    Parameters
    ----------
    first, other : sequence of Bead
        Beads of the first and of the other channel.

    Returns
    -------
    Shifts
        One row a bead; the mutually nearest ones within two lateral widths are the same bead.

    Raises
    ------
    TooFewBeadsError
        No bead is seen in both.
    """
    if first and other:
        places, others = (np.array([(b.y_um, b.x_um) for b in beads]) for beads in (first, other))
        reach = _FARTHEST_FWHM * float(np.median([max(b.lateral_x.fwhm_um, b.lateral_y.fwhm_um) for b in first]))
        distance, nearest = cKDTree(others).query(places)
        _, back = cKDTree(places).query(others)
        pairs = [
            (one, int(to)) for one, to in enumerate(nearest) if distance[one] <= reach and int(back[int(to)]) == one
        ]
        if pairs:
            rows = [(first[one], other[to]) for one, to in pairs]
            moved = [(b.z_um - a.z_um, b.y_um - a.y_um, b.x_um - a.x_um) for a, b in rows]
            errors = [np.hypot(a.centre_error_zyx_um, b.centre_error_zyx_um) for a, b in rows]
            return Shifts(np.array(moved), np.array(errors))
    raise TooFewBeadsError(
        "No bead can be measured in both channels.",
        hint="Scan isolated multicolour beads, unsaturated in all channels.",
    )


class ColourView:
    """The beads of a channel and those of the first channel.

    Parameters
    ----------
    first, other : sequence of Bead
        Beads of the first and of the other channel.
    optics : sequence of OpticalSettings, optional
        Of the two channels, for the resolution ellipsoid.
    """

    def __init__(
        self, first: Sequence[Bead], other: Sequence[Bead], *, optics: Sequence[OpticalSettings] | None = None
    ) -> None:
        self._beads, self._optics = (first, other), optics

    @cached_property
    def shifts(self) -> Shifts:
        """Shifts of the beads that both show."""
        return pair_beads(*self._beads)

    @property
    def ellipsoid(self) -> Resolution:
        """Half axes of the resolution ellipsoid, those of the channel of longer wavelength.

        Raises
        ------
        MissingMetadataError
            The optics are not known.
        """
        if self._optics is None or len(self._optics) != 2:
            raise MissingMetadataError(
                "The resolution ellipsoid needs technique, aperture, immersion and wavelengths of both channels.",
                hint="Enter the objective and the wavelengths of the optical path.",
            )
        longest = max(self._optics, key=lambda one: one.limiting_wavelength_um)
        return theoretical_resolution(longest)


def coregistration_shift_xy(view: ColourView) -> Quantity:
    """Lateral distance of a bead's images in two channels [µm].

    Parameters
    ----------
    view : ColourView
        Beads of two channels.

    Returns
    -------
    Quantity
        Length of the median shift over the beads, its standard error [µm], and the number of beads.

    Raises
    ------
    TooFewBeadsError
        No bead is seen in both channels.

    Notes
    -----
    The median shift keeps its direction: what differs from bead to bead, such as a chromatic magnification, averages out.
    """
    shift, error = _median_shift(view)
    length = float(np.hypot(shift[1], shift[2]))
    weights = shift[1:] / length if length > 0 else np.full(2, np.sqrt(0.5))
    return Quantity(length, float(np.hypot(*(weights * error[1:]))), len(view.shifts.zyx_um))


def coregistration_shift_z(view: ColourView) -> Quantity:
    """Axial distance of a bead's images in two channels [µm].

    Parameters
    ----------
    view : ColourView
        Beads of two channels.

    Returns
    -------
    Quantity
        Length of the median shift over the beads, its standard error [µm], and the number of beads.

    Raises
    ------
    TooFewBeadsError
        No bead is seen in both channels.
    """
    shift, error = _median_shift(view)
    return Quantity(abs(float(shift[0])), float(error[0]), len(view.shifts.zyx_um))


def coregistration_ratio(view: ColourView) -> Quantity:
    """Distance of a bead's images in two channels over the resolution in that direction [1].

    Parameters
    ----------
    view : ColourView
        Beads of two channels and their optics.

    Returns
    -------
    Quantity
        Median over the beads; above 1 the two images can be told apart [1]. Its standard error and the number of beads.

    Raises
    ------
    TooFewBeadsError
        No bead is seen in both channels.
    MissingMetadataError
        The optics are not known.
    """
    axes = view.ellipsoid
    scaled = view.shifts.zyx_um / (axes.fwhm_axial_um, axes.fwhm_lateral_um, axes.fwhm_lateral_um)
    errors = view.shifts.error_zyx_um / (axes.fwhm_axial_um, axes.fwhm_lateral_um, axes.fwhm_lateral_um)
    ratios = ellipsoid_ratio(scaled)
    along = np.where(ratios[:, np.newaxis] > 0, scaled / np.maximum(ratios, 1e-12)[:, np.newaxis], np.sqrt(1 / 3))
    median, error = noisy_median(ratios, np.sqrt(np.square(along * errors).sum(axis=1)))
    return Quantity(median, error, len(ratios))


def ellipsoid_ratio(shift_over_axes: np.ndarray) -> np.ndarray:
    """Return a distance over the radius of an ellipsoid in its direction [1].

    Parameters
    ----------
    shift_over_axes : ndarray, shape (..., 3)
        Each component over the half axis along it [1].

    Returns
    -------
    ndarray, shape (...)
        Root of the sum of squares: with the radius abc/√((bc·cosφ·sinθ)² + (ac·sinφ·sinθ)² + (ab·cosθ)²) in the direction
        θ, φ (MetroloJ_QC 2024), distance over radius is just that.
    """
    return np.asarray(np.sqrt(np.square(shift_over_axes).sum(axis=-1)))


def _median_shift(view: ColourView) -> tuple[np.ndarray, np.ndarray]:
    """Return the median shift z, y, x and its standard errors [µm]."""
    shifts = view.shifts
    columns = zip(shifts.zyx_um.T, shifts.error_zyx_um.T, strict=True)
    found = np.array([noisy_median(values, errors) for values, errors in columns])
    return found[:, 0], found[:, 1]


def require_channels(count: int, channel: int) -> None:
    """Refuse an image whose channels cannot be compared.

    Parameters
    ----------
    count : int
        Number of channels.
    channel : int
        The channel to compare with the first.

    Raises
    ------
    AxesError
        There is one channel, or the channel is the one compared with.
    """
    if count < 2 or channel == 0:
        raise AxesError(
            "Co-registration compares a channel with the first one.",
            hint="Scan multicolour beads in two channels or more.",
        )
