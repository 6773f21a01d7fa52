"""`manage.py watch DIR`: take in what a microscope writes, as soon as each file is complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from common.errors import InputError, StateError, StrehlError, UnavailableError
from metrology.selectors.named import facility_named, instrument_named, path_named, standard_named
from metrology.services.ingest import acquisition_ingest
from metrology.watching.__main__ import add_options, remote_taker, run, say, state_file, wait_for
from metrology.watching.memory import Memory
from metrology.watching.watch import Watch

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from instruments.models import Facility
    from metrology.services.given import Given


class LocalTaker:
    """Takes files into the database of this machine.

    Parameters
    ----------
    facility : Facility
        Whose files they are.
    given : Given
        What is said about each.
    """

    def __init__(self, facility: Facility, given: Given) -> None:
        self.facility = facility
        self.given = given

    def take(self, path: Path, *, address: str, keep: Callable[[str], None], stopped: threading.Event) -> str:  # noqa: ARG002 - as every Taker
        """Take a file in; see `metrology.watching.watch.Taker`."""
        try:
            close_old_connections()
            ingested = acquisition_ingest(facility=self.facility, source=path, original_name=path.name, **self.given)
        except (OperationalError, InterfaceError) as error:
            connection.close()
            raise UnavailableError("The database does not answer.", hint="Start Strehl.", reason=str(error)) from error
        except InputError as error:
            if "reason" in error.details:  # the file could not be read: the share is away, nothing is wrong with it
                raise StateError(error.problem, hint="Check its disk or network share.", **error.details) from error
            raise
        return f"{ingested.message} Acquisition {ingested.acquisition.pk}."


class Command(BaseCommand):
    """Watches a folder."""

    help = "Take in each file of a folder once it is complete, until Ctrl-C; --server sends to a Strehl elsewhere."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add_options(parser)
        parser.add_argument("--facility", default="", help="Name or slug; may be left out where there is only one.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Watch.

        Raises
        ------
        CommandError
            An option names what is not there; with --once, also where a file was refused.
        """
        state = options["state"] or state_file(options["folder"], options["server"], below=settings.VAR_DIR / "watch")
        timing = {"settle_s": options["settle"], "look_s": options["look"]}
        try:
            if options["server"]:
                taker = remote_taker(options)
                watch = Watch(options["folder"], taker, Memory(state), say, **timing)
                wait_for(taker, watch)
            else:
                watch = Watch(options["folder"], _local(options), Memory(state), say, **timing)
            failed = run(watch, once=options["once"])
        except StrehlError as error:
            raise CommandError(str(error)) from error
        if options["once"] and failed:
            raise CommandError(f"{failed} files were not taken in; the lines above say why.")


def _local(options: dict[str, Any]) -> LocalTaker:
    """Return what takes files in here, with everything that was named looked up."""
    facility = facility_named(options["facility"])
    given: Given = {"label": options["label"]}
    if options["instrument"]:
        given["instrument"] = instrument = instrument_named(facility, options["instrument"])
        if options["optical_path"]:
            given["optical_path"] = path_named(instrument, options["optical_path"])
    elif options["optical_path"]:
        raise InputError("An optical path belongs to an instrument.", hint="Give --instrument too.")
    if options["standard"]:
        given["standard"] = standard_named(facility, options["standard"])
    return LocalTaker(facility, given)
