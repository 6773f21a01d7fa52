"""Numbers behind the drawings of a standard sample, worked out once while it is measured, for pages and for the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metrology.runtime.figures_beads import bead_numbers
from metrology.runtime.figures_field import depth_numbers, field_numbers
from metrology.runtime.figures_frames import frames_numbers
from metrology.runtime.figures_mosaic import mosaic_numbers
from metrology.runtime.figures_scan import Scan
from metrology.runtime.json_files import json_write
from metrology.selectors.figures import figures_path, figures_wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from metrology.attributes.measure import Beside, MeasuredStack
    from metrology.imaging.stack import ImageStack
    from metrology.models import Acquisition

_NUMBERS: Mapping[str, Callable[[Scan], dict[str, Any] | None]] = {
    "beads": bead_numbers,
    "field": field_numbers,
    "depth": depth_numbers,
    "frames": frames_numbers,
    "mosaic": mosaic_numbers,
}


def figures_write(acquisition: Acquisition, stack: ImageStack, measured: MeasuredStack, beside: Beside) -> None:
    """Note what is drawn of a standard sample; what was noted before is replaced. Nothing is done for a plain scan.

    Parameters
    ----------
    acquisition : Acquisition
        Which was measured, with the facts of its file noted.
    stack : ImageStack
        Its image.
    measured : MeasuredStack
        Its figures, and its beads where they were looked for.
    beside : Beside
        What was known beside the image.

    Raises
    ------
    StorageError
        The disk refuses.
    UnreadableImageError
        A plane of the file is damaged.
    """
    wanted = figures_wanted(acquisition)
    if not wanted:
        return
    channels = []
    for channel in range(stack.shape_tczyx[1]):
        scan = Scan(stack, measured, beside, channel)
        numbers = {name: _NUMBERS[name](scan) for name in wanted}
        channels.append({name: one for name, one in numbers.items() if one is not None})
    json_write(figures_path(acquisition), {"channels": channels}, what="The drawings of the sample")
