"""What is told of the beads of one channel beside their widths: against theory, as MetroloJ_QC, shape and contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from common.errors import FitError
from metrology.attributes.bead_fit import noisy_median
from metrology.attributes.bead_shape import axial_skew, focal_difference
from metrology.attributes.beads import fwhm_axial, fwhm_lateral_x, fwhm_lateral_y, median_along
from metrology.attributes.quantity import Quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrology.attributes.bead_fit import Bead
    from metrology.attributes.bead_shape import Shape
    from metrology.attributes.beads import BeadView


def ratio_to_theory(
    figure: Callable[[BeadView], Quantity], theory: Literal["fwhm_axial_um", "fwhm_lateral_um"]
) -> Callable[[BeadView], Quantity]:
    """Make the figure of a view that is a width of its beads over what theory allows [1].

    Parameters
    ----------
    figure : callable
        Gives the width [µm].
    theory : {"fwhm_axial_um", "fwhm_lateral_um"}
        Which width of an aberration-free instrument it is divided by.

    Returns
    -------
    callable
        Gives 1 for an aberration-free instrument [1], with its standard error and the number of beads; raises
        TooFewBeadsError where none can be measured and MissingMetadataError where the optics are not known.
    """
    return lambda view: fwhm_ratio(figure(view), getattr(view.theory, theory))


fwhm_ratio_lateral_x = ratio_to_theory(fwhm_lateral_x, "fwhm_lateral_um")
fwhm_ratio_lateral_y = ratio_to_theory(fwhm_lateral_y, "fwhm_lateral_um")
fwhm_ratio_axial = ratio_to_theory(fwhm_axial, "fwhm_axial_um")

metroloj_fwhm_lateral_x = median_along("lateral_x", lines=True)
metroloj_fwhm_lateral_y = median_along("lateral_y", lines=True)
metroloj_fwhm_axial = median_along("axial", lines=True)


def astigmatism(view: BeadView) -> Quantity:
    """Return the distance between the foci of rows and columns, median over the beads [µm].

    Parameters
    ----------
    view : BeadView
        The beads of one channel.

    Returns
    -------
    Quantity
        Length of the distance, its standard error [µm], and the number of beads that tell it.

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    FitError
        No bead tells it.
    """
    return _typical_shape(view, lambda bead: focal_difference(view.stack, bead, z_step_um=view.voxel_size_zyx_um[0]))


def axial_asymmetry(view: BeadView) -> Quantity:
    """Return how unlike the halves of the beads above and below the focus are, median over the beads [1].

    Parameters
    ----------
    view : BeadView
        The beads of one channel.

    Returns
    -------
    Quantity
        0 for symmetric beads, 1 for beads with one flank only [1], its standard error, and the number of beads that tell it.

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    FitError
        No bead tells it.
    """
    return _typical_shape(view, lambda bead: axial_skew(view.stack, bead))


def sbr(view: BeadView) -> Quantity:
    """Return the peak of the beads over their background, offset included, median over the beads [1].

    Parameters
    ----------
    view : BeadView
        The beads of one channel.

    Returns
    -------
    Quantity
        Median and its standard error from the scatter of the beads [1], with their number.

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    FitError
        Their background is zero.
    """
    pairs = [(bead.amplitude + bead.background, bead.background) for bead in view.beads]
    ratios = np.array([peak / base for peak, base in pairs if base > 0])
    if not ratios.size:
        raise FitError("The background of the beads is zero.", hint="Raise the offset until no dark pixel is at zero.")
    median, error = noisy_median(ratios, np.zeros(len(ratios)))
    return Quantity(median, error if len(ratios) > 1 else None, len(ratios))


def fwhm_ratio(measured: Quantity, theory_um: float) -> Quantity:
    """Divide a measured width by what theory allows [1].

    Parameters
    ----------
    measured : Quantity
        Width [µm].
    theory_um : float
        Width of an ideal instrument, from `instruments.optics.resolution` [µm].

    Returns
    -------
    Quantity
        1 for an ideal instrument.
    """
    error = None if measured.uncertainty is None else measured.uncertainty / theory_um
    return Quantity(measured.value / theory_um, error, measured.n)


def _typical_shape(view: BeadView, figure: Callable[[Bead], Shape]) -> Quantity:
    """Return the length of the median of a signed figure over the beads that tell it."""
    shapes: list[Shape] = []
    refused = FitError("No bead tells it.", hint="Scan brighter beads with finer slices.")
    for bead in view.beads:
        try:
            shapes.append(figure(bead))
        except FitError as why:
            refused = why
    if not shapes:
        raise refused
    values, errors = np.array([(one.value, one.standard_error) for one in shapes]).T
    median, error = noisy_median(values, errors)
    return Quantity(abs(median), error, len(shapes))
