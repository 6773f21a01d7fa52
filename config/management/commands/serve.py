"""`manage.py serve`: web server, workers and scheduler under one supervisor."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from common.errors import StrehlError
from config import env
from config.embedded.prepare import free_port, prepare, recover_after_start
from config.embedded.supervisor import Supervisor, only_one


class Command(BaseCommand):
    """Runs everything until Ctrl-C."""

    help = "Run the web server, the workers and the scheduler under one supervisor, until Ctrl-C."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Prepare, start, watch."""
        console = Console()
        for ending in (signal.SIGINT, signal.SIGTERM):  # also where a shell started this with SIGINT ignored
            signal.signal(ending, signal.default_int_handler)
        server = None
        try:
            with only_one():
                try:
                    server = prepare(console)
                    recover_after_start(console)
                    port = free_port(env.PORT, host=env.BIND)
                    with Supervisor(server, port=port, say=console.print).running() as supervisor:
                        console.print(f"Strehl answers on [bold]http://{env.BIND}:{port}/[/]  (Ctrl-C stops it)")
                        supervisor.watch_until(lambda: False)
                except KeyboardInterrupt:
                    console.print("Stopping …")
                finally:
                    if server is not None:
                        server.stop()
        except StrehlError as error:
            raise CommandError(str(error)) from error
        console.print("Stopped.")
