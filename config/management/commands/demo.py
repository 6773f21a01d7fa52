"""`manage.py demo`: the demonstration, with pages or headless."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand
from rich.console import Console

from common.errors import StrehlError
from config import env
from config.demo.catalogue import ACCOUNTS, PASSWORD
from config.demo.loop import Loop
from config.demo.report import Report
from config.embedded.prepare import free_port, prepare, recover_after_start, step
from config.embedded.supervisor import ALL_ROLES, Role, Supervisor, only_one

if TYPE_CHECKING:
    from argparse import ArgumentParser


WIDTH_OF_A_FILE = 150
"""Columns of the tables where the output goes to a file."""


class Command(BaseCommand):
    """Sets the demonstration up, runs the loop, and keeps the pages open until Ctrl-C (not with --headless)."""

    help = "Run the whole loop on a simulated facility (and on real images); with pages, or headless with a table."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the mode and the folder of real images."""
        parser.add_argument("--headless", action="store_true", help="No web server; print a table and end.")
        parser.add_argument("--images", type=Path, help="Folder of real images to run the loop on as well.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run it; exit 1 if an arrow failed."""
        console = Console() if sys.stdout.isatty() else Console(width=WIDTH_OF_A_FILE)
        report = Report(console)
        roles: tuple[Role, ...] = ("measure", "train", "beat") if options["headless"] else ALL_ROLES
        for ending in (signal.SIGINT, signal.SIGTERM):  # also where a shell started this with SIGINT ignored
            signal.signal(ending, signal.default_int_handler)
        try:
            with only_one():
                self._run(console, report, roles, options["images"])
        except KeyboardInterrupt:
            console.print("Stopped.")
        except StrehlError as error:
            console.print(f"[red]{error}[/]")
            sys.exit(2)
        if not report.ok:
            sys.exit(1)

    def _run(self, console: Console, report: Report, roles: tuple[Role, ...], images: Path | None) -> None:
        """Prepare, start, loop, and serve until Ctrl-C; the database stops last."""
        server = prepare(console)
        try:
            recover_after_start(console)
            port = free_port(env.PORT, host=env.BIND)
            with Supervisor(server, roles=roles, port=port, say=console.print).running() as supervisor:
                if "web" in roles:
                    self._welcome(console, port)
                self._loop(supervisor, report, images)
                if "web" in roles:
                    console.print(f"All of it is on [bold]http://{env.BIND}:{port}/[/]  (Ctrl-C stops it)")
                    supervisor.watch_until(lambda: False)
        finally:
            if server is not None:
                with step(console, "stopped"):
                    server.stop()

    def _loop(self, supervisor: Supervisor, report: Report, images: Path | None) -> None:
        """Run the arrows; one that fails ends the loop, not the pages."""
        comparisons: list[tuple[str, dict[str, Any]]] = []
        try:
            loop = Loop(supervisor, report, folder=env.VAR_DIR / "demo" / "scans")
            loop.scans()
            loop.judged()
            loop.restored()
            if images is not None:
                loop.real(images)
            comparisons = [(str(run), run.comparison) for run in loop.runs]
        except StrehlError as error:
            report.console.print(f"[red]The loop stopped: {error}[/]")
        report.print(comparisons)

    def _welcome(self, console: Console, port: int) -> None:
        """Print the address and the accounts as soon as the pages answer."""
        console.print(f"\nStrehl answers on [bold]http://{env.BIND}:{port}/[/]")
        for name, role in ACCOUNTS.items():
            console.print(f"  sign in as [bold]{name}[/] with password [bold]{PASSWORD}[/]  (role {role.label})")
        console.print()
