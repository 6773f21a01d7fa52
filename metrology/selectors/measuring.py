"""How far the workers are with the scans that are waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Min, Q

from common.models import ACTIVE_STATES
from metrology.models import Acquisition, Health

if TYPE_CHECKING:
    from instruments.models import Facility, Instrument


@dataclass(frozen=True, slots=True)
class MeasuringProgress:
    """Scans measured since the oldest one that still waits came in.

    Parameters
    ----------
    done, total : int
        Scans finished, and all of them; both 0 where nothing waits.
    judging : bool
        Whether everything is measured but a verdict is still to come.
    """

    done: int
    total: int
    judging: bool = False

    @property
    def is_busy(self) -> bool:
        """Whether the page will say something else in a moment."""
        return self.total > 0 or self.judging

    @property
    def percent(self) -> float:
        """Share done [%]."""
        return 100 * self.done / self.total if self.total else 100.0


def measuring_progress(facility: Facility, instrument: Instrument | None = None) -> MeasuringProgress:
    """Count what is being measured, for the facility or for one of its instruments.

    Parameters
    ----------
    facility : Facility
        Whose scans.
    instrument : Instrument, optional
        Only scans of this instrument.
    """
    scans = Acquisition.objects.filter(facility=facility)
    waiting_for_verdict = Health.objects.filter(instrument__facility=facility, needs_assessment=True)
    if instrument is not None:
        scans = scans.filter(instrument=instrument)
        waiting_for_verdict = waiting_for_verdict.filter(instrument=instrument)
    oldest = scans.filter(state__in=ACTIVE_STATES).aggregate(oldest=Min("queued_at"))["oldest"]
    if oldest is None:
        return MeasuringProgress(0, 0, judging=waiting_for_verdict.exists())
    counted = scans.filter(queued_at__gte=oldest).aggregate(
        total=Count("pk"), active=Count("pk", filter=Q(state__in=ACTIVE_STATES))
    )
    return MeasuringProgress(counted["total"] - counted["active"], counted["total"])
