"""How far a history is that is measured again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, F, Q

from common.models import ACTIVE_STATES, JobState
from metrology.models import Remeasuring

if TYPE_CHECKING:
    from datetime import datetime

    from instruments.models import Instrument


@dataclass(frozen=True, slots=True)
class HistoryProgress:
    """A history that is measured again.

    Parameters
    ----------
    asked_at : datetime
        When it was asked for.
    asked_by : str
        By whom; empty for the command line.
    total, waiting, running : int
        Scans of it, those that no worker has taken yet, and those on which one is.
    """

    asked_at: datetime
    asked_by: str
    total: int
    waiting: int
    running: int

    @property
    def done(self) -> int:
        """Scans measured again, or failed."""
        return self.total - self.waiting - self.running

    @property
    def percent(self) -> float:
        """Share done [%]."""
        return 100 * self.done / self.total if self.total else 100.0

    @property
    def words(self) -> str:
        """How many of how many."""
        return f"{self.done} of {self.total} scans"


def history_progress(instrument: Instrument) -> HistoryProgress | None:
    """Return how far the latest measuring again is, None where none goes on."""
    again = Q(scans__acquisition__queued_at=F("asked_at"))
    row = (
        Remeasuring.objects.filter(instrument=instrument, cancelled_at=None)
        .select_related("asked_by")
        .annotate(
            total=Count("scans"),
            waiting=Count("scans", filter=again & Q(scans__acquisition__state=JobState.QUEUED)),
            active=Count("scans", filter=again & Q(scans__acquisition__state__in=ACTIVE_STATES)),
        )
        .first()
    )
    if row is None or not row.active:
        return None
    by = "" if row.asked_by is None else row.asked_by.get_username()
    return HistoryProgress(row.asked_at, by, row.total, row.waiting, row.active - row.waiting)
