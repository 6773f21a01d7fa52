"""What lies under the microscope: marbles, beads, a homogeneous slide; each seed is another field of view."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARBLE_DIAMETER_UM = 4.0
"""Of the metrology marbles [µm]."""

_PLACEMENT_ATTEMPTS = 4000


class Standard(StrEnum):
    """Kinds of specimen that can be simulated."""

    MARBLES = "marbles"
    BEADS = "beads"
    SLIDE = "slide"
    CONVALLARIA = "convallaria"
    KIDNEY = "kidney"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Specimen:
    """Where the fluorophores are.

    Parameters
    ----------
    standard : Standard
        Kind of specimen.
    pixel_size_um : float
        Of the field of view [µm].
    density : ndarray, shape (slabs, Y, X)
        Concentration in thin horizontal layers, 1 for the brightest material [1]; read-only.
    slab_z_um : ndarray, shape (slabs,)
        Height of the layers above the nominal focus [µm]; read-only.
    points : ndarray, shape (points, 4)
        Sources smaller than the resolution: z, y, x [µm] from the nominal focus and the middle of the first pixel, and
        brightness [1]; read-only.
    """

    standard: Standard
    pixel_size_um: float
    density: NDArray
    slab_z_um: NDArray
    points: NDArray = field(default_factory=lambda: np.empty((0, 4)))

    def __post_init__(self) -> None:
        for array in (self.density, self.slab_z_um, self.points):
            array.flags.writeable = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the field of view [px]."""
        return self.density.shape[1], self.density.shape[2]


def scattered_positions(
    *, count: int, extent_um: tuple[float, float], margin_um: float, distance_um: float, seed: int
) -> NDArray:
    """Scatter points that keep their distance from one another and from the border.

    Parameters
    ----------
    count : int
        Number of points.
    extent_um : tuple of float
        Height and width of the field [µm].
    margin_um, distance_um : float
        Least distance to the border and between two points [µm].
    seed : int
        Same seed, same positions.

    Returns
    -------
    ndarray, shape (count, 2)
        y, x [µm].

    Raises
    ------
    InputError
        If so many points do not fit.
    """
    rng = np.random.default_rng([seed, 1])
    low = np.full(2, margin_um)
    high = np.asarray(extent_um) - margin_um
    placed = np.empty((0, 2))
    if np.all(high > low):
        for candidate in rng.uniform(low, high, size=(_PLACEMENT_ATTEMPTS, 2)):
            if len(placed) == count:
                break
            if np.all(np.hypot(*(placed - candidate).T) >= distance_um):
                placed = np.vstack([placed, candidate])
    if len(placed) < count:
        raise InputError(
            f"{count} objects at least {distance_um:g} µm apart do not fit in a field of "
            f"{extent_um[0]:.1f} × {extent_um[1]:.1f} µm.",
            hint="Ask for fewer objects or a larger field.",
            placed=len(placed),
        )
    return placed


def marbles(
    *,
    seed: int,
    shape: tuple[int, int],
    pixel_size_um: float,
    shift_um: tuple[float, float] = (0.0, 0.0),
    count: int = 22,
    slab_um: float = 0.5,
) -> Specimen:
    """Scatter bright 4 µm spheres, wholly inside the field and without overlap.

    Parameters
    ----------
    seed : int
        Field of view.
    shape : tuple of int
        Rows and columns [px].
    pixel_size_um : float
        [µm]
    shift_um : tuple of float
        y, x by which the stage missed the field, at most 1 µm each [µm].
    count : int
        Number of spheres.
    slab_um : float
        Thickness of the layers that the spheres are cut into [µm].

    Returns
    -------
    Specimen
        Spheres centred on the nominal focus, their brightness varying by 3 %.

    Raises
    ------
    InputError
        If so many spheres do not fit.
    """
    radius_um = MARBLE_DIAMETER_UM / 2.0
    centres = scattered_positions(
        count=count,
        extent_um=(shape[0] * pixel_size_um, shape[1] * pixel_size_um),
        margin_um=radius_um + 2.0,  # a shifted sphere stays inside
        distance_um=MARBLE_DIAMETER_UM + 1.0,
        seed=seed,
    )
    brightness = np.random.default_rng([seed, 2]).normal(1.0, 0.03, size=count)
    half = int(np.floor(radius_um / slab_um))
    slab_z_um = np.arange(-half, half + 1) * slab_um
    density = np.zeros((len(slab_z_um), *shape))
    reach = int(np.ceil(radius_um / pixel_size_um)) + 1
    for (y_um, x_um), level in zip(centres + shift_um, brightness, strict=True):
        row, column = round(y_um / pixel_size_um), round(x_um / pixel_size_um)
        rows, columns = slice(row - reach, row + reach + 1), slice(column - reach, column + reach + 1)
        y, x = np.mgrid[rows, columns] * pixel_size_um
        distance_um = np.hypot(y - y_um, x - x_um)
        for index, z_um in enumerate(slab_z_um):
            disc_um = np.sqrt(max(radius_um**2 - z_um**2, 0.0))
            density[index, rows, columns] += level * np.clip((disc_um - distance_um) / pixel_size_um + 0.5, 0.0, 1.0)
    return Specimen(standard=Standard.MARBLES, pixel_size_um=pixel_size_um, density=density, slab_z_um=slab_z_um)


def beads(*, seed: int, shape: tuple[int, int], pixel_size_um: float, distance_um: float, count: int = 6) -> Specimen:
    """Scatter points smaller than the resolution at sub-pixel positions on a coverslip.

    Parameters
    ----------
    seed : int
        Field of view.
    shape : tuple of int
        Rows and columns [px].
    pixel_size_um : float
        [µm]
    distance_um : float
        Least distance between two beads; half of it is kept to the border [µm].
    count : int
        Number of beads.

    Returns
    -------
    Specimen
        Beads in the plane of nominal focus, their brightness varying by 10 %.

    Raises
    ------
    InputError
        If so many beads do not fit.
    """
    centres = scattered_positions(
        count=count,
        extent_um=((shape[0] - 1) * pixel_size_um, (shape[1] - 1) * pixel_size_um),
        margin_um=distance_um / 2.0,
        distance_um=distance_um,
        seed=seed,
    )
    brightness = np.clip(np.random.default_rng([seed, 2]).normal(1.0, 0.1, size=count), 0.7, 1.3)
    return Specimen(
        standard=Standard.BEADS,
        pixel_size_um=pixel_size_um,
        density=np.zeros((1, *shape)),
        slab_z_um=np.zeros(1),
        points=np.column_stack([np.zeros(count), centres, brightness]),
    )


def homogeneous_slide(*, shape: tuple[int, int], pixel_size_um: float) -> Specimen:
    """Fill a thin layer with the same dye everywhere, to see how evenly the field is lit.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns [px].
    pixel_size_um : float
        [µm]

    Returns
    -------
    Specimen
        Concentration 1 everywhere.
    """
    return Specimen(
        standard=Standard.SLIDE, pixel_size_um=pixel_size_um, density=np.ones((1, *shape)), slab_z_um=np.zeros(1)
    )
