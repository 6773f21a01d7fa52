"""Width of the image of a point: 2-D Gaussian in XY and 1-D Gaussian in Z through every isolated bead.

References
----------
QUAREP-LiMi WG5 protocol for lateral and axial resolution, protocols.io.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from common.errors import FitError, TooFewBeadsError
from metrology.attributes.bead_selection import Candidate, find_beads, half_box
from metrology.attributes.quantity import Quantity

if TYPE_CHECKING:
    from collections.abc import Callable

FWHM_PER_SIGMA = 2 * math.sqrt(2 * math.log(2))
_MIN_R2 = 0.8  # of either fit; below, the spot is no bead


@dataclass(frozen=True, slots=True)
class Width:
    """A full width at half maximum and its standard error [µm]."""

    fwhm_um: float
    standard_error_um: float


@dataclass(frozen=True, slots=True)
class Bead:
    """One measured bead.

    Parameters
    ----------
    z_um, y_um, x_um : float
        Its centre [µm].
    axial, lateral_y, lateral_x : Width
        Its widths.
    amplitude, background : float
        Height of the lateral fit and what lies below it [count].
    r2_lateral, r2_axial : float
        Part of the variance that the fits explain.
    """

    z_um: float
    y_um: float
    x_um: float
    axial: Width
    lateral_y: Width
    lateral_x: Width
    amplitude: float
    background: float
    r2_lateral: float
    r2_axial: float


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
    The size of the bead is not deconvolved: use beads smaller than a third of the expected width.
    """
    size = (z_step_um, pixel_size_y_um or pixel_size_um, pixel_size_um)
    beads, rejected = [], []
    for candidate in find_beads(stack, largest_count=2**bit_depth - 1):
        if candidate.rejection is not None:
            rejected.append(candidate)
            continue
        try:
            beads.append(fit_bead(stack, candidate, voxel_size_zyx_um=size))
        except FitError:
            rejected.append(replace(candidate, rejection="fit"))
    return BeadField(tuple(beads), tuple(rejected))


def fit_bead(stack: np.ndarray, candidate: Candidate, *, voxel_size_zyx_um: tuple[float, float, float]) -> Bead:
    """Fit one bead: 2-D Gaussian in its brightest slice, 1-D Gaussian along z through its brightest voxel.

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        Counts.
    candidate : Candidate
        Where the bead is and roughly how wide.
    voxel_size_zyx_um : tuple of float
        Depth, height and width of a voxel [µm].

    Returns
    -------
    Bead
        Centre, widths and standard errors.

    Raises
    ------
    FitError
        A fit does not converge, explains too little, or gives a width beyond its box.
    """
    dz, dy, dx = voxel_size_zyx_um
    rows, columns = candidate.box()
    plane = stack[candidate.z, rows, columns].astype(np.float64)
    y, x = np.mgrid[rows, columns].astype(np.float64)
    base, height = float(np.median(plane)), float(plane.max())
    start = [
        height - base,
        candidate.y,
        candidate.x,
        candidate.width_y / FWHM_PER_SIGMA,
        candidate.width_x / FWHM_PER_SIGMA,
    ]
    lateral = _fit(_gaussian_2d, np.stack([y.ravel(), x.ravel()]), plane.ravel(), [*start, base])
    half_z = half_box(candidate.width_z)
    z = np.arange(max(0, candidate.z - half_z), min(stack.shape[0], candidate.z + half_z + 1), dtype=np.float64)
    line = stack[int(z[0]) : int(z[-1]) + 1, candidate.y, candidate.x].astype(np.float64)
    start = [line.max() - line.min(), candidate.z, candidate.width_z / FWHM_PER_SIGMA, line.min()]
    axial = _fit(_gaussian_1d, z, line, start)
    return Bead(
        z_um=axial.values[1] * dz,
        y_um=lateral.values[1] * dy,
        x_um=lateral.values[2] * dx,
        axial=axial.width(2, dz, longest=4.0 * len(z)),
        lateral_y=lateral.width(3, dy, longest=plane.shape[0]),
        lateral_x=lateral.width(4, dx, longest=plane.shape[1]),
        amplitude=lateral.values[0],
        background=lateral.values[5],
        r2_lateral=lateral.r2,
        r2_axial=axial.r2,
    )


@dataclass(frozen=True, slots=True)
class _Fitted:
    values: list[float]
    errors: list[float]
    r2: float

    def width(self, index: int, voxel_um: float, *, longest: float) -> Width:
        """Turn a sigma in pixels into a width in µm, refusing one wider than the box [px] can tell."""
        fwhm_px = abs(self.values[index]) * FWHM_PER_SIGMA
        if not 1 <= fwhm_px <= longest:
            raise FitError(
                "The fitted width of a bead is below a pixel or beyond its surroundings.",
                hint="Scan well separated sub-resolution beads.",
            )
        return Width(fwhm_px * voxel_um, self.errors[index] * FWHM_PER_SIGMA * voxel_um)


