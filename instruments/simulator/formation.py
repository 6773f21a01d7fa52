"""How a specimen and a point spread make a noiseless image."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from instruments.optics.resolution import OpticalSettings, theoretical_resolution
from instruments.simulator.psf import PsfModel, point_spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from instruments.simulator.specimens import Specimen

_PSF_REACH_WIDTHS = 8.0
"""Half-width of the point spread's window [theoretical lateral widths]."""

_LARGEST_REACH_PX = 48


def noiseless_image(
    specimen: Specimen, model: PsfModel, *, focus_um: NDArray, excitation: NDArray | None = None
) -> NDArray:
    """Return the mean light of each pixel when nothing but optics acts.

    Parameters
    ----------
    specimen : Specimen
        Layers and points.
    model : PsfModel
        What the microscope makes of a point.
    focus_um : ndarray, shape (Z,)
        Height of the planes above the specimen's nominal focus [µm].
    excitation : ndarray or None, shape (Y, X)
        Light that excites each pixel, relative to the nominal [1].

    Returns
    -------
    ndarray, shape (Z, Y, X)
        Light [1]: with a perfect lens, 1 inside large objects of concentration 1 that fill the layers in focus, and at
        the peak of a point of brightness 1.

    Notes
    -----
    Layers are convolved with the point spread at their distance from the focus, reflected at the border of the field;
    points are placed exactly, by the phase of their spectrum, so their pixels must be at most half the finest period
    that the point spread passes. Spectra are of single precision, about 1e-6 of the brightest light. Shadows and
    scattering are not handled.
    """
    reach_px = _reach_px(model, specimen.pixel_size_um)
    if excitation is None:
        excitation = np.ones(specimen.shape)
    light = np.zeros((len(focus_um), *specimen.shape))
    if specimen.density.any():
        light += _layers(specimen, model, focus_um=focus_um, excitation=excitation, reach_px=reach_px)
    if len(specimen.points):
        light += _points(specimen, model, focus_um=focus_um, excitation=excitation, reach_px=reach_px)
    return np.asarray(np.maximum(light, 0.0))


def _reach_px(model: PsfModel, pixel_size_um: float) -> int:
    """Return how many pixels from its middle a point spread is followed."""
    limits = theoretical_resolution(
        OpticalSettings(
            technique=model.technique,
            numerical_aperture=model.numerical_aperture,
            refractive_index=model.refractive_index,
            excitation_nm=model.excitation_nm,
            emission_nm=model.emission_nm,
        )
    )
    reach = np.ceil(_PSF_REACH_WIDTHS * limits.fwhm_lateral_um / pixel_size_um)
    return int(np.clip(reach, 4, _LARGEST_REACH_PX))


def _spectra(
    model: PsfModel, heights_um: tuple[float, ...], reach_px: int, pixel_size_um: float, shape: tuple[int, int]
) -> NDArray:
    """Return the spectra (Z, fy, fx) of the point spread at these heights, its point in the first pixel."""
    spread = point_spread(model, z_um=np.array(heights_um), half_width_px=reach_px, pixel_size_um=pixel_size_um)
    padded = np.zeros((len(heights_um), *shape), dtype=np.float32)
    padded[:, : spread.shape[1], : spread.shape[2]] = spread
    return np.asarray(fft.rfft2(np.roll(padded, (-reach_px, -reach_px), axis=(1, 2))))


@lru_cache(maxsize=64)
def _light_of_layers(model: PsfModel, heights_um: tuple[float, ...], reach_px: int, pixel_size_um: float) -> float:
    """Return the light that a perfect lens collects from layers of concentration 1."""
    spread = point_spread(
        model.unaberrated(), z_um=np.array(heights_um), half_width_px=reach_px, pixel_size_um=pixel_size_um
    )
    return float(spread.sum())


def _padded_shape(shape: tuple[int, int], reach_px: int) -> tuple[int, int]:
    rows, columns = (int(fft.next_fast_len(size + 2 * reach_px, real=True)) for size in shape)
    return rows, columns


def _layers(specimen: Specimen, model: PsfModel, *, focus_um: NDArray, excitation: NDArray, reach_px: int) -> NDArray:
    rows, columns = specimen.shape
    padded = _padded_shape(specimen.shape, reach_px)
    missing = [
        (0, 0),
        *((reach_px, wide - size - reach_px) for wide, size in zip(padded, (rows, columns), strict=True)),
    ]
    objects = fft.rfft2(np.pad((specimen.density * excitation).astype(np.float32), missing, mode="symmetric"))
    nominal = tuple(float(z) for z in specimen.slab_z_um)
    full_light = _light_of_layers(model, nominal, reach_px, specimen.pixel_size_um)
    light = np.empty((len(focus_um), rows, columns))
    for index, focus in enumerate(focus_um):
        heights = tuple(float(z) for z in specimen.slab_z_um - focus)
        spectra = _spectra(model, heights, reach_px, specimen.pixel_size_um, padded)
        image = fft.irfft2((objects * spectra).sum(axis=0), s=padded)
        light[index] = image[reach_px : reach_px + rows, reach_px : reach_px + columns] / full_light
    return light


def _points(specimen: Specimen, model: PsfModel, *, focus_um: NDArray, excitation: NDArray, reach_px: int) -> NDArray:
    rows, columns = specimen.shape
    padded = _padded_shape(specimen.shape, reach_px)
    frequency_y = fft.fftfreq(padded[0])[:, np.newaxis]
    frequency_x = fft.rfftfreq(padded[1])[np.newaxis, :]
    spectrum = np.zeros((len(focus_um), padded[0], len(frequency_x[0])), dtype=complex)
    for height_um in np.unique(specimen.points[:, 0]):
        sources = np.zeros(spectrum.shape[1:], dtype=complex)
        for _, y_um, x_um, brightness in specimen.points[specimen.points[:, 0] == height_um]:
            y_px, x_px = y_um / specimen.pixel_size_um, x_um / specimen.pixel_size_um
            row, column = (int(np.clip(round(p), 0, n - 1)) for p, n in ((y_px, rows), (x_px, columns)))
            shift = np.exp(-2j * np.pi * frequency_y * y_px) * np.exp(-2j * np.pi * frequency_x * x_px)
            sources += brightness * excitation[row, column] * shift
        heights = tuple(float(z) for z in height_um - focus_um)
        spectrum += sources * _spectra(model, heights, reach_px, specimen.pixel_size_um, padded)
    return np.asarray(fft.irfft2(spectrum, s=padded)[:, :rows, :columns])
