"""Pictures of the measured planes, for pages."""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING

from common.errors import StorageError
from metrology.imaging.previews import write_preview
from metrology.imaging.tiles import TILE_PX, pyramid_levels, slices_kept, write_pyramid
from metrology.selectors.tiles import pyramid_path, tiles_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from metrology.imaging.stack import ImageStack
    from metrology.models import Acquisition

SIDE_PX = 1024


def previews_write(acquisition: Acquisition, planes: Sequence[np.ndarray]) -> list[list[float]]:
    """Draw each channel's plane; a picture appears whole or not at all.

    Returns
    -------
    list of [black, white]
        The counts shown as black and as white in each channel.

    Raises
    ------
    StorageError
        The disk refuses.
    """
    windows = []
    for channel, plane in enumerate(planes):
        final = acquisition.preview_path(channel)
        part = final.with_name(f"{channel}.{uuid.uuid4().hex}.jpg")
        try:
            final.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            window = write_preview(plane, part, size_px=SIDE_PX)
            part.chmod(0o640)
            part.replace(final)
        except OSError as error:
            raise StorageError(
                "The preview cannot be written.",
                hint="Free space on the disk of the facility, then measure again.",
                reason=str(error),
            ) from error
        finally:
            part.unlink(missing_ok=True)
        windows.append([window.black, window.white])
    return windows


def tiles_write(acquisition: Acquisition, stack: ImageStack, measured: Sequence[int]) -> None:
    """Cut the planes into tiles for the viewer; the page shows those of one making, whole, or those of the one before.

    Parameters
    ----------
    acquisition : Acquisition
        Which is measured.
    stack : ImageStack
        Its image.
    measured : sequence of int
        Slice measured, of each channel.

    Raises
    ------
    StorageError
        The disk refuses.
    UnreadableImageError
        A slice of the file is damaged.

    Notes
    -----
    Of the first time point. All slices of a stack are kept up to `metrology.imaging.tiles.KEPT_BYTES`, of larger ones the
    measured slice and every n-th from it.
    """
    folder, token = tiles_folder(acquisition), uuid.uuid4()
    _, channels, slices, height, width = stack.shape_tczyx
    size = stack.dtype.itemsize
    kept = [slices_kept(slices, measured=z, bytes_per_slice=channels * height * width * size) for z in measured]
    levels = pyramid_levels((height, width), bytes_per_count=size)
    written = {
        "token": str(token),
        "tile_px": TILE_PX,
        "dtype": stack.dtype.name,
        "bytes_per_count": size,
        "levels": [asdict(level) for level in levels],
        "channels": [{"slices": one, "measured": z} for one, z in zip(kept, measured, strict=True)],
    }
    try:
        (folder / str(token)).mkdir(parents=True, mode=0o750)
        for channel, one in enumerate(kept):
            for z in one:
                path = pyramid_path(acquisition, token, channel=channel, z=z)
                write_pyramid(stack.plane(c=channel, z=z), path)
                path.chmod(0o640)
        part = folder / str(token) / "tiles.json"
        part.write_text(json.dumps(written))
        part.chmod(0o640)
        part.replace(folder / "tiles.json")  # from here on the page shows these
    except OSError as error:
        raise StorageError(
            "The tiles of the picture cannot be written.",
            hint="Free space on the disk of the facility, then measure again.",
            reason=str(error),
        ) from error
    for old in folder.iterdir():
        if old.is_dir() and old.name != str(token):
            shutil.rmtree(old, ignore_errors=True)  # of an earlier making; what stays goes with the next
