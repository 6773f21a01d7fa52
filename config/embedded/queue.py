"""The queue inside PostgreSQL: pgmq's SQL from its wheel, in a database of its own, without an extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from pgmq.install import get_embedded_install_sql

if TYPE_CHECKING:
    from config.embedded.postgres import EmbeddedPostgres

QUEUE_DATABASE = "strehl_queue"


def install(server: EmbeddedPostgres) -> None:
    """Make the queue's database and its functions unless they are there (safe to call at every start)."""
    server.ensure_database(QUEUE_DATABASE)
    with psycopg.connect(server.conninfo(QUEUE_DATABASE)) as connection:
        connection.execute("select pg_advisory_xact_lock(7464872)")  # two first starts at once
        found = connection.execute(
            "select to_regproc('pgmq.send_batch') is not null or to_regnamespace('pgmq') is not null"
        )
        row = found.fetchone()
        if row is None or not row[0]:
            connection.execute(get_embedded_install_sql())
