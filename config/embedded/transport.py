"""The queue's transport: kombu's for pgmq, which makes a queue only where there is none."""

from __future__ import annotations

from typing import Any

from kombu.transport import pgmq


class Channel(pgmq.Channel):
    """Makes a queue once; later declarations are one quick question.

    `pgmq.create` asks for an index lock even of a queue that is there. An idle worker's long poll holds it, so that the
    first message of each process, which declares the queue, would take twice as long as the poll (4 s), and whoever sends
    or acknowledges meanwhile would wait as well.
    """

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        if not self._has_queue(queue):
            super()._new_queue(queue, **kwargs)


class Transport(pgmq.Transport):
    """What `CELERY_BROKER_TRANSPORT` names."""

    Channel = Channel
