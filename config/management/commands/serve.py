"""`manage.py serve`: web server, workers and scheduler under one supervisor."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console

from config import env
from config.embedded.prepare import free_port, prepare, recover_after_start
from config.embedded.supervisor import Supervisor


class Command(BaseCommand):
    """Runs everything until Ctrl-C."""

    help = "Run the web server, the workers and the scheduler under one supervisor, until Ctrl-C."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Prepare, start, watch."""
        console = Console()
        server = prepare(console)
        recover_after_start(console)
        port = free_port(env.PORT, host=env.BIND)
        supervisor = Supervisor(server, port=port, say=console.print)
        for ending in (signal.SIGINT, signal.SIGTERM):  # also where a shell started this with SIGINT ignored
            signal.signal(ending, signal.default_int_handler)
        try:
            with supervisor.running():
                console.print(f"Strehl answers on [bold]http://{env.BIND}:{port}/[/]  (Ctrl-C stops it)")
                supervisor.watch_until(lambda: False)
        except KeyboardInterrupt:
            console.print("Stopping …")
        finally:
            supervisor.stop()
            if server is not None:
                server.stop()
        console.print("Stopped.")
