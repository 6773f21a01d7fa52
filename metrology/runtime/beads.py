"""Where the beads of an acquisition were found, for the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metrology.runtime.json_files import json_write
from metrology.selectors.tiles import beads_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrology.attributes.bead_selection import Candidate
    from metrology.attributes.beads import BeadField
    from metrology.models import Acquisition


def beads_write(acquisition: Acquisition, found: Mapping[int, BeadField]) -> None:
    """Note where beads were found and why some were not measured; what was noted before is replaced.

    Nothing is written where no beads were looked for.

    Parameters
    ----------
    acquisition : Acquisition
        Which was measured.
    found : mapping of int to BeadField
        The beads of the channels in which beads were looked for.

    Raises
    ------
    StorageError
        The disk refuses.
    """
    if not found:
        beads_path(acquisition).unlink(missing_ok=True)
        return
    spots = [
        _spot(channel, candidate)
        for channel, field in found.items()
        for candidate in (*(bead.candidate for bead in field.beads), *field.rejected)
    ]
    json_write(beads_path(acquisition), spots, what="The places of the beads")


def _spot(channel: int, candidate: Candidate) -> dict[str, Any]:
    return {
        "channel": channel,
        "x": int(candidate.x),
        "y": int(candidate.y),
        "z": int(candidate.z),
        "size": int(max(candidate.width_y, candidate.width_x)),
        "reason": candidate.rejection,
    }
