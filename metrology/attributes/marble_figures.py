"""Size, roundness, edges and contrast of the marbles of a plane, as medians over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metrology.attributes.bead_fit import noisy_median
from metrology.attributes.quantity import Quantity

if TYPE_CHECKING:
    from metrology.attributes.marbles import MarbleView

WIDTH_10_90_PER_SIGMA = 2 * 1.2815515655446004
"""10–90 % width of a step blurred by a Gaussian over its sigma: twice the 90 % quantile of the normal distribution."""


def marble_diameter(view: MarbleView) -> Quantity:
    """Median diameter of the marbles, from edge to edge at half height [µm].

    Parameters
    ----------
    view : MarbleView
        The marbles of one plane.

    Returns
    -------
    Quantity
        Median and its standard error [µm], with the number of marbles.

    Raises
    ------
    MissingMetadataError
        The file does not say its pixel size.
    ConstantImageError, TooFewObjectsError
        There is nothing to measure.
    """
    pixel_um = view.pixel_size_um
    return _typical([(2 * m.radius_px * pixel_um, 2 * m.radius_error_px * pixel_um) for m in view.marbles])


def marble_roundness(view: MarbleView) -> Quantity:
    """Median over the marbles of the smaller over the larger radius, 1 for circles but for noise [1].

    Parameters
    ----------
    view : MarbleView
        The marbles of one plane.

    Returns
    -------
    Quantity
        Median and its standard error [1], with the number of marbles.

    Raises
    ------
    ConstantImageError, TooFewObjectsError
        There is nothing to measure.
    """
    return _typical([(m.roundness, m.roundness_error) for m in view.marbles])


def edge_width_10_90(view: MarbleView) -> Quantity:
    """Median over the marbles of the distance in which the edge rises from 10 to 90 % [µm].

    Parameters
    ----------
    view : MarbleView
        The marbles of one plane.

    Returns
    -------
    Quantity
        Median and its standard error [µm], with the number of marbles.

    Raises
    ------
    MissingMetadataError
        The file does not say its pixel size.
    ConstantImageError, TooFewObjectsError
        There is nothing to measure.
    """
    per_px = WIDTH_10_90_PER_SIGMA * view.pixel_size_um
    return _typical([(m.sigma_px * per_px, m.sigma_error_px * per_px) for m in view.marbles])


def marble_contrast(view: MarbleView) -> Quantity:
    """Median over the marbles of (inside − outside)/(inside + outside) [1].

    Parameters
    ----------
    view : MarbleView
        The marbles of one plane.

    Returns
    -------
    Quantity
        Median and its standard error from the scatter of the marbles [1], with their number.

    Raises
    ------
    ConstantImageError, TooFewObjectsError
        There is nothing to measure.

    Notes
    -----
    Michelson's contrast of raw counts: an offset of the detector lowers it.
    """
    return _typical([((m.inside - m.outside) / (m.inside + m.outside), 0.0) for m in view.marbles])


def _typical(pairs: list[tuple[float, float]]) -> Quantity:
    values, errors = np.array(pairs).T
    median, error = noisy_median(values, errors)
    return Quantity(median, error if error > 0 else None, len(values))
