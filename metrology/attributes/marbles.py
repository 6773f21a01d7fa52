"""Size, roundness, edges and contrast of marbles (spheres much larger than the resolution) in one plane.

Every marble is found as a bright region, measured on its radial profile to a fraction of a pixel, and kept or rejected with
its reason; the figures are medians over the marbles.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage
from scipy.special import erf
from skimage.filters import threshold_otsu

from common.errors import FitError, MissingMetadataError, TooFewObjectsError

if TYPE_CHECKING:
    from metrology.attributes.views import PlaneView

Rejection = Literal["edge", "small", "not round", "crowded", "saturated", "fit"]

_SMALLEST_RADIUS_PX = 3.0
_MOST_MARBLES = 80  # measured, largest first, so that the cost is bounded
_SECTORS = 16
_RING_PX = 0.5  # of the radial profile
_FITTED = (0.4, 1.5)  # radii over the marble's own, between which its profile is fitted
_LEAST_FILL = 0.8  # of the ellipse of its own second moments; two touching marbles fill less
_LARGEST_AXIS_RATIO = 1.5
_SATURATED = 0.01  # of a marble's pixels
_LEAST_R2 = 0.8
_MOST_STEPS = 40
_SMALLEST_STEP_PX = 1e-5


@dataclass(frozen=True, slots=True)
class Marble:
    """One measured marble.

    Parameters
    ----------
    y_px, x_px : float
        Its centre [px].
    radius_px, radius_error_px : float
        Where its profile is half way down, and the standard error [px].
    sigma_px, sigma_error_px : float
        Blur of its edge and the standard error [px].
    roundness, roundness_error : float
        Smaller over larger radius of the ellipse through its edge, and the standard error [1]; noise can carry that of a
        circle a little above 1.
    inside, outside : float
        Fitted brightness on both sides of the edge [count].
    """

    y_px: float
    x_px: float
    radius_px: float
    radius_error_px: float
    sigma_px: float
    sigma_error_px: float
    roundness: float
    roundness_error: float
    inside: float
    outside: float


@dataclass(frozen=True, slots=True)
class Rejected:
    """A bright region that is not measured, and why."""

    y_px: float
    x_px: float
    reason: Rejection


@dataclass(frozen=True, slots=True)
class MarbleField:
    """All marbles of a plane: those measured and those not, with the reason."""

    marbles: tuple[Marble, ...]
    rejected: tuple[Rejected, ...]

    def reasons(self) -> dict[str, int]:
        """Count the reasons for which marbles were not measured."""
        return dict(Counter(one.reason for one in self.rejected))


class MarbleView:
    """The marbles of one plane, found and fitted once for all their attributes.

    Parameters
    ----------
    plane : PlaneView
        The plane, with its pixel size.
    """

    def __init__(self, plane: PlaneView) -> None:
        self.plane = plane

    @property
    def pixel_size_um(self) -> float:
        """Side of a pixel [µm].

        Raises
        ------
        MissingMetadataError
            The file does not say, or its pixels are not square.
        """
        width_um = self.plane.pixel_size_um
        if width_um is None or not math.isclose(width_um, self.plane.pixel_size_y_um or width_um, rel_tol=1e-3):
            raise MissingMetadataError(
                "The size of marbles needs the size of the pixels, which must be square.",
                hint="Type the pixel size in, or export the image as OME-TIFF.",
                field="pixel_size_um",
            )
        return width_um

    @cached_property
    def field(self) -> MarbleField:
        """All marbles."""
        return measure_marbles(self.plane)

    @property
    def marbles(self) -> tuple[Marble, ...]:
        """The measured marbles.

        Raises
        ------
        TooFewObjectsError
            There is none.
        """
        if not self.field.marbles:
            reasons = (
                ", ".join(f"{count} {reason}" for reason, count in self.field.reasons().items()) or "none was found"
            )
            raise TooFewObjectsError(
                f"No marble of the plane can be measured ({reasons}).",
                hint="Scan separate, unsaturated marbles of more than six pixels across.",
                rejected=self.field.reasons(),
            )
        return self.field.marbles


def measure_marbles(view: PlaneView) -> MarbleField:
    """Find the marbles of a plane and fit the edge of each.

    Parameters
    ----------
    view : PlaneView
        The plane.

    Returns
    -------
    MarbleField
        May hold no marble at all. One bad marble never aborts the others.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.

    Notes
    -----
    Bright marbles on a dark ground. A sphere seen by a widefield microscope is brighter in its middle; the edge is fitted on
    the outer part of its profile only.
    """
    view.require_contrast()
    smooth = ndimage.gaussian_filter(view.counts.astype(np.float32), 1.0)
    labels, count = ndimage.label(smooth > threshold_otsu(smooth))
    regions = ndimage.find_objects(labels)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    large = [index for index in np.argsort(-areas) if areas[index] >= math.pi * _SMALLEST_RADIUS_PX**2]
    centres = ndimage.center_of_mass(np.ones(labels.shape, np.uint8), labels, [index + 1 for index in large])
    found: list[Marble] = []
    rejected: list[Rejected] = []
    radii = [math.sqrt(areas[index] / math.pi) for index in large]
    for place, index in enumerate(large[:_MOST_MARBLES]):
        centre = (float(centres[place][0]), float(centres[place][1]))
        reason = _why_not(view, regions[index], labels[regions[index]] == index + 1, radii[place])
        if reason is None and _is_crowded(place, centres, radii):
            reason = "crowded"
        try:
            if reason is None:
                found.append(_fit(view.counts, centre, radii[place]))
        except FitError:
            reason = "fit"
        if reason is not None:
            rejected.append(Rejected(*centre, reason))
    return MarbleField(tuple(found), tuple(rejected))


def _why_not(view: PlaneView, region: tuple[slice, slice], inside: np.ndarray, radius: float) -> Rejection | None:
    margin = math.ceil((_FITTED[1] - 1) * radius)
    sizes = view.counts.shape
    if any(part.start < margin or part.stop > size - margin for part, size in zip(region, sizes, strict=True)):
        return "edge"
    y, x = np.nonzero(inside)
    spread = np.linalg.eigvalsh(np.cov(np.stack([y, x]), bias=True) + np.eye(2) / 12)
    filled = len(y) / (4 * math.pi * math.sqrt(float(spread[0] * spread[1])))
    if filled < _LEAST_FILL or math.sqrt(float(spread[1] / spread[0])) > _LARGEST_AXIS_RATIO:
        return "not round"
    full = np.count_nonzero(view.counts[region][inside] >= view.largest_count)
    return "saturated" if full > _SATURATED * len(y) else None


def _is_crowded(place: int, centres: list[tuple[float, float]], radii: list[float]) -> bool:
    """Say whether another marble reaches into the ring in which this one is fitted."""
    return any(
        math.dist(centres[place], centre) < _FITTED[1] * radii[place] + radius
        for other, (centre, radius) in enumerate(zip(centres, radii, strict=True))
        if other != place
    )


def _fit(counts: np.ndarray, centre: tuple[float, float], radius: float) -> Marble:
    """Fit a blurred step to the radial profile; then the place of the edge in each sector."""
    reach = math.ceil(_FITTED[1] * radius) + 1
    top, left = (max(0, round(at) - reach) for at in centre)
    part = counts[top : round(centre[0]) + reach + 1, left : round(centre[1]) + reach + 1].astype(np.float64)
    y, x = np.indices(part.shape)
    y0, x0 = centre[0] - top, centre[1] - left
    cosine = sine = noise = 0.0
    values: list[float] = []
    for _ in range(3):  # the centre of a bright region is a fraction of a pixel off, and an oval edge looks blurred
        dy, dx = np.asarray(y - y0), np.asarray(x - x0)
        squared = np.maximum(dy * dy + dx * dx, 1e-12)
        distance = np.sqrt(squared) - (cosine * (dx * dx - dy * dy) + sine * (2 * dx * dy)) / squared
        ring = (distance > _FITTED[0] * radius) & (distance < _FITTED[1] * radius)
        values, errors = _edge(distance[ring], part[ring], radius, values)
        departure, noise = _departures(distance[ring], np.arctan2(dy[ring], dx[ring]), part[ring], values)
        right, down, along, oblique = (float(amplitude) for amplitude in departure)
        y0, x0, cosine, sine = y0 + down, x0 + right, cosine + along, sine + oblique
    excess = cosine**2 + sine**2 - 2 * noise**2  # noise alone makes an ellipse of that size
    ellipse = math.copysign(
        math.sqrt(abs(excess)), excess
    )  # not cut off at a circle: a chart needs values that scatter
    inside, outside, edge, sigma = values
    sigma = math.sqrt(max(sigma**2 - _RING_PX**2 / 12, 0.0))  # the rings blur too
    if not 0 < sigma < edge or ellipse >= edge or not inside > outside:
        raise FitError("The edge of a marble cannot be told.", hint="Scan marbles in focus.")
    roundness = (edge - ellipse) / (edge + ellipse)
    return Marble(
        top + y0, left + x0, edge, errors[2], sigma, errors[3],
        roundness, 2 * edge * noise / (edge + abs(ellipse)) ** 2, inside, outside,
    )  # fmt: skip


def _edge(
    distance: np.ndarray, values: np.ndarray, radius: float, before: list[float]
) -> tuple[list[float], list[float]]:
    """Fit inside, outside, radius and sigma of a blurred step to the profile in rings of half a pixel."""
    index = np.floor(np.clip(distance, 0, None) / _RING_PX).astype(int)
    size = np.bincount(index)
    used = size > 0
    profile = np.bincount(index, values)[used] / size[used]
    places = np.bincount(index, distance)[used] / size[used]
    roots = np.sqrt(size[used])
    start = np.array(before or [profile[:3].mean(), profile[-3:].mean(), radius, 1.0])
    found, residuals, slopes = _least_squares(start, places, profile, roots)
    mean = float(np.average(profile, weights=size[used]))
    total = float(size[used] @ np.square(profile - mean))
    unexplained = float(residuals @ residuals)
    if len(places) < 6 or total == 0 or 1 - unexplained / total < _LEAST_R2:
        raise FitError("A bright region has no edge like a marble's.", hint="Scan marbles in focus.")
    covariance = np.linalg.pinv(slopes.T @ slopes) * unexplained / (len(places) - 4)
    figures = [float(value) for value in found]
    figures[3] = abs(figures[3])
    return figures, [float(error) for error in np.sqrt(np.clip(np.diag(covariance), 0, None))]


def _least_squares(
    start: np.ndarray, places: np.ndarray, profile: np.ndarray, roots: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit four figures to some fifty points by Levenberg and Marquardt's method: a library's overhead is ten times its cost.

    Returns the figures, residuals and slopes (Marquardt, J. SIAM 11, 431 (1963)).
    """
    values, damping = start, 1e-3
    residuals, slopes = _edge_residuals(values, places, profile, roots), _edge_slopes(values, places, roots)
    for _ in range(_MOST_STEPS):
        normal = slopes.T @ slopes
        step = np.linalg.solve(normal + np.diag(damping * np.diag(normal) + 1e-12), -(slopes.T @ residuals))
        tried = values + step
        tried[3] = max(abs(tried[3]), 0.05)
        left = _edge_residuals(tried, places, profile, roots)
        if left @ left > residuals @ residuals:
            damping *= 10
            continue
        values, residuals, slopes, damping = tried, left, _edge_slopes(tried, places, roots), damping / 10
        if np.abs(step[2:]).max() < _SMALLEST_STEP_PX:
            break
    return values, residuals, slopes


