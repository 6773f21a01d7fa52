"""`python -m metrology.attributes.warm_up`: compile the kernels once, when Strehl is installed, not at the first scan."""

from __future__ import annotations

import numpy as np

from metrology.attributes.bead_smoothing import smooth_stack
from metrology.attributes.measure import measure_stack
from metrology.imaging.planes import block_mean
from metrology.imaging.stack import ImageStack
from metrology.imaging.tiles import halved

SIDE_PX = 64


def warm_up() -> int:
    """Measure a small noisy image alone and against another, smooth and reduce it: every kernel is compiled and kept.

    Returns
    -------
    int
        How many quantities were measured.
    """
    rng = np.random.default_rng(0)
    place = np.arange(SIDE_PX) - SIDE_PX / 2
    field = np.add.outer(place, place) * 5.0 + 500 + 1500 * (np.hypot.outer(place, place) < SIDE_PX / 5)  # one marble
    planes = [np.clip(rng.normal(field, 20), 0, 4095).astype(np.uint16) for _ in range(2)]
    smooth_stack(np.stack(planes))
    halved(planes[0])
    halved(planes[0].astype(np.uint8))
    for kind in (np.uint16, np.float32):  # as the registration of larger images asks for
        block_mean(planes[0].astype(kind), 2)
    first, second = (ImageStack(plane[None, None, None]) for plane in planes)
    return len(measure_stack(first, standard_kind="marbles", reference=second).readings)


if __name__ == "__main__":
    warm_up()
