"""A real granian, as the supervisor starts it, on the test's own database and media folder."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time

from django.db import connection

from config.embedded.supervisor import command_of
from config.env import BASE_DIR


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Web:
    """The web process of an installation."""

    def __init__(self, media_root, log):
        self.port, self.log = free_port(), log
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "STREHL_DATABASE_NAME": connection.settings_dict["NAME"],
            "STREHL_MEDIA": str(media_root),
            "STREHL_EMBEDDED_AUTOSTART": "false",
        }
        self.start()

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command_of("web", port=self.port),
                cwd=BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                self.ask("OPTIONS", "/api/v1/uploads/")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(self.log.read_text())

    def ask(self, method, path, body=None, headers=None):
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            asked.request(method, path, body, headers or {})
            answer = asked.getresponse()
            answer.body = answer.read()
        finally:
            asked.close()
        return answer

    def kill(self):
        """kill -9 of the whole group."""
        os.killpg(self.process.pid, 9)
        self.process.wait()
