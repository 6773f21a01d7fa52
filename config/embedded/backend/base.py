"""`ENGINE = "config.embedded.backend"`: Django's PostgreSQL backend with a server that is there when it is needed."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.utils import OperationalError

from config import env
from config.embedded import queue
from config.embedded.postgres import EmbeddedPostgres

WAIT_SECONDS = 15.0


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL that starts itself from the command line and is waited for under the supervisor."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect; start or wait for the server when it does not answer."""
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError as error:
            if "does not exist" not in str(error) and env.EMBEDDED_AUTOSTART:
                start(EmbeddedPostgres(env.VAR_DIR))
                return super().get_new_connection(conn_params)
            if "does not exist" in str(error):
                raise
        return self._wait_and_connect(conn_params)

    def _wait_and_connect(self, conn_params: dict[str, Any]) -> Any:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return super().get_new_connection(conn_params)
            except (OperationalError, psycopg.OperationalError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)


def start(server: EmbeddedPostgres, *, durable: bool = True) -> None:
    """Start the server with the application's database and the queue in it."""
    server.start(durable=durable)
    server.ensure_database(env.DATABASE_NAME)
    queue.install(server)
