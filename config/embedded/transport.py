"""The queue's transport: kombu's for pgmq, which makes a queue only where there is none."""

from __future__ import annotations

from typing import Any

from kombu.transport import pgmq


class Channel(pgmq.Channel):
    """Makes a queue once; later declarations are one quick question.

    `pgmq.create` asks for a lock even of a queue that is there, and waits for an idle worker's long poll (decision 7).
    """

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        if not self._has_queue(queue):
            super()._new_queue(queue, **kwargs)


class Transport(pgmq.Transport):
    """What `CELERY_BROKER_TRANSPORT` names."""

    Channel = Channel
