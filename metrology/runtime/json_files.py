"""Small files of numbers that the worker lays down for the pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from common.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path


def json_write(path: Path, content: Any, *, what: str) -> None:
    """Write a file of JSON; it appears whole or not at all, and takes the place of what was there.

    Parameters
    ----------
    path : Path
        Where to; its folder is made.
    content : Any
        What JSON can say: no NaN and no infinity.
    what : str
        What it holds, at the beginning of the sentence that says that it cannot be written.

    Raises
    ------
    StorageError
        The disk refuses.
    """
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        part.write_text(json.dumps(content, allow_nan=False, separators=(",", ":")))
        part.chmod(0o640)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError(
            f"{what} cannot be written.",
            hint="Free space on the disk of the facility, then measure again.",
            reason=str(error),
        ) from error
