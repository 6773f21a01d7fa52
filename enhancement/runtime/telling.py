"""Writing progress into a row without dying of a database that restarts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from django.db import InterfaceError, OperationalError, connection

from common import jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from common.models import Job

Result = TypeVar("Result")

PATIENCE_S = 60.0
PAUSE_S = 1.0
ASK_EVERY_S = 1.0


def patiently(write: Callable[[], Result]) -> Result:
    """Talk to the database, and try again for a minute while it restarts.

    Hours of training must not be lost because the database was away for a moment.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError):
            if time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(PAUSE_S)


class CancelWatch:
    """Asks the row whether somebody wants the end, at most once a second, so that it may be asked at every step."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._asked_at = float("-inf")
        self._answer = False

    def __call__(self) -> bool:
        """Return whether the work should stop."""
        now = time.monotonic()
        if not self._answer and now - self._asked_at >= ASK_EVERY_S:
            self._asked_at = now
            self._answer = patiently(lambda: jobs.cancel_requested(self._job))
        return self._answer
