"""`manage.py ingest PATH…`: take in files and folders from the command line."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from common.errors import InputError, StrehlError
from common.models import JobState
from metrology.models import Acquisition, FieldRole
from metrology.selectors.named import facility_named, instrument_named, path_named, standard_named
from metrology.services.ingest import acquisition_ingest
from metrology.watching.folder import ENDINGS

if TYPE_CHECKING:
    from instruments.models import Facility
    from metrology.services.given import Given

POLL_SECONDS = 0.5
DUPLICATE = "duplicate"


@dataclass(slots=True)
class Outcome:
    """What became of one file."""

    path: Path
    state: str
    message: str
    acquisition_id: int | None = None

    @property
    def refused(self) -> bool:
        """Whether the file is not in, or could not be measured."""
        return self.state in {"refused", JobState.FAILED, JobState.CANCELLED}


class Command(BaseCommand):
    """Takes in files and folders; what is not stated is read from each file."""

    help = "Take in image files and folders; exits with 1 if any file is refused."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="Files or folders.")
        parser.add_argument("--facility", default="", help="Name or slug; may be left out where there is only one.")
        parser.add_argument("--instrument", default="", help="Name or slug; else read from each file.")
        parser.add_argument("--optical-path", default="", help="Name; needs --instrument.")
        parser.add_argument("--standard", default="", help="Name; else read from label or file name.")
        parser.add_argument("--acquired-at", default="", help="ISO date (UTC where it has no zone); else read.")
        parser.add_argument("--label", default="", help="Label of the images.")
        parser.add_argument("--field-of-view", default="", help="Name of the field; pairs share it.")
        parser.add_argument("--field-role", default="", choices=["", *FieldRole.values], help="Part in a pair.")
        parser.add_argument("--wait", action="store_true", help="Wait until the workers have measured them.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Take in the files, show a bar and then a table.

        Raises
        ------
        CommandError
            An option names what is not there, or a file was refused.
        """
        console = Console()
        try:
            facility = facility_named(options["facility"])
            given = _given(facility, options)
        except StrehlError as error:
            raise CommandError(str(error)) from error
        files, outcomes = _files(options["paths"])
        with Progress(console=console) as progress:
            bar = progress.add_task("Taking in", total=len(files))
            for path in files:
                outcomes.append(_take_in(path, facility, given))
                progress.advance(bar)
            if options["wait"]:
                _wait(outcomes, progress)
        console.print(_table(outcomes))
        refused = sum(outcome.refused for outcome in outcomes)
        if refused:
            raise CommandError(f"{refused} of {len(outcomes)} files or folders were refused; the table says why.")


def _given(facility: Facility, options: dict[str, Any]) -> Given:
    """Turn the options into what is said about every file."""
    given: Given = {"label": options["label"], "field_of_view": options["field_of_view"]}
    if options["field_role"]:
        given["field_role"] = options["field_role"]
    if options["instrument"]:
        given["instrument"] = instrument_named(facility, options["instrument"])
    if options["optical_path"]:
        if given.get("instrument") is None:
            raise InputError("An optical path belongs to an instrument.", hint="Give --instrument too.")
        given["optical_path"] = path_named(given["instrument"], options["optical_path"])  # type: ignore[arg-type]  # None was refused
    if options["standard"]:
        given["standard"] = standard_named(facility, options["standard"])
    if options["acquired_at"]:
        given["acquired_at"] = _moment(options["acquired_at"])
    return given


def _moment(text: str) -> datetime:
    """Read an ISO date with or without a time."""
    try:
        moment = parse_datetime(text)
        day = None if moment else parse_date(text)
    except ValueError:
        moment = day = None
    if moment is not None:
        return moment
    if day is None:
        raise InputError(f"'{text}' is not a date.", hint="Write 2026-03-02 or 2026-03-02T09:30+01:00.")
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _files(paths: list[Path]) -> tuple[list[Path], list[Outcome]]:
    """Return the files named, and the images in the folders named, in order; and what became of folders without any."""
    files: list[Path] = []
    empty: list[Outcome] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        found = sorted(one for one in path.rglob("*") if one.suffix.lower() in ENDINGS and one.is_file())
        files += found
        if not found:
            message = f"There is no image in {path}. Images end with {', '.join(sorted(ENDINGS))}."
            empty.append(Outcome(path, "refused", message))
    return files, empty


def _take_in(path: Path, facility: Facility, given: Given) -> Outcome:
    try:
        ingested = acquisition_ingest(facility=facility, source=path, original_name=path.name, **given)
    except StrehlError as error:
        return Outcome(path, "refused", str(error))
    state = DUPLICATE if ingested.duplicate else "in"
    return Outcome(path, state, ingested.message, ingested.acquisition.pk)


def _wait(outcomes: list[Outcome], progress: Progress) -> None:
    """Follow the workers until everything is measured."""
    taken = defaultdict(list)
    for one in outcomes:
        if one.acquisition_id is not None:
            taken[one.acquisition_id].append(one)
    bar = progress.add_task("Measuring", total=len(taken))
    while True:
        rows = Acquisition.objects.filter(pk__in=taken).only("state", "error_message", "validity", "validity_reason")
        ended = [row for row in rows if not row.is_active]
        progress.update(bar, completed=len(ended))
        if len(ended) == len(taken):
            break
        time.sleep(POLL_SECONDS)
    for row in ended:
        for outcome in taken[row.pk]:
            state = row.state if row.state != JobState.DONE else "measured"
            said = row.error_message or row.validity_reason or row.get_validity_display()
            outcome.message = f"{outcome.message} {said}" if outcome.state == DUPLICATE else said
            outcome.state = DUPLICATE if outcome.state == DUPLICATE and state == "measured" else state


def _table(outcomes: list[Outcome]) -> Table:
    table = Table("File", "Acquisition", "State", "Message")
    for outcome in outcomes:
        table.add_row(outcome.path.name, str(outcome.acquisition_id or "–"), outcome.state, outcome.message)
    return table
