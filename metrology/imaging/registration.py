"""Find how far two images of the same field are shifted, to a fraction of a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit
from scipy import fft, ndimage

from common.errors import ConstantImageError, RegistrationError
from metrology.imaging.planes import block_mean

LARGEST_PX = 1024
"""Of larger images the shift is found coarsely on means of blocks, then on the part of this side with most contrast [px]."""
_CHECK_PX = 8  # means of blocks to a step of the search for the part with most contrast
MIN_OVERLAP = 0.5  # of the field
MIN_CORRELATION = (
    0.15  # of the details after the shift: unrelated tissue reaches 0.07, very noisy frames of one field 0.28
)


@dataclass(frozen=True, slots=True)
class Registration:
    """The shift between two images and how well they agree after it.

    Parameters
    ----------
    shift_yx_px : tuple of float
        Rows and columns by which the moving image must be shifted to lie on the reference [px].
    shift_um : float or None
        Length of that shift [µm]; None without a pixel size.
    overlap_fraction : float
        Part of the field that both show.
    residual : float
        One minus the correlation of the details (1 to 4 px) after the shift, most in the middle of the overlap; 0 for
        identical images.
    """

    shift_yx_px: tuple[float, float]
    shift_um: float | None
    overlap_fraction: float
    residual: float


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """What the first look of a registration needs of an image; that of a reference serves all that are laid over it.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the image [px].
    step : int
        Side of the blocks that are averaged [px].
    means : ndarray, shape (Y, X)
        Their means; the image itself where the step is 1.
    spectrum : ndarray of complex64, shape (Y, X // 2 + 1)
        Of the means, faded out towards their borders.
    """

    shape: tuple[int, ...]
    step: int
    means: np.ndarray
    spectrum: np.ndarray


def overview(image: np.ndarray) -> Overview:
    """Take the first look at an image.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Counts.

    Returns
    -------
    Overview
        What `register` needs of it besides its pixels.
    """
    step = _step(image.shape)
    means = block_mean(image, step)
    return Overview(image.shape, step, means, _spectrum(means))


def overview_bytes(shape: tuple[int, int]) -> int:
    """Say how much memory the overview of an image takes at most.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns [px].

    Returns
    -------
    int
        Means and spectrum, four bytes a pixel each; with a step of 1 the means are the image itself [byte].
    """
    step = _step(shape)
    return 8 * math.prod(size // step + 1 for size in shape)


def register(
    reference: np.ndarray, moving: np.ndarray, *, pixel_size_um: float | None = None, known: Overview | None = None
) -> Registration:
    """Find the shift between two images by correlating their details.

    Parameters
    ----------
    reference, moving : ndarray, shape (Y, X)
        Two images of the same field.
    pixel_size_um : float, optional
        Side of a pixel [µm].
    known : Overview, optional
        That of the reference, where it is at hand; one of an image of another size is not used.

    Returns
    -------
    Registration
        Shift, overlap and residual.

    Raises
    ------
    RegistrationError
        The images have different sizes, overlap by less than half or do not correlate after the best shift.
    ConstantImageError
        One of the images has no contrast.

    Notes
    -----
    Shift only: rotation and magnification are not corrected. The shift is where the correlation of the details (1 to 4 px)
    is largest, interpolated exactly by its spectrum. Images are faded out towards their borders (Hann), so that edges do
    not count, and so that of the lines of a grid the nearest is found. Fields of a few objects that are all alike (marbles)
    may agree where some of them coincide; a shift far beyond what the stage repeats then tells.
    """
    if reference.shape != moving.shape:
        raise RegistrationError(
            f"The images have different sizes ({reference.shape} and {moving.shape}).",
            hint="Compare acquisitions made with the same protocol.",
        )
    if _is_constant(reference) or _is_constant(moving):
        raise ConstantImageError(
            "An image without contrast cannot be registered.",
            hint="Check that the lamp or laser was on and the sample in focus.",
        )
    if known is None or known.shape != reference.shape:
        known = overview(reference)
    shift, residual = _find(reference, moving, known)
    shift_um = None if pixel_size_um is None else math.hypot(*shift) * pixel_size_um
    overlap = _overlap(shift, reference.shape)
    if overlap < MIN_OVERLAP or residual > 1 - MIN_CORRELATION:
        raise RegistrationError(
            "The image and its reference do not show the same field.",
            hint="Choose as reference an acquisition of the same region of the same sample.",
            shift_yx_px=list(shift),
            overlap_fraction=overlap,
            residual=residual,
        )
    return Registration(shift, shift_um, overlap, residual)


def crop_to_overlap(
    reference: np.ndarray, moving: np.ndarray, shift_yx_px: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Crop two images to the field that both show.

    Parameters
    ----------
    reference, moving : ndarray, shape (Y, X)
        Two images.
    shift_yx_px : tuple of float
        Shift from `register`, used to the nearest whole pixel so that no pixel value is changed by interpolation.

    Returns
    -------
    tuple of ndarray
        Views of both images, of equal shape.
    """
    first: list[slice] = []
    second: list[slice] = []
    for shift, size in zip(shift_yx_px, reference.shape, strict=True):
        step = round(shift)
        first.append(slice(max(0, step), size + min(0, step)))
        second.append(slice(max(0, -step), size + min(0, -step)))
    return reference[tuple(first)], moving[tuple(second)]


def _is_constant(image: np.ndarray) -> bool:
    """Say whether all pixels have one value; the first two rows tell it of nearly every image that has contrast."""
    first = image.flat[0]
    return bool((image[:2] == first).all() and (image == first).all())


def _step(shape: tuple[int, ...]) -> int:
    """Return the side of the blocks whose means are small enough for the first look [px]."""
    return math.ceil(max(shape) / LARGEST_PX)


def _overlap(shift: tuple[float, float], shape: tuple[int, ...]) -> float:
    return math.prod(max(0.0, 1 - abs(step) / size) for step, size in zip(shift, shape, strict=True))


def _find(reference: np.ndarray, moving: np.ndarray, known: Overview) -> tuple[tuple[float, float], float]:
    """Return the shift [px], and one minus the correlation of the details after it."""
    step, small = known.step, known.means
    coarse = _correlation(known.spectrum, _spectrum(block_mean(moving, step)), small.shape)
    down, right = coarse.peak()
    whole = (float(down * step), float(right * step))
    if _overlap(whole, reference.shape) < MIN_OVERLAP:
        return whole, 1.0
    if step == 1 and not any(whole):
        return coarse.summit(0, 0)
    first, second = crop_to_overlap(reference, moving, whole)
    if step > 1:
        part = _most_contrast(small, step, first.shape)
        first, second = first[part], second[part]
    # the last lines are faded anyway
    quick = tuple(slice(fft.prev_fast_len(size, real=True)) for size in first.shape)
    first, second = first[quick], second[quick]
    fine = _correlation(_spectrum(first), _spectrum(second), first.shape)
    (left_down, left_right), residual = fine.summit(*fine.peak(reach=2 * step))
    return (whole[0] + left_down, whole[1] + left_right), residual


@dataclass(frozen=True, slots=True, eq=False)
class _Correlation:
    """The correlation of the details of two images, by its spectrum.

    Parameters
    ----------
    spectrum : ndarray of complex64, shape (Y, X // 2 + 1)
        The half of it that an image of real counts needs.
    shape : tuple of int
        Of the images.
    energy : float
        What it would be, at no shift, of two images that agree.
    """

    spectrum: np.ndarray
    shape: tuple[int, ...]
    energy: float

    def peak(self, reach: int | None = None) -> tuple[int, int]:
        """Return the whole shift, within a reach if one is given, after which the details correlate best [px]."""
        heights = fft.irfft2(self.spectrum, self.shape)
        if reach is not None:
            near = np.arange(-reach, reach + 1)
            at = int(np.argmax(heights[np.ix_(near, near)]))
            return int(near[at // near.size]), int(near[at % near.size])
        down, right = np.unravel_index(int(np.argmax(heights)), self.shape)
        rows, columns = self.shape
        return int(down + rows // 2) % rows - rows // 2, int(right + columns // 2) % columns - columns // 2

    def summit(self, down: int, right: int) -> tuple[tuple[float, float], float]:
        """Return the shift near a whole one [px] where the correlation is largest, and one minus the correlation."""
        if not self.energy:
            return (0.0, 0.0), 1.0
        y, x, height = _summit(self.spectrum, down, right, self.shape[1])
        return (y, x), 1 - height / self.energy


def _correlation(first: np.ndarray, second: np.ndarray, shape: tuple[int, ...]) -> _Correlation:
    """Return the correlation of the details of two images of a shape, given their spectra."""
    product, energies = _multiply(first, second, _details(shape), shape[1])
    return _Correlation(product, shape, math.sqrt(energies[0]) * math.sqrt(energies[1]))


@njit(cache=True, nogil=True)
def _multiply(
    first: np.ndarray, second: np.ndarray, weight: np.ndarray, columns: int
) -> tuple[np.ndarray, tuple[float, float]]:
    """Return the weighted product of two spectra, and the energy of each over both halves of it."""
    rows, half = first.shape
    product = np.empty((rows, half), np.complex64)
    energy, other = 0.0, 0.0
    for i in range(rows):
        for j in range(half):
            one, two, w = first[i, j], second[i, j], weight[i, j]
            product[i, j] = w * (one * two.conjugate())
            halves = 1.0 if j == 0 or 2 * j == columns else 2.0
            energy += halves * (w * (one * one.conjugate())).real  # in the digits of the product
            other += halves * (w * (two * two.conjugate())).real
    return product, (energy, other)


def _spectrum(image: np.ndarray) -> np.ndarray:
    """Return the spectrum of an image that is faded out towards its borders, shape (Y, X // 2 + 1)."""
    counts = image.astype(np.float32)
    counts -= counts.mean(dtype=np.float64)
    rows, columns = (_window(size) for size in image.shape)
    counts *= rows[:, np.newaxis]
    counts *= columns
    return np.asarray(fft.rfft2(counts))


@lru_cache(maxsize=8)
def _window(size: int) -> np.ndarray:
    return np.asarray(np.hanning(size + 2)[1:-1], np.float32)


@lru_cache(maxsize=4)
def _blur(shape: tuple[int, ...], sigma_px: float) -> np.ndarray:
    """Return what a Gaussian blur does to the spectrum of an image."""
    frequencies = np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1])
    rows, columns = (np.exp(-2 * np.square(np.pi * sigma_px * one)) for one in frequencies)
    return np.asarray(np.outer(rows, columns), np.float32)


@lru_cache(maxsize=4)
def _details(shape: tuple[int, ...]) -> np.ndarray:
    """Return the weight of each frequency in a correlation of details: slow shading and single-pixel noise count little."""
    return np.asarray(np.square(_blur(shape, 1.0) - _blur(shape, 4.0)))


@njit(cache=True, nogil=True)
def _summit(product: np.ndarray, down: int, right: int, columns: int) -> tuple[float, float, float]:
    """Return where, near a whole shift, the correlation with this spectrum is largest, and how large: by Newton's method."""
    rows, half = product.shape
    y, x, height = float(down), float(right), 0.0
    omega_y = 2 * np.pi * np.where(2 * np.arange(rows) <= rows, np.arange(rows), np.arange(rows) - rows) / rows
    omega_x = 2 * np.pi * np.arange(half) / columns
    for _ in range(20):
        sums = np.zeros((3, half), np.complex128)  # down each column, with powers of the frequency along it
        for i in range(rows):
            turn = np.exp(1j * omega_y[i] * y)
            for j in range(half):
                turned = product[i, j] * turn if j == 0 or 2 * j == columns else 2 * product[i, j] * turn
                sums[0, j] += turned
                sums[1, j] += omega_y[i] * turned
                sums[2, j] += omega_y[i] ** 2 * turned
        sums *= np.exp(1j * omega_x * x)
        height = sums[0].real.sum()
        slope_y, slope_x = -sums[1].imag.sum(), -(omega_x * sums[0].imag).sum()
        bend_y, bend_yx = -sums[2].real.sum(), -(omega_x * sums[1].real).sum()
        bend_x = -(omega_x * omega_x * sums[0].real).sum()
        determinant = bend_y * bend_x - bend_yx * bend_yx
        if bend_y >= 0 or determinant <= 0:
            break
        step_y = (bend_x * slope_y - bend_yx * slope_x) / determinant
        step_x = (bend_y * slope_x - bend_yx * slope_y) / determinant
        if max(abs(y - step_y - down), abs(x - step_x - right)) > 1 or max(abs(step_y), abs(step_x)) < 1e-5:
            break
        y, x = y - step_y, x - step_x
    return y, x, height


def _most_contrast(small: np.ndarray, step: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the square of the largest side that is registered in which an image varies most, given its means of blocks."""
    side = max(LARGEST_PX // (step * _CHECK_PX), 1)  # in steps of several means: the place need not be exact
    values = small.astype(np.float32)
    values -= values.mean()
    mean, square = (
        ndimage.uniform_filter(block_mean(one, _CHECK_PX), side, mode="nearest") for one in (values, np.square(values))
    )
    variance, half = square - np.square(mean), side // 2
    down, right = (max(0, size // (step * _CHECK_PX) - side) + 1 for size in shape)
    allowed = variance[half : half + down, half : half + right]
    at = np.unravel_index(int(np.argmax(allowed)), allowed.shape)
    top, left = (int(one) * step * _CHECK_PX for one in at)
    return slice(top, top + LARGEST_PX), slice(left, left + LARGEST_PX)
