"""Reads of files on disk, for those who may see the row that they belong to."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from common.errors import NotFoundError, StorageError

if TYPE_CHECKING:
    from pathlib import Path


def opened(path: Path) -> IO[bytes]:
    """Open a file of a row that the caller may see.

    Raises
    ------
    NotFoundError
        It is not there (a preview before it is drawn).
    StorageError
        The disk refuses.
    """
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise NotFoundError(
            "This file is not there.", hint="Measure the acquisition again; if it stays away, tell your administrator."
        ) from None
    except OSError as error:
        raise StorageError("This file cannot be read.", hint="Tell your administrator.", reason=str(error)) from error
