"""`manage.py power TABLE… --instrument … --meter …`: take in tables of power readings from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import InputError, StrehlError
from metrology.selectors.named import facility_named, instrument_named, standard_named
from metrology.selectors.power import COLUMNS, METER
from metrology.services.power import power_import
from metrology.services.power_table import table_text

if TYPE_CHECKING:
    from instruments.models import Instrument
    from metrology.models import Standard


class Command(BaseCommand):
    """Takes in CSV tables of power readings, each of them whole or not at all."""

    help = (
        f"Take in CSV tables of power readings (columns {', '.join(COLUMNS)}, and {METER} if several); "
        "exits with 1 if one is refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("tables", nargs="+", type=Path, metavar="TABLE", help="CSV files in UTF-8.")
        parser.add_argument("--facility", default="", help="Name or slug; may be left out where there is only one.")
        parser.add_argument("--instrument", required=True, help="Name or slug of whose light was read.")
        parser.add_argument(
            "--meter", required=True, help="Name of the standard that is the power meter of lines that name none."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Take in the tables, and say of each what became of it.

        Raises
        ------
        CommandError
            An option names what is not there, or a table was refused.
        """
        try:
            facility = facility_named(options["facility"])
            instrument = instrument_named(facility, options["instrument"])
            meter = standard_named(facility, options["meter"])
        except StrehlError as error:
            raise CommandError(str(error)) from error
        refused = [path for path in options["tables"] if not self._take_in(path, instrument, meter)]
        if refused:
            raise CommandError(f"{len(refused)} of {len(options['tables'])} tables were refused; see above.")

    def _take_in(self, path: Path, instrument: Instrument, meter: Standard) -> bool:
        """Take in one table; say whether it is in."""
        try:
            taken = power_import(
                table_text(_content(path)), instrument=instrument, meter=meter, user=None, original_name=path.name
            )
        except StrehlError as error:
            lines = error.details.get("lines")
            self.stderr.write(f"{path.name}: {error.problem if lines else error}")
            for one in lines or []:
                self.stderr.write(f"  line {one['line']}: {one['problem']}")
            return False
        for one in taken:
            self.stdout.write(f"{path.name}: {one.message}")
        return True


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            "The file cannot be read.", hint="Check that it exists and that you may read it.", reason=str(error)
        ) from error