def _edge_residuals(values: np.ndarray, places: np.ndarray, profile: np.ndarray, roots: np.ndarray) -> np.ndarray:
    inside, outside, edge, sigma = values
    step = 0.5 * (1 - erf((places - edge) / (math.sqrt(2) * sigma)))
    return np.asarray(roots * (outside + (inside - outside) * step - profile))


def _edge_slopes(values: np.ndarray, places: np.ndarray, roots: np.ndarray) -> np.ndarray:
    inside, outside, edge, sigma = values
    reduced = (places - edge) / sigma
    step = 0.5 * (1 - erf(reduced / math.sqrt(2)))
    slope = (inside - outside) * np.exp(-0.5 * np.square(reduced)) / (math.sqrt(2 * math.pi) * sigma)
    return np.asarray(np.stack([step, 1 - step, slope, slope * reduced], axis=1) * roots[:, np.newaxis])


def _departures(
    distance: np.ndarray, angle: np.ndarray, counts: np.ndarray, edge_values: list[float]
) -> tuple[np.ndarray, float]:
    """Return how the edge departs from its mean circle: cos θ, sin θ, cos 2θ, sin 2θ [px], and their standard error [px].

    The light beyond the mean profile in a sector, over the step of the edge, is the area by which the edge lies further out.
    """
    inside, outside, edge, sigma = edge_values
    step = 0.5 * (1 - erf((distance - edge) / (math.sqrt(2) * sigma)))
    beyond = (counts - outside - (inside - outside) * step) / (inside - outside)
    near = np.abs(distance - edge) < 0.35 * edge
    sector = np.floor((angle[near] / (2 * np.pi) + 0.5) * _SECTORS).astype(int) % _SECTORS
    moved = np.bincount(sector, beyond[near], _SECTORS) / (edge * 2 * np.pi / _SECTORS)
    theta = ((np.arange(_SECTORS) + 0.5) / _SECTORS - 0.5) * 2 * np.pi
    waves = np.stack([np.cos(theta), np.sin(theta), np.cos(2 * theta), np.sin(2 * theta)], axis=1)
    amplitudes = 2 / _SECTORS * (waves.T @ moved)
    rest = moved - moved.mean() - waves @ amplitudes
    return amplitudes, math.sqrt(2 / _SECTORS * float(rest @ rest) / (_SECTORS - 5))
