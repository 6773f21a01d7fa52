"""The tiles of an acquisition's planes: which there are, and each of them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from common.errors import NotFoundError, StorageError
from metrology.selectors.files import opened

if TYPE_CHECKING:
    import uuid
    from pathlib import Path

    from metrology.models import Acquisition


@dataclass(frozen=True, slots=True)
class Tile:
    """Which tile: channel, slice, resolution (0 is the full one), row and column."""

    channel: int
    z: int
    level: int
    row: int
    column: int


def tiles_folder(acquisition: Acquisition) -> Path:
    """Where the tiles of an acquisition lie, those of each making in a folder of their own."""
    return settings.MEDIA_ROOT / "previews" / f"{acquisition.pk}" / "tiles"


def tiles_of(acquisition: Acquisition) -> dict[str, Any] | None:
    """Return what the worker wrote of the tiles that are in use, None where it has made none yet.

    Returns
    -------
    dict or None
        `token` (of this making), `tile_px`, `dtype` (uint8, uint16 or float32), `bytes_per_count`, `levels`
        ([{width, height, offset}], the full resolution first) and `channels` ([{slices, measured}]).

    Raises
    ------
    StorageError
        The disk refuses.
    """
    found: dict[str, Any] | None = _noted(tiles_folder(acquisition) / "tiles.json")
    return found


def beads_path(acquisition: Acquisition) -> Path:
    """Where it is noted which beads were found."""
    return tiles_folder(acquisition) / "beads.json"


def beads_of(acquisition: Acquisition) -> list[dict[str, Any]]:
    """Return the beads found: `channel`, `x`, `y`, `z`, `size` [px] and `reason`, None for those that were measured.

    Raises
    ------
    StorageError
        The disk refuses.
    """
    return _noted(beads_path(acquisition)) or []


def _noted(path: Path) -> Any:
    """Return what the worker wrote, None where it has written nothing."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError("The tiles cannot be read.", hint="Tell your administrator.", reason=str(error)) from error


def pyramid_path(acquisition: Acquisition, token: uuid.UUID | str, *, channel: int, z: int) -> Path:
    """Where the tiles of one slice lie."""
    return tiles_folder(acquisition) / str(token) / f"{channel}-{z}.counts"


def tile_read(acquisition: Acquisition, token: uuid.UUID, tile: Tile) -> bytes:
    """Return the counts of one tile, row by row, little-endian.

    Raises
    ------
    NotFoundError
        There is no such tile, or it was made anew since.
    StorageError
        The disk refuses.
    """
    tiles = tiles_of(acquisition)
    if tiles is None or tiles["token"] != str(token) or tile.level >= len(tiles["levels"]):
        raise _missing()
    offset, length = _place(tiles, tile)
    with opened(pyramid_path(acquisition, token, channel=tile.channel, z=tile.z)) as file:
        file.seek(offset)
        return file.read(length)


def _place(tiles: dict[str, Any], tile: Tile) -> tuple[int, int]:
    """Return where a tile begins and how long it is [byte]."""
    side, level = tiles["tile_px"], tiles["levels"][tile.level]
    width, height = level["width"], level["height"]
    if tile.row >= math.ceil(height / side) or tile.column >= math.ceil(width / side):
        raise _missing()
    rows = min(side, height - tile.row * side)
    columns = min(side, width - tile.column * side)
    before = tile.row * side * width + rows * tile.column * side
    size = tiles["bytes_per_count"]
    return level["offset"] + before * size, rows * columns * size


def _missing() -> NotFoundError:
    return NotFoundError("There is no such tile.", hint="Load the page again: the image was measured anew.")
