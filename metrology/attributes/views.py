"""What is being measured, with the passes over its pixels that several attributes share, each made once."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from common.errors import ConstantImageError, RegistrationError
from metrology.attributes import kernels
from metrology.imaging.registration import Overview, Registration, crop_to_overlap, register


class PlaneView:
    """One plane to measure without a reference.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Counts.
    bit_depth : int
        Effective bit depth of the detector [bit].
    pixel_size_um, pixel_size_y_um : float, optional
        Width of a pixel, and its height where that differs [µm].
    """

    def __init__(
        self,
        plane: np.ndarray,
        *,
        bit_depth: int,
        pixel_size_um: float | None = None,
        pixel_size_y_um: float | None = None,
    ) -> None:
        self.counts = kernels.as_kernel_plane(plane)
        self.bit_depth = bit_depth
        self.pixel_size_um, self.pixel_size_y_um = pixel_size_um, pixel_size_y_um

    @property
    def largest_count(self) -> int:
        """Count at which the detector saturates."""
        return int(2**self.bit_depth - 1)

    @property
    def scale(self) -> float:
        """Factor from counts to the 8-bit equivalent."""
        return 255.0 / self.largest_count

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return int(self.counts.size)

    @cached_property
    def histogram(self) -> np.ndarray:
        """Number of pixels of each count from 0 to saturation; fractional counts are rounded."""
        counts = self.counts
        if counts.dtype != np.uint16:
            counts = kernels.as_kernel_plane(np.clip(np.rint(counts), 0, self.largest_count).astype(np.uint16))
        return np.asarray(kernels.histogram(counts, self.largest_count + 1))

    @cached_property
    def moments(self) -> tuple[float, float]:
        """Mean and population standard deviation [count]."""
        if self.counts.dtype != np.uint16:
            return float(self.counts.mean()), float(self.counts.std())
        total, squares = (int(one) for one in kernels.moments(self.counts).sum(axis=0))
        variance = (self.pixels * squares - total**2) / self.pixels**2  # whole numbers: nothing cancels
        return total / self.pixels, math.sqrt(variance)

    @cached_property
    def is_constant(self) -> bool:
        """Whether all pixels are equal."""
        first = self.counts[0, 0]
        return bool((self.counts[0] == first).all() and (self.counts == first).all())

    def require_contrast(self) -> None:
        """Refuse a plane whose pixels are all equal.

        Raises
        ------
        ConstantImageError
            They are.
        """
        if self.is_constant:
            raise ConstantImageError(
                "All pixels of the plane are equal, so it has no contrast to measure.",
                hint="Check that the shutter was open, the sample in focus and the detector not saturated.",
            )

    @cached_property
    def gradients(self) -> np.ndarray:
        """Row sums of `kernels.gradients` over the number of pixels, shape (4,) [count, count, count², count²]."""
        self.require_contrast()
        return np.asarray(kernels.gradients(self.counts).sum(axis=0)) / self.pixels

    @cached_property
    def cooccurrence(self) -> np.ndarray:
        """Probabilities of pairs of grey levels, one symmetric matrix an angle, shape (4, 64, 64)."""
        self.require_contrast()
        counts = kernels.cooccurrence(self.counts, kernels.LEVELS / self.largest_count)
        symmetric = counts + counts.transpose(0, 2, 1)
        return np.asarray(symmetric / symmetric.sum(axis=(1, 2), keepdims=True))

    @cached_property
    def finest_detail(self) -> float:
        """Median of the absolute diagonal wavelet coefficients that are not zero [count]; 0 where all are."""
        self.require_contrast()
        return _median_above_zero(kernels.diagonal_details(self.counts))


class PairView:
    """A plane and the same field in a reference acquisition, registered and cropped to what both show.

    Parameters
    ----------
    reference, plane : ndarray, shape (Y, X)
        Counts of the reference and of the plane to judge.
    bit_depth : int
        Effective bit depth of both [bit].
    pixel_size_um : float, optional
        Side of a pixel [µm].
    known : Overview, optional
        What the registration needs to know of the reference, where it is at hand.
    """

    def __init__(
        self,
        reference: np.ndarray,
        plane: np.ndarray,
        *,
        bit_depth: int,
        pixel_size_um: float | None = None,
        known: Overview | None = None,
    ) -> None:
        self._pair = (reference, plane)
        self._known = known
        self.bit_depth = bit_depth
        self.pixel_size_um = pixel_size_um

    @property
    def scale(self) -> float:
        """Factor from counts to the 8-bit equivalent."""
        return 255.0 / float(2**self.bit_depth - 1)

    @cached_property
    def registration(self) -> Registration:
        """Shift between the two."""
        return register(*self._pair, pixel_size_um=self.pixel_size_um, known=self._known)

    @cached_property
    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """Both planes cropped to their overlap and of one type."""
        reference, plane = self._pair
        if not (np.array_equal(reference[:2], plane[:2]) and np.array_equal(reference, plane)):  # two rows tell mostly
            reference, plane = crop_to_overlap(reference, plane, self.registration.shift_yx_px)
        first, second = kernels.as_kernel_plane(reference), kernels.as_kernel_plane(plane)
        if first.dtype != second.dtype:
            first, second = (kernels.as_kernel_plane(one.astype(np.float64)) for one in (first, second))
        if min(first.shape) < 11:
            raise RegistrationError(
                "The two images share less than 11 × 11 pixels.",
                hint="Choose a reference of the same region of the sample.",
            )
        return first, second

    @cached_property
    def mean_squares(self) -> tuple[float, float]:
        """Mean squared difference of intensities and of gradient moduli [8-bit equivalent²]."""
        first, second = self.counts
        sums = kernels.differences(first, second).sum(axis=0) * (self.scale**2 / first.size)
        return float(sums[0]), float(sums[1])


def _median_above_zero(details: np.ndarray) -> float:
    """Return the median of those that are not zero: count by the upper half of their bits, sort only the middle ones."""
    keys = kernels.as_kernel_plane((details.view(np.uint32) >> 16).astype(np.uint16))
    numbers = kernels.histogram(keys, 1 << 16)
    numbers[0] = 0
    below = np.cumsum(numbers)
    if not below[-1]:
        return 0.0
    ranks = np.array([below[-1] - 1, below[-1]]) // 2
    first, last = np.searchsorted(below, ranks, side="right")
    middle = np.sort(details[(keys >= first) & (keys <= last)])
    return float(middle[ranks - (below[first] - numbers[first])].mean(dtype=np.float64))
