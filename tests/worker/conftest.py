"""A real Celery worker on the test's own database, queue and media folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from celery import current_app
from django.db import connection

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


@pytest.fixture
def worker(transactional_db, media_root, tmp_path):
    """A running worker; what an earlier test left in the queues is thrown away first."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "STREHL_DATABASE_NAME": connection.settings_dict["NAME"],
        "STREHL_MEDIA": str(media_root),
        "OMP_NUM_THREADS": "1",
    }
    with current_app.connection_for_write() as broker:
        for queue in current_app.amqp.queues.values():
            queue(broker.default_channel).declare()
            queue(broker.default_channel).purge()
    found = Worker(environment, tmp_path / "worker.log")
    found.start()
    yield found
    if found.process.poll() is None:
        found.kill()