def _fit(model: Callable[..., np.ndarray], places: np.ndarray, counts: np.ndarray, start: list[float]) -> _Fitted:
    """Fit by least squares, with errors that allow for noise growing with brightness."""
    if counts.size <= len(start) + 1:
        raise FitError("Too few slices or pixels show the bead to fit it.", hint="Scan more slices above and below it.")
    fit = least_squares(lambda values: model(places, *values) - counts, start, method="lm", max_nfev=2000)
    r2 = 1 - float((fit.fun**2).sum() / ((counts - counts.mean()) ** 2).sum())
    if not fit.success or r2 < _MIN_R2:
        raise FitError(
            "A spot does not look like a bead.", hint="Scan bright, well separated sub-resolution beads.", r2=r2
        )
    return _Fitted([float(value) for value in fit.x], _standard_errors(fit.jac, fit.fun), r2)


def _standard_errors(jacobian: np.ndarray, residuals: np.ndarray) -> list[float]:
    """Return heteroscedasticity-consistent standard errors (HC3): photon noise is not the same in every pixel.

    Raises
    ------
    FitError
        The pixels do not determine all parameters.

    References
    ----------
    MacKinnon & White, J. Econometrics 29, 305 (1985).
    """
    inverse = np.linalg.pinv(jacobian.T @ jacobian)
    leverage = np.einsum("ij,jk,ik->i", jacobian, inverse, jacobian)
    weighted = jacobian * (residuals / np.maximum(1 - leverage, 1e-6))[:, np.newaxis]
    variances = np.diag(inverse @ (weighted.T @ weighted) @ inverse)
    if not (np.isfinite(variances) & (variances >= 0)).all():
        raise FitError(
            "The pixels do not determine the width of a spot.", hint="Scan with smaller pixels and finer slices."
        )
    return [float(error) for error in np.sqrt(variances)]


def _gaussian_2d(
    places: np.ndarray,
    height: float,
    y0: float,
    x0: float,
    sigma_y: float,
    sigma_x: float,
    base: float,
) -> np.ndarray:
    y, x = places
    return np.asarray(base + height * np.exp(-0.5 * (((y - y0) / sigma_y) ** 2 + ((x - x0) / sigma_x) ** 2)))


def _gaussian_1d(z: np.ndarray, height: float, z0: float, sigma: float, base: float) -> np.ndarray:
    return np.asarray(base + height * np.exp(-0.5 * ((z - z0) / sigma) ** 2))


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
    """

    def __init__(
        self,
        stack: np.ndarray,
        *,
        pixel_size_um: float,
        z_step_um: float,
        bit_depth: int,
        pixel_size_y_um: float | None = None,
    ) -> None:
        self.stack = stack
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


def fwhm_lateral_x(view: BeadView) -> Quantity:
    """Median width of the beads along x [µm].

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    """
    return _median([bead.lateral_x for bead in view.beads])


def fwhm_lateral_y(view: BeadView) -> Quantity:
    """Median width of the beads along y [µm].

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    """
    return _median([bead.lateral_y for bead in view.beads])


def fwhm_axial(view: BeadView) -> Quantity:
    """Median width of the beads along z [µm].

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    """
    return _median([bead.axial for bead in view.beads])


def lateral_asymmetry(view: BeadView) -> Quantity:
    """Median over the beads of smaller over larger lateral width (MetroloJ_QC's convention: min/max) [1].

    Raises
    ------
    TooFewBeadsError
        No bead can be measured.
    """
    pairs = [sorted((bead.lateral_x.fwhm_um, bead.lateral_y.fwhm_um)) for bead in view.beads]
    return Quantity(float(np.median([small / large for small, large in pairs])), n=len(pairs))


def bead_count(view: BeadView) -> Quantity:
    """Beads that passed the selection [1].

    Raises
    ------
    TooFewBeadsError
        None did.
    """
    return Quantity(float(len(view.beads)), n=len(view.beads))


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


def _median(widths: list[Width]) -> Quantity:
    """Return the median and the larger of its standard errors: of the scatter of the beads and of their fits."""
    values = np.array([width.fwhm_um for width in widths])
    fits = np.array([width.standard_error_um for width in widths])
    n = len(values)
    of_median = math.sqrt(math.pi / 2) if n > 2 else 1.0  # a median scatters more than a mean (normal law)
    scatter = float(values.std(ddof=1)) if n > 1 else 0.0
    error = of_median / math.sqrt(n) * max(scatter, float(np.sqrt((fits**2).mean())))
    return Quantity(float(np.median(values)), error, n)
