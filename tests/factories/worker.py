"""A real Celery worker on the test's own database, queue and media folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from celery import current_app

from config.env import BASE_DIR


class Worker:
    """A worker in a process group of its own."""

    def __init__(self, environment, log):
        self.environment = environment
        self.log = log
        self.process = None

    def start(self):
        command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "-Q", "measure,train", "-c", "1"]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    *command,
                    "--without-gossip",
                    "--without-mingle",
                    "--without-heartbeat",
                    "-n",
                    f"test{os.getpid()}@strehl",
                ],
                cwd=BASE_DIR,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self):
        """End it as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait_until(self, true, seconds=90):
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.1)


def empty_queues():
    """Throw away what an earlier test left in this run's queues."""
    with current_app.connection_for_write() as broker:
        for queue in current_app.amqp.queues.values():
            queue(broker.default_channel).declare()
            queue(broker.default_channel).purge()


def waiting_messages():
    """Count what lies in this run's queues; a task that runs is there until it ends."""
    with current_app.connection_for_write() as broker:
        names = [queue.name for queue in current_app.amqp.queues.values()]
        return sum(broker.default_channel.queue_declare(name, passive=True).message_count for name in names)
