"""Pictures of the measured planes, for pages."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from common.errors import StorageError
from metrology.imaging.previews import write_preview

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

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
        part = final.with_name(f"{channel}.{uuid.uuid4().hex}.webp")
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
