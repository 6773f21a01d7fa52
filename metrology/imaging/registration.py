"""Find how far two images of the same field are shifted, to a fraction of a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from common.errors import ConstantImageError, RegistrationError

UPSAMPLING = 50  # steps in a pixel
MIN_OVERLAP = 0.5  # of the field
MIN_CORRELATION = (
    0.15  # of the details after the shift: unrelated real fields reach 0.05, very noisy frames of one field 0.28
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
        One minus the correlation of the details (1 to 4 px) in the overlap after the shift; 0 for identical images.
    """

    shift_yx_px: tuple[float, float]
    shift_um: float | None
    overlap_fraction: float
    residual: float


def register(reference: np.ndarray, moving: np.ndarray, *, pixel_size_um: float | None = None) -> Registration:
    """Find the shift between two images by phase correlation.

    Parameters
    ----------
    reference, moving : ndarray, shape (Y, X)
        Two images of the same field.
    pixel_size_um : float, optional
        Side of a pixel [µm].

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
    Shift only: rotation and magnification are not corrected. Images are apodised by a Hann window so that
    their edges do not count, and smoothed by one pixel, for the correlation only.

    References
    ----------
    Guizar-Sicairos, Thurman & Fienup, Opt. Lett. 33, 156 (2008).
    """
    if reference.shape != moving.shape:
        raise RegistrationError(
            f"The images have different sizes ({reference.shape} and {moving.shape}).",
            hint="Compare acquisitions made with the same protocol.",
        )
    if reference.min() == reference.max() or moving.min() == moving.max():
        raise ConstantImageError(
            "An image without contrast cannot be registered.",
            hint="Check that the lamp or laser was on and the sample in focus.",
        )
    shift = _phase_shift(reference, moving)
    shift_um = None if pixel_size_um is None else float(np.hypot(*shift) * pixel_size_um)
    overlap = float(np.prod([max(0.0, 1 - abs(s) / size) for s, size in zip(shift, reference.shape, strict=True)]))
    residual = 1 - _correlation(*crop_to_overlap(reference, moving, shift)) if overlap >= MIN_OVERLAP else 1.0
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


def _phase_shift(reference: np.ndarray, moving: np.ndarray) -> tuple[float, float]:
    """Find the shift to a pixel by phase, then to a fraction by the details of what both images show."""
    coarse = _peak(_smooth(reference), _smooth(moving), normalization="phase", upsampling=1)
    whole = (float(round(coarse[0])), float(round(coarse[1])))
    first, second = crop_to_overlap(reference, moving, whole)
    if min(first.shape) < MIN_OVERLAP * min(reference.shape):
        return coarse
    fine = _peak(_details(first), _details(second), normalization=None, upsampling=UPSAMPLING)
    return whole[0] + fine[0], whole[1] + fine[1]


def _peak(
    reference: np.ndarray, moving: np.ndarray, *, normalization: str | None, upsampling: int
) -> tuple[float, float]:
    window = np.outer(np.hanning(reference.shape[0] + 2)[1:-1], np.hanning(reference.shape[1] + 2)[1:-1])
    shift, _, _ = phase_cross_correlation(
        reference * window, moving * window, upsample_factor=upsampling, normalization=normalization
    )
    return float(shift[0]), float(shift[1])


def _smooth(image: np.ndarray) -> np.ndarray:
    smooth = ndimage.gaussian_filter(image.astype(np.float64), 1.0)
    return np.asarray(smooth - smooth.mean())


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Correlate the details of two images: slow shading and single-pixel noise are in any two images."""
    a, b = (_details(image) for image in (first, second))
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum() / scale) if scale > 0 else 0.0


def _details(image: np.ndarray) -> np.ndarray:
    counts = image.astype(np.float64)
    band = ndimage.gaussian_filter(counts, 1.0) - ndimage.gaussian_filter(counts, 4.0)
    return np.asarray(band - band.mean())
