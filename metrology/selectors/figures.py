"""What the worker drew from standard samples beside the figures: bead images, shading, photon transfer, tiles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from common.errors import NotFoundError, StorageError
from metrology.attributes.registry import attribute
from metrology.charts.bead_charts import bead_drawings
from metrology.charts.field_charts import depth_drawings, field_drawings
from metrology.charts.frames_charts import frames_drawings
from metrology.charts.mosaic_charts import mosaic_drawings
from metrology.models import StandardKind
from metrology.selectors.tiles import tiles_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from metrology.charts.drawing import Drawing
    from metrology.models import Acquisition

_DRAWN_BY: Final[Mapping[str, Callable[[Mapping[str, Any]], list[Drawing]]]] = {
    "beads": bead_drawings,
    "field": field_drawings,
    "depth": depth_drawings,
    "frames": frames_drawings,
    "mosaic": mosaic_drawings,
}


def figures_wanted(acquisition: Acquisition) -> tuple[str, ...]:
    """Return what can be drawn from a scan of its standard sample and its axes, by the quantities that apply to it.

    Returns
    -------
    tuple of str
        Of "beads", "field", "depth", "frames" and "mosaic"; empty where the sample is no standard, and for a plain scan
        of marbles.
    """
    if acquisition.standard is None:
        return ()
    kind = acquisition.standard.kind

    def told(attribute_id: str) -> bool:
        return attribute(attribute_id).applies_to(kind)

    slices, times = acquisition.size_z or 1, acquisition.size_t or 1
    possible = {
        "beads": slices > 1 and (told("fwhm_axial") or told("coregistration_shift_xy")),
        "field": told("field_centring_robust"),
        "depth": slices > 1 and told("axial_profile_width"),
        "frames": times > 1 and told("gain_e_per_adu"),
        # the weekly scan of marbles is a mosaic whose tiles differ by their marbles: its map would tell nothing of the light
        "mosaic": acquisition.tile_grid is not None and told("tilt_per_mm") and kind != StandardKind.MARBLES,
    }
    return tuple(name for name, is_possible in possible.items() if is_possible)


def figures_path(acquisition: Acquisition) -> Path:
    """Where it is noted what was drawn."""
    return tiles_folder(acquisition) / "figures.json"


def figures_of(acquisition: Acquisition) -> dict[str, Any] | None:
    """Return what the worker wrote, None where the scan was measured before there was any.

    Returns
    -------
    dict or None
        `channels`: one mapping a channel from the names of `figures_wanted` to numbers (`metrology.runtime.figures`).

    Raises
    ------
    StorageError
        The disk refuses.
    """
    try:
        found = json.loads(figures_path(acquisition).read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(
            "The drawings cannot be read.", hint="Tell your administrator.", reason=str(error)
        ) from error
    wanted = figures_wanted(acquisition)
    return {"channels": [{name: one[name] for name in wanted if name in one} for one in found["channels"]]}


def drawings_of(acquisition: Acquisition) -> list[tuple[int, list[Drawing]]] | None:
    """Return the drawings of each channel that has any, None where the scan was measured before there were any.

    Raises
    ------
    StorageError
        The disk refuses.
    """
    found = figures_of(acquisition)
    if found is None:
        return None
    drawn = [
        (channel, [drawing for name, numbers in one.items() for drawing in _DRAWN_BY[name](numbers)])
        for channel, one in enumerate(found["channels"])
    ]
    return [(channel, drawings) for channel, drawings in drawn if drawings]


def drawing_get(acquisition: Acquisition, channel: int, name: str) -> Drawing:
    """Return one drawing of one channel.

    Raises
    ------
    NotFoundError
        There is none of that name.
    StorageError
        The disk refuses.
    """
    for number, drawings in drawings_of(acquisition) or []:
        for drawing in drawings:
            if number == channel and drawing.name == name:
                return drawing
    raise NotFoundError(
        f"Channel {channel} of acquisition {acquisition.pk} has no drawing {name}.",
        hint="Choose one from the page of the acquisition, or measure it again.",
    )
