"""Widths of the images of points: every isolated bead of a z-stack, found, fitted and summed up.

References
----------
QUAREP-LiMi WG5 protocol for lateral and axial resolution, protocols.io.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from common.errors import FitError, MissingMetadataError, TooFewBeadsError
from instruments.optics.resolution import theoretical_resolution
from metrology.attributes.bead_fit import NARROWEST_PX, fit_bead, noisy_median, robust_scatter
from metrology.attributes.bead_selection import find_beads
from metrology.attributes.bead_undersampled import are_undersampled, refit_undersampled
from metrology.attributes.quantity import Quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.optics.resolution import OpticalSettings, Resolution
    from metrology.attributes.bead_fit import Bead, Width
    from metrology.attributes.bead_selection import Candidate

METROLOJ_R2 = 0.95
"""Part of the variance that MetroloJ_QC wants a line's Gaussian to explain (Faklaris et al. 2022)."""

_LEAST_COMPARED = 5  # beads; of fewer none is told to be unlike the others
_MERGED_SIGMAS = 6.0  # robust standard deviations above the median width, and
_MERGED_RATIO = 1.5  # times the median width: what is wider, laterally, is more than one bead


@dataclass(frozen=True, slots=True)
class BeadField:
    """All beads of a stack: those measured and those not, with the reason."""

    beads: tuple[Bead, ...]
    rejected: tuple[Candidate, ...]

    def reasons(self) -> dict[str, int]:
        """Count the reasons for which beads were not measured."""
        return dict(Counter(str(one.rejection) for one in self.rejected))


def measure_beads(
    stack: np.ndarray, *, pixel_size_um: float, z_step_um: float, bit_depth: int, pixel_size_y_um: float | None = None
) -> BeadField:
    """Find the beads of a z-stack, keep the isolated ones and fit each.

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        Counts of one channel.
    pixel_size_um, z_step_um : float
        Side of a pixel and distance of slices [µm].
    bit_depth : int
        Effective bit depth [bit].
    pixel_size_y_um : float, optional
        Height of a pixel where it differs [µm].

    Returns
    -------
    BeadField
        May hold no bead at all. One bad bead never aborts the others.

    Notes
    -----
    The Gaussian's axes lie along the axes of the image: a bead elongated obliquely is measured by its projections on them.
    The size of the bead is not deconvolved: use beads smaller than a third of the expected width. Of five beads or more, one
    laterally wider than one and a half times the median, and than the median by six robust standard deviations, is rejected
    as merged: several beads that touch.
    """
    size = (z_step_um, pixel_size_y_um or pixel_size_um, pixel_size_um)
    beads, rejected = [], []
    candidates = find_beads(stack, largest_count=2**bit_depth - 1)
    depths = [one.width_z for one in candidates if one.rejection is None]
    least_depth = round(float(np.median(depths))) if depths else 0
    for candidate in candidates:
        if candidate.rejection is not None:
            rejected.append(candidate)
            continue
        try:
            beads.append(_fitted(stack, candidate, size, least_depth))
        except FitError:
            rejected.append(replace(candidate, rejection="fit"))
    if are_undersampled(beads, size):
        beads, unclear = refit_undersampled(stack, beads, voxel_size_zyx_um=size)
    else:
        beads, unclear = _without_narrow(beads, size)
    rejected += unclear
    merged = _are_merged(beads)
    rejected += [
        replace(bead.candidate, rejection="merged") for bead, is_merged in zip(beads, merged, strict=True) if is_merged
    ]
    single = tuple(bead for bead, is_merged in zip(beads, merged, strict=True) if not is_merged)
    return BeadField(single, tuple(rejected))


def _fitted(stack: np.ndarray, candidate: Candidate, size: tuple[float, float, float], least_depth: int) -> Bead:
    """Fit a bead in no fewer slices than the median one: noise that narrows a bead would narrow its box as well."""
    deep = replace(candidate, width_z=max(candidate.width_z, least_depth))
    bead = fit_bead(stack, deep, voxel_size_zyx_um=size, narrowest_px=0.0)
    return replace(bead, candidate=replace(bead.candidate, width_z=candidate.width_z))


def _without_narrow(beads: list[Bead], size: tuple[float, float, float]) -> tuple[list[Bead], list[Candidate]]:
    """Take out the beads of which a width is below what the pixels tell."""
    are_told = [
        all(
            width.fwhm_um >= NARROWEST_PX * voxel
            for width, voxel in zip((bead.axial, bead.lateral_y, bead.lateral_x), size, strict=True)
        )
        for bead in beads
    ]
    told = [bead for bead, is_told in zip(beads, are_told, strict=True) if is_told]
    return told, [
        replace(bead.candidate, rejection="fit") for bead, is_told in zip(beads, are_told, strict=True) if not is_told
    ]


def _are_merged(beads: list[Bead]) -> np.ndarray:
    """Say of each bead whether it is much wider than the others, across or down."""
    widths = np.array([(bead.lateral_y.fwhm_um, bead.lateral_x.fwhm_um) for bead in beads]).reshape(-1, 2)
    if len(beads) < _LEAST_COMPARED:
        return np.zeros(len(beads), dtype=bool)
    middle = np.median(widths, axis=0)
    scatter = np.array([robust_scatter(column) for column in widths.T])
    longest = np.maximum(_MERGED_RATIO * middle, middle + _MERGED_SIGMAS * scatter)
    return np.asarray((widths > longest).any(axis=1))


