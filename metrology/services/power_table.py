"""Power readings written as a table: which columns it has, what a line says, and what is wrong with it."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from common.errors import InputError, InvalidDateError
from metrology.selectors.power import COLUMNS, METER
from metrology.selectors.standards import power_meters
from metrology.services.given import FURTHEST_ZONE, past

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from instruments.models import Instrument, LightSource
    from metrology.models import Standard

NamedT = TypeVar("NamedT", "LightSource", "Standard")

MOST_BYTES = 1_000_000
"""Largest table [bytes]: a reading a second over three hours is half of it."""
STRONGEST_MW = 1e5
"""No microscope's light is stronger [mW]; a larger number is in another unit."""
SHOWN_IN_SENTENCE = 3
EARLIEST_YEAR = 1990
"""Readings from before are a slip of the pen or of a clock."""
LONGEST_SESSION = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PowerRow:
    """One reading: setting [%], power [mW], when, and in which line of the table it stands."""

    setting_percent: float
    power_mw: float
    read_at: datetime | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Readings of one light source by one meter on one day, which make one record; no meter is named: the one chosen."""

    light_source: LightSource
    read_at: datetime
    rows: tuple[PowerRow, ...]
    meter: Standard | None = None


@dataclass(slots=True)
class Problems:
    """What is wrong with a table, line by line; raised all at once, so that one look mends all of it."""

    found: list[tuple[int, str]] = field(default_factory=list)

    def note(self, line: int, words: str) -> None:
        """Note what is wrong with a line and what to do about it."""
        self.found.append((line, words))

    def raise_any(self, *, total: int) -> None:
        """Refuse the table where a line of it is wrong.

        Parameters
        ----------
        total : int
            How many lines with readings it has.

        Raises
        ------
        InputError
            Names every wrong line in `details["lines"]`, the first few in its sentence.
        """
        if not self.found:
            return
        lines = [{"line": line, "problem": words} for line, words in sorted(self.found)]
        wrong = len({one["line"] for one in lines})
        shown = " ".join(f"Line {one['line']}: {one['problem']}" for one in lines[:SHOWN_IN_SENTENCE])
        more = f" And {len(lines) - SHOWN_IN_SENTENCE} more." if len(lines) > SHOWN_IN_SENTENCE else ""
        raise InputError(
            f"{wrong} of {total} line{'' if total == 1 else 's'} cannot be taken, so nothing was added.",
            hint=f"{shown}{more}",
            lines=lines,
        )


def table_text(content: bytes) -> str:
    """Return the text of a table that came as a file.

    Raises
    ------
    InputError
        It is empty, larger than a table of readings is, or not text.
    """
    if not content.strip():
        raise InputError("The table is empty.", hint=f"Its first line is {','.join(COLUMNS)}.")
    if len(content) > MOST_BYTES:
        raise InputError(
            f"The table is larger than {MOST_BYTES // 1_000_000} MB.", hint="Send fewer readings at a time."
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("The table is not text in UTF-8.", hint="Save it as 'CSV UTF-8'.") from error


def sessions_of(text: str, instrument: Instrument) -> list[Session]:
    """Read a table of readings.

    Parameters
    ----------
    text : str
        Comma- or semicolon-separated, with the names of `COLUMNS`, and `METER` where lines name their meter, in its first
        line; a semicolon-separated table may write numbers with a decimal comma. Dates are ISO 8601, UTC where they name
        no zone. Empty lines are left out.
    instrument : Instrument
        Whose light sources may be named: by their name, or by their wavelength ("488" or "488 nm") where one source has
        it; and of whose facility the power meters are.

    Returns
    -------
    list of Session
        One for each light source, meter and day [UTC], in the order of the table.

    Raises
    ------
    InputError
        A column is missing or unknown, there is no reading, or lines are wrong: each is named with what to do.
    """
    separator = ";" if ";" in text.split("\n", 1)[0] else ","
    names, lines = _lines(text, separator)
    sources = _sources_by_name(instrument.lightsources.all())
    meters = _by_name(power_meters(instrument.facility)) if METER in names else {}
    problems = Problems()
    gathered: dict[tuple[LightSource, Standard | None, str], list[PowerRow]] = {}
    for number, cells in lines:
        named = _named(number, names, cells, problems)
        if named is None:
            continue
        source = _meant(number, "light source", named["light_source"], sources, problems)
        meter = _meant(number, "power meter", named[METER], meters, problems) if named.get(METER, "").strip() else None
        row = _row(number, named, problems, decimal_comma=separator == ";")
        if row is not None and source is not None:
            day = "" if row.read_at is None else row.read_at.astimezone(UTC).date().isoformat()
            gathered.setdefault((source, meter, day), []).append(row)
    problems.raise_any(total=len(lines))
    return [
        Session(source, min(row.read_at for row in rows if row.read_at is not None), tuple(rows), meter)
        for (source, meter, _), rows in gathered.items()
    ]


def reading_moment(moment: datetime) -> datetime:
    """Return when a meter was read, with its time zone (UTC where it has none).

    Raises
    ------
    InputError
        It lies before 1990.
    InvalidDateError
        It lies in the future.
    """
    if moment.year < EARLIEST_YEAR:
        raise InputError(
            f"The readings are dated {moment.isoformat()}, before {EARLIEST_YEAR}.",
            hint="Give the day on which the meter was read.",
        )
    return past(moment)


def check_session(session: Session) -> None:
    """Refuse readings that no meter shows, and times that are not of their session.

    Raises
    ------
    InputError
        There is no reading, or one has a setting outside 0 to 100 %, a power that is negative, infinite or beyond a
        microscope, or a time in the future or more than a day away from its session.
    """
    rows = session.rows
    if not rows:
        raise InputError("There is no reading.", hint="Give at least one setting [%] and what the meter showed [mW].")
    problems = Problems()
    for place, row in enumerate(rows, start=1):
        for words in _impossible(row.setting_percent, row.power_mw):
            problems.note(row.line or place, words)
        if row.read_at is not None and abs(row.read_at - session.read_at) > LONGEST_SESSION:
            problems.note(
                row.line or place,
                f"{row.read_at.isoformat()} is more than a day away from its session, {session.read_at.isoformat()}; "
                "give readings of another day by themselves.",
            )
        elif row.read_at is not None and row.read_at > timezone.now() + FURTHEST_ZONE:
            problems.note(row.line or place, _future(row.read_at.isoformat()))
    problems.raise_any(total=len(rows))


def _lines(text: str, separator: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the names of the columns, and the cells of the lines with readings by their number in the table."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        numbered = [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise InputError(
            f"Line {reader.line_num} of the table cannot be read: {error}.", hint="Check its quotation marks."
        ) from error
    numbered = [(line, cells) for line, cells in numbered if any(cell.strip() for cell in cells)]
    if not numbered:
        raise InputError("The table is empty.", hint=f"Its first line is {','.join(COLUMNS)}.")
    names = [cell.strip().lower() for cell in numbered[0][1]]
    missing = [name for name in COLUMNS if name not in names]
    unknown = [name for name in names if name not in (*COLUMNS, METER)]
    if missing or unknown or len(set(names)) < len(names):
        said = [f"lacks {', '.join(missing)}"] if missing else []
        said += [f"has {', '.join(repr(name) for name in unknown)}"] if unknown else []
        raise InputError(
            f"The first line of the table {' and '.join(said) or 'names a column twice'}.",
            hint=f"Its columns are {', '.join(COLUMNS)}, each once and in any order; {METER} may be added.",
            missing=missing,
            unknown=unknown,
        )
    if len(numbered) == 1:
        raise InputError("The table has no reading.", hint="Write one reading a line below the names of the columns.")
    return names, numbered[1:]


def _named(line: int, names: Sequence[str], cells: Sequence[str], problems: Problems) -> Mapping[str, str] | None:
    """Return the cells of a line by their columns; None where there are more or fewer, which is noted."""
    if len(cells) == len(names):
        return dict(zip(names, cells, strict=True))
    what = f"It has {len(cells)} cells instead of {len(names)}"
    if len(cells) < len(names):
        problems.note(line, f"{what}: write all of them.")
    else:
        problems.note(line, f"{what}: write a semicolon between columns, or a point in numbers (0.85).")
    return None


def _meant(line: int, what: str, cell: str, known: Mapping[str, list[NamedT]], problems: Problems) -> NamedT | None:
    """Return what a cell names; None where that is none or several, which is noted."""
    named = cell.strip().lstrip("'")
    meant = known.get(_plain(named), [])
    if len(meant) == 1:
        return meant[0]
    names = ", ".join(sorted({str(one) for some in known.values() for one in some})) or "none is catalogued"
    found = f"There is no {what} '{named}'" if not meant else f"More than one {what} is called '{named}'"
    problems.note(line, f"{found}; write the name of one of: {names}.")
    return None


def _row(line: int, cells: Mapping[str, str], problems: Problems, *, decimal_comma: bool) -> PowerRow | None:
    """Read the numbers and the date of one line; None where they are wrong, which is noted."""
    before = len(problems.found)
    read_at = _moment(line, cells["read_at"].strip(), problems)
    setting = _number(line, "setting_percent", cells["setting_percent"], problems, decimal_comma=decimal_comma)
    power = _number(line, "power_mw", cells["power_mw"], problems, decimal_comma=decimal_comma)
    if len(problems.found) > before or setting is None or power is None:
        return None
    for words in _impossible(setting, power):
        problems.note(line, words)
    return PowerRow(setting, power, read_at, line)


def _moment(line: int, text: str, problems: Problems) -> datetime | None:
    """Read an ISO date with or without a time."""
    try:
        moment = parse_datetime(text)
        day = parse_date(text) if moment is None else None
    except ValueError:
        moment = day = None
    if moment is None and day is not None:
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if moment is None:
        problems.note(line, f"'{text}' is not a date; write 2026-03-02 or 2026-03-02T09:30.")
        return None
    try:
        return reading_moment(moment)
    except InvalidDateError:
        problems.note(line, _future(text))
    except InputError:
        problems.note(line, f"{text} lies before {EARLIEST_YEAR}; write when the meter was read.")
    return None


def _future(text: str) -> str:
    return f"{text} lies in the future; write when the meter was read."


def _number(line: int, name: str, text: str, problems: Problems, *, decimal_comma: bool) -> float | None:
    plain = text.strip().replace(",", ".") if decimal_comma else text.strip()
    try:
        return float(plain)
    except ValueError:
        problems.note(line, f"{name} '{text.strip()}' is not a number; write for example 0.85.")
        return None


def _impossible(setting_percent: float, power_mw: float) -> Iterator[str]:
    """Say why a reading cannot be true."""
    if not 0 <= setting_percent <= 100:
        yield f"A setting of {setting_percent:g} % is not between 0 and 100; write it in per cent."
    if not math.isfinite(power_mw) or power_mw < 0:
        yield f"A power of {power_mw:g} mW is no reading; zero the meter and read again."
    elif power_mw > STRONGEST_MW:
        yield f"A power of {power_mw:g} mW is beyond any microscope; write it in mW."


def _sources_by_name(sources: Iterable[LightSource]) -> dict[str, list[LightSource]]:
    """Return the light sources in use by what they may be called: their name goes before a wavelength."""
    today = timezone.now().date()
    named = _by_name(sources)
    by_line: dict[str, list[LightSource]] = {}
    for one in sources:
        if one.wavelength_nm is not None and (one.removed_on is None or one.removed_on > today):
            for words in (f"{one.wavelength_nm:g}", f"{one.wavelength_nm:g}nm"):
                by_line.setdefault(words, []).append(one)
    return by_line | named


def _by_name(rows: Iterable[NamedT]) -> dict[str, list[NamedT]]:
    found: dict[str, list[NamedT]] = {}
    for one in rows:
        found.setdefault(_plain(one.name), []).append(one)
    return found


def _plain(name: str) -> str:
    """Return a name without spaces and capitals: "488 nm" and "488NM" are the same."""
    return re.sub(r"\s+", "", name).lower()
