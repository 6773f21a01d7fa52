"""What is told of the beads of one channel beside their widths: against theory, as MetroloJ_QC, shape and contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from common.errors import FitError
from metrology.attributes.bead_fit import noisy_median
from metrology.attributes.bead_shape import axial_skew, focal_difference
from metrology.attributes.beads import median_width
from metrology.attributes.quantity import Quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrology.attributes.bead_fit import Bead
    from metrology.attributes.bead_shape import Shape
    from metrology.attributes.beads import BeadView


def fwhm_ratio_lateral_x(view: BeadView) -> Quantity:
    """Median width of the beads along x over what theory allows [1].

    Parameters
    ----------
    view : BeadView
        The beads of one channel and its optics.

    Returns
    -------
    Quantity
        1 for an aberration-free instrument [1], its standard error and the number of beads.

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    MissingMetadataError
        The optics are not known.
    """
    return fwhm_ratio(median_width([bead.lateral_x for bead in view.beads]), view.theory.fwhm_lateral_um)


def fwhm_ratio_lateral_y(view: BeadView) -> Quantity:
    """Median width of the beads along y over what theory allows [1].

    Parameters
    ----------
    view : BeadView
        The beads of one channel and its optics.

    Returns
    -------
    Quantity
        1 for an aberration-free instrument [1], its standard error and the number of beads.

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    MissingMetadataError
        The optics are not known.
    """
    return fwhm_ratio(median_width([bead.lateral_y for bead in view.beads]), view.theory.fwhm_lateral_um)


def fwhm_ratio_axial(view: BeadView) -> Quantity:
    """Median width of the beads along z over what theory allows [1].

    Parameters
    ----------
    view : BeadView
        The beads of one channel and its optics.

    Returns
    -------
    Quantity
        1 for an aberration-free instrument [1], its standard error and the number of beads.

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    MissingMetadataError
        The optics are not known.
    """
    return fwhm_ratio(median_width([bead.axial for bead in view.beads]), view.theory.fwhm_axial_um)


def metroloj_fwhm_lateral_x(view: BeadView) -> Quantity:
    """Median width along x of 1-D Gaussians through the brightest voxels, as MetroloJ_QC fits [µm].

    Parameters
    ----------
    view : BeadView
        The beads of one channel.

    Returns
    -------
    Quantity
        Median and its standard error [µm], with the number of beads.

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    """
    return median_width([bead.lateral_x for bead in view.line_beads])


def metroloj_fwhm_lateral_y(view: BeadView) -> Quantity:
    """Median width along y of 1-D Gaussians through the brightest voxels, as MetroloJ_QC fits [µm].

    Parameters
    ----------
    view : BeadView
        The beads of one channel.

    Returns
    -------
    Quantity
        Median and its standard error [µm], with the number of beads.

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    """
    return median_width([bead.lateral_y for bead in view.line_beads])


def metroloj_fwhm_axial(view: BeadView) -> Quantity:
    """Median width along z of 1-D Gaussians through the brightest voxels, as MetroloJ_QC fits [µm].

    Parameters
    ----------
    view : BeadView
        The beads of one channel.

    Returns
    -------
    Quantity
        Median and its standard error [µm], with the number of beads.

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    """
    return median_width([bead.axial for bead in view.line_beads])


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
