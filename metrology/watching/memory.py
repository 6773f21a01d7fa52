"""What became of each file, remembered over restarts: a small SQLite file that survives a kill in any moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from metrology.watching.folder import Seen

IN = "in"
REFUSED = "refused"
SENDING = "sending"

_TABLE = """create table if not exists file (
    path text primary key, size_bytes integer not null, mtime_ns integer not null,
    outcome text not null, message text not null, address text not null default '')"""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a file as it looked when it was taken.

    Parameters
    ----------
    outcome : str
        in, refused, or sending.
    message : str
        The sentence that was said.
    address : str
        Of its unfinished upload, if it has one.
    """

    outcome: str
    message: str
    address: str = ""


class Memory:
    """The remembered files of one watched folder.

    Parameters
    ----------
    path : Path
        The SQLite file; it and its folder are made if they are missing.

    Raises
    ------
    StorageError
        It cannot be made, or is no SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open()) as database, database:
                database.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"What was watched before cannot be kept in {path}.",
                hint="Name another place with --state, or remove the file: nothing is taken in twice all the same.",
                reason=str(error),
            ) from error

    def of(self, path: Path, seen: Seen) -> Remembered | None:
        """Return what is known of a file that looks like this; None if it is new or has changed.

        Parameters
        ----------
        path : Path
            The file.
        seen : Seen
            How it looks.

        Returns
        -------
        Remembered or None
            What became of it.
        """
        with closing(self._open()) as database:
            row = database.execute(
                "select outcome, message, address from file where path = ? and size_bytes = ? and mtime_ns = ?",
                (str(path), seen.size_bytes, seen.mtime_ns),
            ).fetchone()
        return Remembered(*row) if row else None

    def unknown(self, found: dict[Path, Seen]) -> dict[Path, Seen]:
        """Return the files that are new, have changed, or were not finished.

        Parameters
        ----------
        found : dict of Path to Seen
            How the files look.

        Returns
        -------
        dict of Path to Seen
            Those among them of which the outcome is not known.
        """
        with closing(self._open()) as database:
            rows = database.execute(
                "select path, size_bytes, mtime_ns from file where outcome != ?", (SENDING,)
            ).fetchall()
        known = {path: (size_bytes, mtime_ns) for path, size_bytes, mtime_ns in rows}
        return {path: seen for path, seen in found.items() if known.get(str(path)) != (seen.size_bytes, seen.mtime_ns)}

    def keep(self, path: Path, seen: Seen, what: Remembered) -> None:
        """Remember what became of a file.

        Parameters
        ----------
        path : Path
            The file.
        seen : Seen
            How it looked when it was taken.
        what : Remembered
            What became of it.
        """
        with closing(self._open()) as database, database:
            database.execute(
                "insert or replace into file values (?, ?, ?, ?, ?, ?)",
                (str(path), seen.size_bytes, seen.mtime_ns, what.outcome, what.message, what.address),
            )

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=30)
