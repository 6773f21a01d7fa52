"""Work as a row: a state machine with progress, a heartbeat and a plain sentence when it failed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models


class JobState(models.TextChoices):
    """Where a piece of work stands."""

    QUEUED = "queued", "waiting"
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


ACTIVE_STATES = (JobState.QUEUED, JobState.RUNNING)


class Job(models.Model):
    """A row that a worker works on. `common.jobs` moves it; nothing else does.

    `task` and `queue` name the door through which a worker takes it, `worked_with` the rows that it needs with it.
    """

    task: ClassVar[str]
    queue: ClassVar[str] = "measure"
    worked_with: ClassVar[tuple[str, ...]] = ()

    state = models.CharField(max_length=12, choices=JobState, default=JobState.QUEUED, db_index=True)
    progress = models.FloatField(default=0.0, help_text="Share done, 0 to 1.")
    stage = models.CharField(max_length=120, blank=True, help_text="What is being done now, in words.")
    attempts = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    error_details = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True

    @property
    def is_active(self) -> bool:
        """Waiting or running."""
        return self.state in ACTIVE_STATES

    @property
    def progress_percent(self) -> int:
        """Share done [%]."""
        return round(100 * self.progress)

    def error_envelope(self) -> dict[str, Any]:
        """Return why it failed, as the API says it."""
        return {"code": self.error_code, "message": self.error_message, "details": self.error_details}
