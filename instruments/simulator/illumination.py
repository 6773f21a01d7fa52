"""How evenly the field is lit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Illumination:
    """A Gaussian-like lit field, perhaps off centre and tilted.

    Parameters
    ----------
    width_fields : float
        Full width at half maximum of the profile [field widths].
    centre_y_fields, centre_x_fields : float
        Where it is brightest, relative to the middle of the field [field widths].
    tilt_y, tilt_x : float
        Relative change from one side of the field to the other [1].

    Raises
    ------
    InputError
        If the width is not positive or the tilts leave part of the field with negative light.
    """

    width_fields: float = 3.0
    centre_y_fields: float = 0.0
    centre_x_fields: float = 0.0
    tilt_y: float = 0.0
    tilt_x: float = 0.0

    def __post_init__(self) -> None:
        if not self.width_fields > 0.0 or abs(self.tilt_y) + abs(self.tilt_x) >= 2.0:
            raise InputError(
                "This illumination profile is impossible.",
                hint="Give a positive width and tilts whose sizes add to less than 2.",
                width_fields=self.width_fields,
            )


def illumination_profile(illumination: Illumination, *, shape: tuple[int, int]) -> NDArray:
    """Return how strongly each pixel is lit.

    Parameters
    ----------
    illumination : Illumination
        Width, centring and tilt.
    shape : tuple of int
        Rows and columns [px].

    Returns
    -------
    ndarray, shape (Y, X)
        Excitation intensity [1]; an untilted profile has 1 at its centre.
    """
    y, x = (np.arange(size, dtype=float) / max(size - 1, 1) - 0.5 for size in shape)
    decay = 4.0 * np.log(2.0) / illumination.width_fields**2
    along_y = np.exp(-decay * (y - illumination.centre_y_fields) ** 2)
    along_x = np.exp(-decay * (x - illumination.centre_x_fields) ** 2)
    tilt = 1.0 + illumination.tilt_y * y[:, np.newaxis] + illumination.tilt_x * x[np.newaxis, :]
    return np.asarray(np.outer(along_y, along_x) * tilt)
