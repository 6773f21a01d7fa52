"""How work is handed to the workers: by name, by id, after commit."""

from __future__ import annotations

from typing import Literal

from celery import current_app
from django.db import transaction

QueueName = Literal["measure", "train"]


def dispatch(task: str, *ids: int, queue: QueueName = "measure") -> None:
    """Send the task once the present transaction is committed (at once outside one).

    The message is a hint: the truth is a row in state `queued`. A message that is lost between the commit and the broker
    is sent again by `config.recover_lost_jobs`.
    """
    transaction.on_commit(lambda: _send(task, ids, queue), robust=True)


def _send(task: str, ids: tuple[int, ...], queue: QueueName) -> None:
    current_app.send_task(task, args=list(ids), queue=queue, ignore_result=True)
