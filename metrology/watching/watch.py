"""The watch: look, wait until a file is complete, have it taken in, remember, look again."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from common.errors import InputError, StrehlError, UnavailableError
from metrology.watching.folder import Seen, Settling, images_in
from metrology.watching.memory import IN, REFUSED, SENDING, Memory, Remembered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TRY_AGAIN_S = 15.0
_PASSING = frozenset({401, 403, 408, 409, 423, 429})


class Taker(Protocol):
    """Whatever takes a file in: the database of this machine, or a server."""

    def take(self, path: Path, *, address: str, keep: Callable[[str], None], stopped: threading.Event) -> str:
        """Take a file in and return the sentence that was said.

        `address` is that of an upload which an earlier attempt began, `keep` remembers the one of this attempt, and
        once `stopped` is set the attempt may break off by raising UnavailableError.
        """
        ...


@dataclass
class Watch:
    """Watches one folder until it is stopped.

    Parameters
    ----------
    folder : Path
        What is watched, with its sub-folders.
    taker : Taker
        Takes files in.
    memory : Memory
        What became of files before.
    say : callable
        Told a sentence about whatever happens.
    settle_s : float
        How long a file must stay the same before it is taken [s].
    look_s : float
        Pause between two looks [s].
    stopped : threading.Event
        Set to end the watch.
    """

    folder: Path
    taker: Taker
    memory: Memory
    say: Callable[[str], None]
    settle_s: float = 10.0
    look_s: float = 2.0
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Begin with nothing seen."""
        self._settling = Settling(self.settle_s)
        self._away = ""
        self._not_before: dict[Path, float] = {}
        self._said: dict[Path, str] = {}
        self._unavailable = ""

    def run(self, *, once: bool = False) -> int:
        """Watch until stopped.

        Parameters
        ----------
        once : bool
            End when all that lies in the folder now is complete and has been tried.

        Returns
        -------
        int
            How many files were refused or could not be taken in.
        """
        failed = 0
        while not self.stopped.is_set():
            waiting, failed_now = self.look()
            failed += failed_now
            if once and not waiting:
                break
            self.stopped.wait(self.look_s)
        return failed

    def look(self) -> tuple[int, int]:
        """Look once and take in what is complete.

        Returns
        -------
        tuple of int
            How many files wait until they are complete; how many were refused or not taken in.
        """
        try:
            unknown = self.memory.unknown(images_in(self.folder))
        except InputError as error:
            if self._away != str(error):
                self._away = str(error)
                self.say(f"{error} It is waited for.")
            return 0, 1
        if self._away:
            self._away = ""
            self.say(f"The folder {self.folder} is back.")
        complete = self._settling.complete(unknown, now_s=time.monotonic())
        failed = 0
        for path in complete:
            if self.stopped.is_set():
                break
            if time.monotonic() < self._not_before.get(path, 0.0):
                continue
            try:
                failed += not self._take(path, unknown[path])
            except UnavailableError as error:  # nothing can be taken in now, whichever file
                self._waits_for(error)
                failed += 1
                break
        return len(unknown) - len(complete), failed

    def _waits_for(self, error: UnavailableError) -> None:
        """Say once what does not answer, and wait a little."""
        if not self.stopped.is_set():
            if self._unavailable != error.problem:
                self.say(f"{error} It is waited for.")
            self._unavailable = error.problem
            self.stopped.wait(self.look_s)

    def _take(self, path: Path, seen: Seen) -> bool:
        """Have a file taken in; say whether it is in."""
        before = self.memory.of(path, seen)

        def keep(address: str) -> None:
            self.memory.keep(path, seen, Remembered(SENDING, "", address))

        try:
            said = self.taker.take(path, address=before.address if before else "", keep=keep, stopped=self.stopped)
        except UnavailableError:
            raise
        except StrehlError as error:
            self._failed(path, seen, error)
            return False
        self._unavailable = ""
        self._not_before.pop(path, None)
        if _look_of(path) != seen:
            self.say(f"{path}: {said} It was changed meanwhile and is taken again.")
            return True
        self.memory.keep(path, seen, Remembered(IN, said))
        self.say(f"{path}: {said}")
        return True

    def _failed(self, path: Path, seen: Seen, error: StrehlError) -> None:
        """Remember a refusal; try again later what may pass."""
        if error.http_status in _PASSING or error.http_status >= 500:
            self._not_before[path] = time.monotonic() + TRY_AGAIN_S
            if self._said.get(path) != str(error):
                self.say(f"{path}: {error} It is tried again every {TRY_AGAIN_S:.0f} s.")
            self._said[path] = str(error)
            return
        if _look_of(path) == seen:  # else it was not complete, whatever is wrong with it
            self.memory.keep(path, seen, Remembered(REFUSED, str(error)))
            self.say(f"{path} refused: {error} It is not tried again until it changes.")


def _look_of(path: Path) -> Seen | None:
    """Return how a file looks now; None if it is away."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Seen(status.st_size, status.st_mtime_ns)
