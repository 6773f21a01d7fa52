"""What a z-stack of any sample tells: where it is brightest, and over which depth."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from common.errors import AxesError, FitError, MissingMetadataError
from metrology.attributes.gaussian import FWHM_PER_SIGMA, fit_gaussian
from metrology.attributes.quantity import Quantity


class StackView:
    """The slices of one channel.

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        Counts.
    z_step_um : float, optional
        Distance of slices [µm].
    """

    def __init__(self, stack: np.ndarray, *, z_step_um: float | None = None) -> None:
        if stack.ndim != 3 or stack.shape[0] < 2:
            raise AxesError("There is one slice only.", hint="Scan a z-stack.")
        self._stack, self.z_step_um = stack, z_step_um

    @cached_property
    def means(self) -> np.ndarray:
        """Mean of each slice, shape (Z,) [count]."""
        return np.array([plane.mean(dtype=np.float64) for plane in self._stack])


def brightest_slice(view: StackView) -> Quantity:
    """Slice with the highest mean, counted from 1: the one that a stack is measured on [1].

    Parameters
    ----------
    view : StackView
        The slices of one channel.

    Returns
    -------
    Quantity
        From 1 to the number of slices; the first of equals.
    """
    return Quantity(float(np.argmax(view.means)) + 1, n=len(view.means))


def axial_profile_width(view: StackView) -> Quantity:
    """Full width at half maximum of the mean brightness over depth [µm].

    Parameters
    ----------
    view : StackView
        The slices of one channel.

    Returns
    -------
    Quantity
        Width of a Gaussian on a constant ground and its standard error [µm], with the number of slices.

    Raises
    ------
    MissingMetadataError
        The file does not say the distance of its slices.
    FitError
        The profile is no peak, or the stack does not reach around it.

    Notes
    -----
    For a thin layer or a mirror this is the optical section; for a thick sample it is the sample's depth.
    """
    if view.z_step_um is None:
        raise MissingMetadataError(
            "The width along z needs the distance of the slices.",
            hint="Type the distance in, or export the image as OME-TIFF.",
            field="z_step_um",
        )
    means = view.means
    above = int(np.count_nonzero(means > (means.max() + means.min()) / 2))
    fit = fit_gaussian(means, [slice(0, len(means))], [float(np.argmax(means))], [float(max(above, 1))])
    width = fit.sigma[0] * FWHM_PER_SIGMA
    if fit.height <= 0 or fit.r2 < 0.8 or not 1 <= width <= len(means) or not 0 <= fit.centre[0] <= len(means) - 1:
        raise FitError(
            "The brightness over depth is no peak within the stack.",
            hint="Scan slices from well below to well above the sample.",
        )
    return Quantity(width * view.z_step_um, fit.sigma_error[0] * FWHM_PER_SIGMA * view.z_step_um, len(means))
