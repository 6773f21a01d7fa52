"""Files that workers left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from enhancement.models import RestoredImage, TrainingRun

PICTURES = ("raw", "restored", "difference", "spread")


def restored_file(image: RestoredImage) -> Path:
    """Return the OME-TIFF of a restored image.

    Raises
    ------
    NotFoundError
        If it is not made yet.
    """
    return _existing(image.folder / "restored.ome.tif")


def restored_picture_file(image: RestoredImage, name: str) -> Path:
    """Return one of the pictures of a restored image.

    Raises
    ------
    NotFoundError
        If there is no such picture, or not yet.
    """
    if name not in PICTURES:
        raise NotFoundError(f"There is no picture '{name}'.", hint=f"Ask for one of {', '.join(PICTURES)}.")
    return _existing(image.folder / f"{name}.webp")


def validation_file(run: TrainingRun, epoch: int) -> Path:
    """Return the validation picture of an epoch.

    Raises
    ------
    NotFoundError
        If the epoch is not finished.
    """
    return _existing(run.folder / "validation" / f"{epoch:04d}.webp")


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise NotFoundError("This file does not exist yet.", hint="Wait until the work has ended.", file=path.name)
    return path
