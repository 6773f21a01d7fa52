"""Everything that must be in place before pages and workers start; each step safe to repeat."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from django.apps import apps
from django.core.management import call_command
from django.db import connection

from common import jobs
from common.errors import StateError
from common.models import Job
from config import env
from config.embedded.backend.base import start
from config.embedded.postgres import EmbeddedPostgres
from metrology.services.storage import sweep

if TYPE_CHECKING:
    from rich.console import Console

TRY_PORTS = 20


def embedded_server() -> EmbeddedPostgres | None:
    """Return the embedded server, or None where `DATABASE_URL` names another."""
    return EmbeddedPostgres(env.VAR_DIR) if env.DATABASE_URL == env.EMBEDDED else None


def prepare(console: Console) -> EmbeddedPostgres | None:
    """Start the database, bring its tables and the static files up to date; return the embedded server if there is one."""
    server = embedded_server()
    if server is not None:
        with step(console, "PostgreSQL 18 and its queue"):
            start(server)
    with step(console, "tables"):
        call_command("migrate", verbosity=0, interactive=False)
    with step(console, "static files"):
        call_command("collectstatic", verbosity=0, interactive=False)
    return server


def recover_after_start(console: Console) -> None:
    """Give jobs back that an earlier run left unfinished, and remove its broken uploads: now nothing else runs."""
    sweep(all_of_them=True)
    found = sum(jobs.recover(model, all_workers_are_dead=True) for model in job_models())
    if found:
        console.print(f"  {found} unfinished jobs of the last run go on")
    connection.close()  # children are started next: they must not inherit it


def job_models() -> list[type[Job]]:
    """Return every table of work."""
    return [model for model in apps.get_models() if issubclass(model, Job)]


def free_port(wanted: int, *, host: str) -> int:
    """Return `wanted`, or the next free port after it.

    Raises
    ------
    StateError
        If none of the next twenty is free.
    """
    for port in range(wanted, wanted + TRY_PORTS):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise StateError(
        f"No port from {wanted} to {wanted + TRY_PORTS - 1} is free.",
        hint="Set STREHL_PORT to one that is.",
        port=wanted,
    )


class step:  # noqa: N801 - reads as a statement: with step(...)
    """Says what is being done and, when it is done, how long it took."""

    def __init__(self, console: Console, what: str) -> None:
        self.console = console
        self.what = what
        self.status = console.status(f"  {what} …")

    def __enter__(self) -> None:
        """Begin."""
        self.began = time.monotonic()
        self.status.start()

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        """Say how long it took."""
        self.status.stop()
        mark = "failed" if kind else f"{time.monotonic() - self.began:.1f} s"
        self.console.print(f"  {self.what}: {mark}", highlight=False)