class BeadView:
    """The beads of one channel, found and fitted once for all bead attributes.

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        Counts.
    pixel_size_um, z_step_um : float
        Side of a pixel and distance of slices [µm].
    bit_depth : int
        Effective bit depth [bit].
    pixel_size_y_um : float, optional
        Height of a pixel where it differs [µm].
    optics : OpticalSettings, optional
        Technique, objective and wavelength, for what theory allows.
    """

    def __init__(
        self,
        stack: np.ndarray,
        *,
        pixel_size_um: float,
        z_step_um: float,
        bit_depth: int,
        pixel_size_y_um: float | None = None,
        optics: OpticalSettings | None = None,
    ) -> None:
        self.stack, self._optics = stack, optics
        self._sizes = {
            "pixel_size_um": pixel_size_um,
            "z_step_um": z_step_um,
            "pixel_size_y_um": pixel_size_y_um or pixel_size_um,
        }
        self._bit_depth = bit_depth

    @cached_property
    def field(self) -> BeadField:
        """All beads."""
        return measure_beads(self.stack, bit_depth=self._bit_depth, **self._sizes)

    @property
    def voxel_size_zyx_um(self) -> tuple[float, float, float]:
        """Depth, height and width of a voxel [µm]."""
        return self._sizes["z_step_um"], self._sizes["pixel_size_y_um"], self._sizes["pixel_size_um"]

    @property
    def theory(self) -> Resolution:
        """Widths of an aberration-free instrument.

        Raises
        ------
        MissingMetadataError
            The optics are not known.
        """
        if self._optics is None:
            raise MissingMetadataError(
                "What theory allows needs the technique, the aperture, the immersion and the wavelength.",
                hint="Enter the objective and the wavelengths of the optical path.",
            )
        return theoretical_resolution(self._optics)

    @cached_property
    def line_beads(self) -> tuple[Bead, ...]:
        """The beads fitted by three 1-D Gaussians, each explaining 95 % of the variance, as MetroloJ_QC wants it.

        Raises
        ------
        TooFewBeadsError
            There is none.
        """
        found = []
        for bead in self.beads:
            try:
                fit = fit_bead(self.stack, bead.candidate, voxel_size_zyx_um=self.voxel_size_zyx_um, method="1d")
            except FitError:
                continue
            if min(fit.r2_lateral, fit.r2_axial) >= METROLOJ_R2:
                found.append(fit)
        if not found:
            raise TooFewBeadsError(
                "No bead is fitted by three 1-D Gaussians with R² of 0.95.",
                hint="Scan brighter beads, with slices well above and below their focus.",
            )
        return tuple(found)

    @property
    def beads(self) -> tuple[Bead, ...]:
        """The measured beads.

        Raises
        ------
        TooFewBeadsError
            There is none.
        """
        if not self.field.beads:
            reasons = (
                ", ".join(f"{count} {reason}" for reason, count in self.field.reasons().items()) or "none was found"
            )
            raise TooFewBeadsError(
                f"No bead of the stack can be measured ({reasons}).",
                hint="Scan isolated, unsaturated beads with slices well above and below their focus.",
                rejected=self.field.reasons(),
            )
        return self.field.beads


def median_along(
    axis: Literal["axial", "lateral_y", "lateral_x"], *, lines: bool = False
) -> Callable[[BeadView], Quantity]:
    """Make the figure of a view that is the median width of its beads along an axis [µm].

    Parameters
    ----------
    axis : {"axial", "lateral_y", "lateral_x"}
        Along z, y or x.
    lines : bool
        Whether the widths are those of 1-D Gaussians through the brightest voxels, as MetroloJ_QC fits.

    Returns
    -------
    callable
        Gives the median and its standard error [µm], with the number of beads; raises TooFewBeadsError where none can be
        measured.
    """

    def figure(view: BeadView) -> Quantity:
        beads = view.line_beads if lines else view.beads
        return median_width([getattr(bead, axis) for bead in beads])

    return figure


fwhm_lateral_x = median_along("lateral_x")
fwhm_lateral_y = median_along("lateral_y")
fwhm_axial = median_along("axial")


def lateral_asymmetry(view: BeadView) -> Quantity:
    """Median over the beads of smaller over larger lateral width (MetroloJ_QC's convention: min/max) [1].

    Parameters
    ----------
    view : BeadView
        The beads of one channel.

    Returns
    -------
    Quantity
        1 for round beads, its standard error [1], and the number of beads.

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    """
    pairs = [(bead.lateral_x, bead.lateral_y) for bead in view.beads]
    widths, errors = (
        np.array([[getattr(width, name) for width in pair] for pair in pairs])
        for name in ("fwhm_um", "standard_error_um")
    )
    ratios = widths.min(axis=1) / widths.max(axis=1)
    median, error = noisy_median(ratios, ratios * np.hypot(*(errors / widths).T))
    return Quantity(median, error, len(pairs))


def bead_count(view: BeadView) -> Quantity:
    """Beads that passed the selection [1].

    Parameters
    ----------
    view : BeadView
        The beads of one channel.

    Returns
    -------
    Quantity
        Number of beads that were measured [1].

    Raises
    ------
    TooFewBeadsError
        None did.
    """
    return Quantity(float(len(view.beads)), n=len(view.beads))


def median_width(widths: list[Width]) -> Quantity:
    """Return the median of the widths of several beads.

    Parameters
    ----------
    widths : list of Width
        One a bead [µm].

    Returns
    -------
    Quantity
        Median and the larger of its standard errors, of the scatter of the beads and of their fits [µm].
    """
    values = np.array([width.fwhm_um for width in widths])
    median, error = noisy_median(values, np.array([width.standard_error_um for width in widths]))
    return Quantity(median, error, len(values))
