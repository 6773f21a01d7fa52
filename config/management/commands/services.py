"""`manage.py services`: the embedded PostgreSQL by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from config.embedded.backend.base import start
from config.embedded.prepare import embedded_server
from config.embedded.supervisor import end_leftovers, stop_running

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Starts, stops or shows the embedded services."""

    help = "Start, stop or show the embedded PostgreSQL. 'stop' ends all of Strehl here, also a killed one's rest."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to do."""
        parser.add_argument("what", choices=["start", "stop", "status"], nargs="?", default="status")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it."""
        server = embedded_server()
        if server is None:
            raise CommandError("DATABASE_URL names another database: start and stop that one by its own means.")
        if options["what"] == "start":
            start(server)
        elif options["what"] == "stop":
            stop_running()
            end_leftovers()
            server.stop()
        process = server.process()
        self.stdout.write(f"PostgreSQL runs as process {process.pid}." if process else "PostgreSQL does not run.")
