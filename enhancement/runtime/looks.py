"""What an image looks like in figures: the attributes that say whether a model may be applied to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metrology.attributes import glcm, intensity, noise, sharpness
from metrology.attributes.views import PlaneView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

LOOKS = {
    "mean": intensity.mean,
    "cv": intensity.cv,
    "sharpness": sharpness.sharpness,
    "noise": noise.noise,
    "glcm_homogeneity": glcm.homogeneity,
}


def looks_of(plane: NDArray[Any], *, bit_depth: int) -> dict[str, float]:
    """Measure the attributes of a plane that make up the applicability envelope.

    Parameters
    ----------
    plane : (Y, X) array
        Intensities [counts]; those outside of the detector's range, as a network may give, count as its ends.
    bit_depth : int
        Effective bits [bit].

    Returns
    -------
    dict of str to float
        The charted attributes of the same names.

    Raises
    ------
    MeasurementError
        If the image has no contrast.
    """
    view = PlaneView(np.clip(plane, 0, 2**bit_depth - 1), bit_depth=bit_depth)
    return {name: float(measure(view).value) for name, measure in LOOKS.items()}


def envelope_of(planes: Iterable[NDArray[Any]], *, bit_depth: int) -> dict[str, list[float]]:
    """Return the smallest and largest of each attribute over the planes a model learned from."""
    seen = [looks_of(plane, bit_depth=bit_depth) for plane in planes]
    return {name: [min(entry[name] for entry in seen), max(entry[name] for entry in seen)] for name in seen[0]}
