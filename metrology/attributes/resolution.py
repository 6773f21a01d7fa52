"""The finest detail that an image shows, without beads: by decorrelation of one image, and by Fourier ring correlation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from common.errors import AxesError, FitError, MissingMetadataError
from metrology.attributes.decorrelation import cut_off, typical
from metrology.attributes.quantity import Quantity
from metrology.attributes.ring_correlation import correlation, crossing, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrology.attributes.frames import FramesView
    from metrology.attributes.views import PlaneView

LARGEST_FIELD_PX = 512
"""A larger plane is measured on four fields of this side, so that its cost is bounded [px]."""
SMALLEST_FIELD_PX = 64
"""A smaller plane has too few spatial frequencies [px]."""


def resolution_decorrelation(view: PlaneView) -> Quantity:
    """Resolution of a single image by decorrelation analysis [µm].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        Reciprocal of the cut-off frequency [µm] and its standard error from the scatter between parts of the field.

    Raises
    ------
    MissingMetadataError
        The file does not say its pixel size.
    ConstantImageError
        The plane has no contrast.
    AxesError
        The plane is smaller than 64 × 64 pixels.
    FitError
        The plane holds noise only, or resolves finer detail than its pixels sample.

    Notes
    -----
    Falls as the light does: an image with fewer photons resolves less. The mean over directions of an anisotropic image.

    References
    ----------
    Descloux, Grußmayer & Radenovic, Nat. Methods 16, 918 (2019).
    """
    larger_um, aspect = _pixel(view.pixel_size_um, view.pixel_size_y_um)
    view.require_contrast()
    fields = _fields(view.counts)
    if len(fields) > 1:
        cut, error = typical([cut_off(field, aspect=aspect) for field in fields])
        parts: list[float] = []
    else:
        cut, error = cut_off(view.counts, aspect=aspect), None
        parts = _quarters(view.counts, aspect)
    if parts:
        error = float(np.std(parts, ddof=1)) / 2  # a whole field has four quarters
    return Quantity(larger_um / cut, None if error is None else larger_um / cut**2 * error, n=len(fields))


def resolution_frc(view: FramesView) -> Quantity:
    """Resolution by Fourier ring correlation at 1/7 of the first two frames of a series [µm].

    Parameters
    ----------
    view : FramesView
        Frames of one field.

    Returns
    -------
    Quantity
        Reciprocal of the crossing frequency and its standard error from the fit [µm].

    Raises
    ------
    MissingMetadataError
        The file does not say its pixel size.
    AxesError
        The planes are smaller than 64 × 64 pixels.
    FitError
        The frames have nothing in common, or agree up to the finest detail that their pixels sample.

    Notes
    -----
    What both frames share counts as structure: fixed pattern noise of a camera too, and drift between them as blur.

    References
    ----------
    Nieuwenhuizen et al., Nat. Methods 10, 557 (2013).
    """
    larger_um, aspect = _pixel(view.pixel_size_um, view.pixel_size_y_um)
    pairs = zip(_fields(view.frames[0]), _fields(view.frames[1]), strict=True)
    return _mean_crossing([correlation(one, other, aspect=aspect) for one, other in pairs], larger_um)


def resolution_frc_split(view: PlaneView) -> Quantity:
    """Resolution by Fourier ring correlation at 1/7 of one image split like a checkerboard [µm].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        Reciprocal of the crossing frequency and its standard error from the fit [µm].

    Raises
    ------
    MissingMetadataError
        The file does not say its pixel size.
    ConstantImageError
        The plane has no contrast.
    AxesError
        The plane is smaller than 128 × 128 pixels.
    FitError
        The halves have nothing in common, or the resolution is finer than four pixels.

    Notes
    -----
    Half a pixel grid has a quarter of the light, so this is larger than the figure of two frames: never compare the two.
    The shift between the halves is undone by the phase of their spectra instead of a calibration curve. Neighbouring
    pixels must have independent noise: not for interpolated or compressed images.

    References
    ----------
    Koho et al., Nat. Commun. 10, 3103 (2019).
    """
    larger_um, aspect = _pixel(view.pixel_size_um, view.pixel_size_y_um)
    view.require_contrast()
    halves = [half for field in _fields(view.counts) for half in split(field)]
    _fields(halves[0][0])
    curves = [correlation(one, other, aspect=aspect, shift_yx_px=shift) for one, other, shift in halves]
    return _mean_crossing(curves, 2 * larger_um)


def _mean_crossing(curves: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], pixel_um: float) -> Quantity:
    """Find the crossing of the mean of curves of equal frequencies."""
    frequency, _, size = curves[0]
    found = crossing(frequency, np.mean([curve for _, curve, _ in curves], axis=0), size * len(curves))
    error = pixel_um / found.frequency**2 * found.standard_error
    return Quantity(pixel_um / found.frequency, error, n=len(curves))


def _pixel(pixel_size_um: float | None, pixel_size_y_um: float | None) -> tuple[float, float]:
    """Return the larger side of a pixel [µm] and its height over its width."""
    if pixel_size_um is None:
        raise MissingMetadataError(
            "A resolution cannot be given in micrometres without a pixel size.",
            hint="Type the pixel size in, or export the image as OME-TIFF.",
            field="pixel_size_um",
        )
    height_um = pixel_size_y_um or pixel_size_um
    return max(height_um, pixel_size_um), height_um / pixel_size_um


def _fields(plane: np.ndarray) -> list[np.ndarray]:
    """Return the plane, or four fields of it where it is large."""
    rows, columns = plane.shape
    if min(rows, columns) < SMALLEST_FIELD_PX:
        raise AxesError(
            f"A resolution needs at least {SMALLEST_FIELD_PX} × {SMALLEST_FIELD_PX} pixels.",
            hint="Scan a larger field.",
        )
    if max(rows, columns) <= LARGEST_FIELD_PX:
        return [plane]
    high, wide = min(rows, LARGEST_FIELD_PX), min(columns, LARGEST_FIELD_PX)
    tops, lefts = ((size // 4 - side // 2, 3 * size // 4 - side // 2) for size, side in ((rows, high), (columns, wide)))
    return [plane[_at(top, high, rows), _at(left, wide, columns)] for top in tops for left in lefts]


def _at(first: int, side: int, size: int) -> slice:
    """Return a part of an axis, moved inside it."""
    start = min(max(first, 0), size - side)
    return slice(start, start + side)


def _quarters(plane: np.ndarray, aspect: float) -> list[float]:
    """Return the cut-offs of the quarters of a plane; none where they are too small or one of them shows nothing."""
    rows, columns = (size // 2 for size in plane.shape)
    if min(rows, columns) < SMALLEST_FIELD_PX:
        return []
    quarters = [plane[y : y + rows, x : x + columns] for y in (0, rows) for x in (0, columns)]
    try:
        return [cut_off(quarter, aspect=aspect) for quarter in quarters]
    except FitError:
        return []
