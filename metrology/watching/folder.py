"""What lies in a folder, and which of it is complete."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENDINGS = frozenset({".tif", ".tiff", ".lsm", ".btf", ".tf8", ".czi", ".lif", ".lof", ".nd2", ".oib"})
"""What is looked for in folders; other files are none of a microscope's images."""

UNFINISHED_NAMES = (".", "~")
_WRITING = os.O_WRONLY | os.O_RDWR


@dataclass(frozen=True, slots=True)
class Seen:
    """How a file looked.

    Parameters
    ----------
    size_bytes : int
        Its size [bytes].
    mtime_ns : int
        When it was last changed [ns].
    """

    size_bytes: int
    mtime_ns: int


def images_in(folder: Path, *, endings: frozenset[str] = ENDINGS) -> dict[Path, Seen]:
    """Return the images in a folder and its sub-folders.

    Parameters
    ----------
    folder : Path
        Where to look; links are not followed.
    endings : frozenset of str
        Endings of the names, in lower case.

    Returns
    -------
    dict of Path to Seen
        Each file and how it looks, in the order of their names.

    Raises
    ------
    InputError
        The folder, or one of its sub-folders, cannot be read now: a network share that is away.
    """

    def unreadable(error: OSError) -> None:
        raise InputError(
            f"The folder {error.filename or folder} cannot be read.",
            hint="Check that it exists and that its disk or network share is connected.",
            reason=error.strerror or str(error),
        ) from error

    found: dict[Path, Seen] = {}
    for place, inside, names in os.walk(folder, onerror=unreadable):
        inside[:] = sorted(name for name in inside if not name.startswith(UNFINISHED_NAMES))
        for name in sorted(names):
            if name.startswith(UNFINISHED_NAMES) or os.path.splitext(name)[1].lower() not in endings:  # noqa: PTH122 - a name, not a path
                continue
            path = Path(place) / name
            try:
                status = path.stat(follow_symlinks=False)
            except FileNotFoundError:  # renamed while we looked
                continue
            except OSError as error:
                unreadable(error)
                continue
            if stat.S_ISREG(status.st_mode):
                found[path] = Seen(status.st_size, status.st_mtime_ns)
    return found


class Settling:
    """Tells which files have stopped changing.

    Parameters
    ----------
    settle_s : float
        How long size and time of change must stay the same [s].
    """

    def __init__(self, settle_s: float) -> None:
        self.settle_s = settle_s
        self._since: dict[Path, tuple[Seen, float]] = {}

    def complete(self, found: Mapping[Path, Seen], *, now_s: float) -> list[Path]:
        """Return the files that have looked the same for the settle time.

        Parameters
        ----------
        found : mapping of Path to Seen
            How they look now.
        now_s : float
            The time, of a clock that never goes back [s].

        Returns
        -------
        list of Path
            Those that are complete, the oldest first; those that a process of this machine still writes are not.
        """
        self._since = {
            path: before if (before := self._since.get(path)) and before[0] == seen else (seen, now_s)
            for path, seen in found.items()
        }
        settled = [path for path, (_, since_s) in self._since.items() if now_s - since_s >= self.settle_s]
        written = being_written() if settled else frozenset()
        ready = [path for path in settled if os.path.realpath(path) not in written and not _locked(path)]
        return sorted(ready, key=lambda path: (found[path].mtime_ns, path))


def being_written() -> frozenset[str]:
    """Return the files that processes of this machine have open for writing.

    Returns
    -------
    frozenset of str
        Their real paths; empty where the system does not tell (only Linux does, of the processes one may look into).

    References
    ----------
    proc_pid_fdinfo(5): `flags` are those of open(2), in octal.
    """
    found = set()
    for entry in _descriptors():
        try:
            said = Path(str(entry).replace("/fd/", "/fdinfo/", 1))
            flags = next(line for line in said.read_text().splitlines() if line.startswith("flags:"))
            if int(flags.split()[1], 8) & _WRITING:
                found.add(str(entry.readlink()))
        except (OSError, StopIteration):  # closed, or ended, or another user's
            continue
    return frozenset(found)


def _descriptors() -> Iterator[Path]:
    """Yield the open files of the processes that we may look into."""
    if sys.platform != "linux":
        return
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                yield from (process / "fd").iterdir()
            except OSError:  # ended, or another user's
                continue


def _locked(path: Path) -> bool:
    """Say whether another program of a Windows machine holds the file: then it cannot be renamed, even to itself."""
    if sys.platform == "win32":
        try:
            path.rename(path)
        except OSError:
            return True
    return False
