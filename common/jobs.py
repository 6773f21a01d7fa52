"""The life of a job row: claimed by one worker, kept alive, finished once, given to another when its worker died."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from common.dispatch import dispatch
from common.errors import InternalError, StateError, StrehlError
from common.models import ACTIVE_STATES, Job, JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

log = logging.getLogger("strehl.jobs")

JobT = TypeVar("JobT", bound=Job)

MOST_ATTEMPTS = 3
WORK_FIELDS = (
    "state",
    "attempts",
    "progress",
    "stage",
    "queued_at",
    "started_at",
    "finished_at",
    "heartbeat_at",
    "cancel_requested",
    "error_code",
    "error_message",
    "error_details",
)
"""What of a row changes when it is put in the queue again."""
HEARTBEAT_SECONDS = 1.0


def run(model: type[JobT], job_id: int, work: Callable[[JobT], None]) -> bool:
    """Do `work` on the row unless somebody else does or it is finished; the outermost boundary of a task.

    An error of the tree ends the row as `failed` with its sentence; any other error as `failed` with the code
    `internal`, and its traceback in the log. Nothing is raised, so that the queue never repeats a poisoned job.

    Returns
    -------
    bool
        Whether the work was done here.
    """
    job = claim(model, job_id)
    if job is None:
        return False
    try:
        with kept_alive(job):
            work(job)
    except StrehlError as error:
        finish(job, error=error)
        return False
    except Exception:  # the outermost boundary: the row must not stay "running"
        log.exception("%s %s failed", model.__name__, job_id)
        finish(
            job,
            error=InternalError(
                "Something went wrong inside Strehl.",
                hint="Its log has the details; start the job again, and report it if it fails again.",
                job=f"{model.__name__} {job_id}",
            ),
        )
        return False
    finish(job)
    return True


def claim(model: type[JobT], job_id: int) -> JobT | None:
    """Take the row for this worker; None when it is finished, gone, or another living worker has it."""
    with transaction.atomic():
        rows = model._default_manager.select_for_update(of=("self",)).filter(pk=job_id).order_by()
        job = (rows.select_related(*model.worked_with) if model.worked_with else rows).first()
        now = timezone.now()
        if job is None or not job.is_active or (job.state == JobState.RUNNING and not _is_stale(job, now)):
            return None
        if job.cancel_requested:
            _write(job, state=JobState.CANCELLED, finished_at=now)
            return None
        if job.attempts >= MOST_ATTEMPTS:
            _write(
                job,
                state=JobState.FAILED,
                finished_at=now,
                error_code="worker_lost",
                error_message=f"The worker died {job.attempts} times on this job. "
                "Look at its log and at the memory of the machine, then start the job again.",
            )
            return None
        _write(
            job,
            state=JobState.RUNNING,
            attempts=job.attempts + 1,
            started_at=job.started_at or now,
            heartbeat_at=now,
            error_code="",
            error_message="",
            error_details={},
        )
        return job


def beat(job: Job, progress: float, stage: str = "") -> None:
    """Say how far the work is; the row shows it with its next heartbeat, so that a step costs the database nothing."""
    job.progress, job.stage = min(max(progress, 0.0), 1.0), stage


def finish(job: Job, *, error: StrehlError | None = None) -> None:
    """End a claimed row as done, cancelled (where that was asked for) or failed, unless another worker has it by now."""
    running = _claimed(job)
    ended: dict[str, Any] = {"finished_at": timezone.now()}
    if error is not None:
        running.update(
            **ended,
            state=JobState.FAILED,
            error_code=error.code,
            error_message=str(error),
            error_details=error.details,
        )
    elif not running.filter(cancel_requested=False).update(**ended, state=JobState.DONE, progress=1.0, stage=""):
        running.update(**ended, state=JobState.CANCELLED, stage="")


def requeue(job: Job) -> None:
    """Put a finished row back in the queue (measure again, train on)."""
    with transaction.atomic():
        fresh = type(job)._default_manager.select_for_update().get(pk=job.pk)
        if fresh.is_active:
            raise StateError("This job is already waiting or running.", hint="Wait until it has ended.", id=job.pk)
        _write(fresh, **_from_the_start())
        enqueue(fresh)


def requeue_all(rows: QuerySet[JobT]) -> int:
    """Put all finished rows back in the queue, with one statement; `send_waiting` then sends their messages.

    Returns
    -------
    int
        How many rows.
    """
    return rows.exclude(state__in=ACTIVE_STATES).update(**_from_the_start())


def put_back(rows: Sequence[JobT]) -> None:
    """Take waiting rows out of the queue again, as they were before `requeue_all`.

    Parameters
    ----------
    rows : sequence of Job
        Of one table and locked by the caller, with the values that their `WORK_FIELDS` had.
    """
    if rows:
        type(rows[0])._default_manager.bulk_update(rows, WORK_FIELDS, batch_size=500)


def send_waiting(rows: QuerySet[JobT]) -> int:
    """Send a message for each waiting row that has none yet; safe to run again, and after a death in the middle.

    Returns
    -------
    int
        How many messages.
    """
    sent = 0
    for job in rows.filter(state=JobState.QUEUED, heartbeat_at=None).order_by("pk").iterator():
        with transaction.atomic():  # the heartbeat of a waiting row is when its message was sent
            sent += (
                type(job)
                ._default_manager.filter(pk=job.pk, state=JobState.QUEUED, heartbeat_at=None)
                .update(heartbeat_at=timezone.now())
            )
            enqueue(job)
    return sent


def _from_the_start() -> dict[str, Any]:
    """Return the fields of a row that waits as if it were new."""
    return {
        "state": JobState.QUEUED,
        "attempts": 0,
        "progress": 0.0,
        "stage": "",
        "queued_at": timezone.now(),
        "started_at": None,
        "finished_at": None,
        "heartbeat_at": None,
        "cancel_requested": False,
        "error_code": "",
        "error_message": "",
        "error_details": {},
    }


def enqueue(job: Job) -> None:
    """Send the row to its queue once it is committed."""
    dispatch(job.task, job.pk, queue=job.queue)  # type: ignore[arg-type]  # ClassVar[str] narrows to the queue names


def cancel(job: Job) -> None:
    """Ask for an end: a waiting row ends at once, a running one at its next step."""
    with transaction.atomic():
        fresh = type(job)._default_manager.select_for_update().get(pk=job.pk)
        if not fresh.is_active:
            raise StateError("This job has already ended.", hint="There is nothing left to cancel.", id=job.pk)
        if fresh.state == JobState.QUEUED:
            _write(fresh, state=JobState.CANCELLED, cancel_requested=True, finished_at=timezone.now())
        else:
            _write(fresh, cancel_requested=True)


def cancel_requested(job: Job) -> bool:
    """Say whether somebody asked for the end of this job."""
    return bool(type(job)._default_manager.filter(pk=job.pk, cancel_requested=True).exists())


def recover(model: type[JobT], *, all_workers_are_dead: bool = False) -> int:
    """Send again what is waiting without a message and what a dead worker left running.

    Parameters
    ----------
    model : type of Job
    all_workers_are_dead : bool
        True at the start of the supervisor: every running row is an orphan, whatever its heartbeat says.

    Returns
    -------
    int
        How many rows were sent again.
    """
    now = timezone.now()
    silent = now - timedelta(seconds=settings.JOB_STALE_SECONDS)
    with transaction.atomic():
        lost = Q(state=JobState.RUNNING)
        waiting = Q(state=JobState.QUEUED)
        if not all_workers_are_dead:
            lost &= Q(heartbeat_at__lt=silent)
            waiting &= Q(queued_at__lt=silent) & (Q(heartbeat_at=None) | Q(heartbeat_at__lt=silent))
        rows = list(model._default_manager.select_for_update(skip_locked=True).filter(lost | waiting).order_by("pk"))
        for job in rows:
            if all_workers_are_dead:  # whoever ended them, it was not this job
                _write(job, attempts=max(job.attempts - 1, 0))
            # the heartbeat of a waiting row is when its message was last sent: a long queue is not sent twice a minute
            _write(job, state=JobState.QUEUED, heartbeat_at=now if job.state == JobState.QUEUED else None)
            enqueue(job)
    return len(rows)


@contextmanager
def kept_alive(job: Job) -> Iterator[None]:
    """Move the row's heartbeat and what was last told of its progress, from a thread of its own."""
    done = threading.Event()

    def pulse() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            try:
                _claimed(job).update(heartbeat_at=timezone.now(), progress=job.progress, stage=job.stage)
            except (
                OperationalError,
                InterfaceError,
            ):  # a database that restarts must not end the work; the next beat tries again
                log.warning("no heartbeat for %s %s", type(job).__name__, job.pk)
                connection.close()
        connection.close()

    thread = threading.Thread(target=pulse, name=f"heartbeat-{job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _claimed(job: JobT) -> QuerySet[JobT]:
    """Return the row as long as it is this worker's: one that was suspended finds that another attempt has begun.

    Attempts count from the start that a person asked for, so both together name one claim.
    """
    return type(job)._default_manager.filter(
        pk=job.pk, state=JobState.RUNNING, attempts=job.attempts, started_at=job.started_at
    )


def _is_stale(job: Job, now: datetime) -> bool:
    return job.heartbeat_at is None or now - job.heartbeat_at > timedelta(seconds=settings.JOB_STALE_SECONDS)


def _write(job: Job, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(job, name, value)
    job.save(update_fields=list(fields))
