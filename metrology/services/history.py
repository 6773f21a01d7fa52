"""The history of an instrument is measured again through the queue, and what still waits can be stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from common import jobs
from common.dispatch import dispatch
from common.errors import StateError
from common.models import ACTIVE_STATES, JobState
from common.permissions import Role
from instruments.selectors.membership import require_role_on
from metrology.models import Acquisition, Health, RemeasuredScan, Remeasuring
from metrology.services.health import assessments_ask

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User
    from django.db.models import QuerySet

    from instruments.models import Instrument

AT_A_TIME = 500


def history_remeasure(instrument: Instrument, *, user: User | AnonymousUser | None) -> int:
    """Put all measured scans of an instrument in the queue again, so that new quantities and new versions have a past.

    Figures that are there stay; a quantity of a new version gets series of its own, those of the old one retire.

    Parameters
    ----------
    instrument : Instrument
        Whose history.
    user
        Staff of its facility; None for the command line.

    Returns
    -------
    int
        How many scans wait now.

    Raises
    ------
    AccessError
        The user is not staff.
    NotFoundError
        The instrument is of another facility.
    StateError
        There is nothing that could be measured again.

    Notes
    -----
    How each scan stood before is noted, so that `history_cancel` can put it back. All of it is rows: after a restart the
    work goes on where it was.
    """
    require_role_on(instrument, user, Role.STAFF, action="measure a history again")
    with transaction.atomic():
        finished = Acquisition.objects.filter(instrument=instrument).exclude(state__in=ACTIVE_STATES)
        before = list(finished.select_for_update(of=("self",)).order_by("pk").values("pk", *jobs.WORK_FIELDS))
        if not before:
            raise StateError(
                f"No finished scan of {instrument} could be measured again.",
                hint="Wait until those in the queue are done.",
            )
        asked = Remeasuring.objects.create(
            instrument=instrument, asked_by_id=None if user is None else user.pk, asked_at=timezone.now()
        )
        RemeasuredScan.objects.bulk_create(
            [RemeasuredScan(remeasuring=asked, acquisition_id=row.pop("pk"), **row) for row in before],
            batch_size=AT_A_TIME,
        )
        again = Acquisition.objects.filter(
            pk__in=RemeasuredScan.objects.filter(remeasuring=asked).values("acquisition")
        )
        waiting = jobs.requeue_all(again)
        Remeasuring.objects.filter(pk=asked.pk).update(asked_at=again.values_list("queued_at", flat=True)[:1])
        dispatch("metrology.send_history", instrument.pk)
    return waiting


def history_cancel(instrument: Instrument, *, user: User | AnonymousUser | None) -> int:
    """Stop measuring a history again: each scan that still waits is as it was before, with its figures and its state.

    Parameters
    ----------
    instrument : Instrument
        Whose history.
    user
        Staff of its facility; None for the command line.

    Returns
    -------
    int
        How many scans were stopped.

    Raises
    ------
    AccessError
        The user is not staff.
    NotFoundError
        The instrument is of another facility.
    StateError
        No scan waits to be measured again.

    Notes
    -----
    A scan on which a worker is just now is measured to its end, and those measured already keep what they gained. Scans
    that wait for another reason (new, corrected, of a new protocol) go on waiting. Messages of stopped scans find
    nothing to do.
    """
    require_role_on(instrument, user, Role.STAFF, action="stop measuring a history again")
    with transaction.atomic():
        stopped = list(
            remeasured_waiting(instrument)
            .select_related("acquisition")
            .select_for_update(of=("acquisition",))  # a worker that was quicker has it; the row is then left out
            .order_by("acquisition")
        )
        if not stopped:
            raise StateError(
                f"No scan of {instrument} waits to be measured again.", hint="There is nothing left to stop."
            )
        for scan in stopped:
            for name in jobs.WORK_FIELDS:
                setattr(scan.acquisition, name, getattr(scan, name))
        jobs.put_back([scan.acquisition for scan in stopped])
        Remeasuring.objects.filter(pk__in={scan.remeasuring_id for scan in stopped}).update(
            cancelled_at=timezone.now(), cancelled_by=None if user is None else user.pk
        )
        assessments_ask(Health.objects.filter(instrument=instrument))
    return len(stopped)


def remeasured_waiting(instrument: Instrument) -> QuerySet[RemeasuredScan]:
    """Return the scans that wait for nothing but to be measured again."""
    return RemeasuredScan.objects.filter(
        remeasuring__instrument=instrument,
        acquisition__state=JobState.QUEUED,
        acquisition__queued_at=F("remeasuring__asked_at"),
    )


def keep_waiting(scans: QuerySet[Acquisition]) -> None:
    """Note that waiting scans have a reason of their own to be measured: stopping a history leaves them in the queue."""
    scans.filter(state=JobState.QUEUED).update(queued_at=timezone.now())


def failed_before(scan: Acquisition) -> bool:
    """Say whether a scan that waits to be measured again had failed before its history was asked for."""
    return RemeasuredScan.objects.filter(
        acquisition=scan, remeasuring__asked_at=scan.queued_at, state=JobState.FAILED
    ).exists()
