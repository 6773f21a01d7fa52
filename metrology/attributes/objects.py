"""How evenly the detector shows the inside of bright objects, as MetroloJ_QC compares detectors.

References
----------
Faklaris et al., J. Cell Biol. 221, e202107093 (2022), coefficient of variation of pixels; regions as
MetroloJ-for-python makes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from skimage.filters import threshold_otsu
from skimage.morphology import closing, footprint_rectangle
from skimage.segmentation import clear_border

from common.errors import TooFewObjectsError
from metrology.attributes.quantity import Quantity

if TYPE_CHECKING:
    from metrology.attributes.views import PlaneView


def metroloj_cv(view: PlaneView) -> Quantity:
    """Return standard deviation over mean of the pixels inside bright objects [1].

    Parameters
    ----------
    view : PlaneView
        The plane and what several figures share of it.

    Returns
    -------
    Quantity
        0 for objects of one brightness without noise [1], with the number of their pixels.

    Raises
    ------
    ConstantImageError
        The plane has no contrast.
    TooFewObjectsError
        No bright object lies wholly in the field.

    Notes
    -----
    Objects are what is above the Otsu threshold, closed by 3 × 3 pixels, without those that touch the border.
    """
    view.require_contrast()
    inside = clear_border(closing(view.counts > threshold_otsu(view.counts), footprint_rectangle((3, 3))))
    pixels = view.counts[inside].astype(np.float64)
    if not pixels.size:
        raise TooFewObjectsError(
            "No bright object lies wholly in the field.", hint="Scan bright beads away from the border."
        )
    return Quantity(float(pixels.std() / pixels.mean()), n=pixels.size)
