"""The queue inside PostgreSQL: pgmq's SQL from its wheel, in a database of its own, without an extension."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
from pgmq.install import get_embedded_install_sql

if TYPE_CHECKING:
    from config.embedded.postgres import EmbeddedPostgres

QUEUE_DATABASE = "strehl_queue"
QUEUES = ("measure", "train")


def install(server: EmbeddedPostgres, *, prefix: str = "") -> None:
    """Make the queue's database, its functions and its queues unless they are there (safe to call at every start).

    As they are made here, no process has to declare them before its first message: that waits for an index lock, twice,
    as long as an idle worker asks for messages (4 s), and whoever sends or acknowledges meanwhile waits as well.
    """
    server.ensure_database(QUEUE_DATABASE)
    with psycopg.connect(server.conninfo(QUEUE_DATABASE)) as connection:
        connection.execute("select pg_advisory_xact_lock(7464872)")  # two first starts at once
        found = connection.execute(
            "select to_regproc('pgmq.send_batch') is not null or to_regnamespace('pgmq') is not null"
        )
        row = found.fetchone()
        if row is None or not row[0]:
            connection.execute(get_embedded_install_sql())
        for name in QUEUES:
            connection.execute(
                "select pgmq.create(%(name)s) where to_regclass('pgmq.q_' || %(name)s) is null",
                {"name": re.sub(r"\W", "_", prefix + name)},  # as the transport names it
            )
