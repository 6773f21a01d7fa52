"""Which power readings are here already, reading by reading, so that none comes in twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from django.db.models.functions import Coalesce

from metrology.models import PowerReading, PowerRecord

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from metrology.models import Standard
    from metrology.services.power_table import PowerRow, Problems, Session


class _Read(NamedTuple):
    """What makes two readings of a light source by a meter the same."""

    moment: datetime
    setting_percent: float
    power_mw: float


def known_record(
    session: Session, meter: Standard, problems: Problems, *, replacing: PowerRecord | None
) -> PowerRecord | None:
    """Return the record in which the readings of a session are already, None where they are new.

    Parameters
    ----------
    session : Session
        What was brought.
    meter : Standard
        With which power meter it was read.
    problems : Problems
        Is told where the session holds readings of a moment of which there are others.
    replacing : PowerRecord or None
        The record that the session corrects, whose readings are in nobody's way.

    Returns
    -------
    PowerRecord or None
        A record in force that holds readings of the session, where all of them are here; else, unless the session is a
        correction, a corrected one that held exactly the same: what was found wrong does not come in again by itself.

    Notes
    -----
    Readings are the same where light source, meter, moment, setting and power are. A reading without a time of its own
    has that of its session.
    """
    brought = Counter(_read(row, session) for row in session.rows)
    in_force, corrected = _there(session, meter, brought)
    own = None if replacing is None else in_force.pop(replacing.pk, None)
    if replacing is not None and own == brought and _count(replacing.pk) == len(session.rows):
        return replacing
    known: int | None = None
    if brought <= sum(in_force.values(), Counter()):
        known = min(pk for pk, held in in_force.items() if held & brought)
    elif replacing is None:
        same = (pk for pk, held in corrected.items() if held == brought and _count(pk) == len(session.rows))
        known = max(same, default=None)
    if known is not None:
        return PowerRecord.objects.select_related("acquisition").get(pk=known)
    moments = {one.moment for one in brought}
    for pk, held in sorted(in_force.items()):
        if any(one.moment in moments for one in held):
            _refuse(session, pk, held, problems)
            break
    return None


def _there(
    session: Session, meter: Standard, brought: Iterable[_Read]
) -> tuple[dict[int, Counter[_Read]], dict[int, Counter[_Read]]]:
    """Return the readings between the first and the last moment, by their records in force and by those corrected."""
    moments = [one.moment for one in brought]
    rows = (
        PowerReading.objects.filter(
            record__acquisition__light_setting__light_source=session.light_source,
            record__acquisition__standard=meter,
        )
        .annotate(moment=Coalesce("read_at", "record__acquisition__acquired_at"))
        .filter(moment__range=(min(moments), max(moments)))
        .values_list("record", "record__replaced_by", "moment", "setting_percent", "power_mw")
    )
    in_force: defaultdict[int, Counter[_Read]] = defaultdict(Counter)
    corrected: defaultdict[int, Counter[_Read]] = defaultdict(Counter)
    for pk, successor, *read in rows:
        (in_force if successor is None else corrected)[pk][_Read(*read)] += 1
    return dict(in_force), dict(corrected)


def _refuse(session: Session, pk: int, held: Counter[_Read], problems: Problems) -> None:
    """Say by which line a session meets a record, and that the record is to be corrected."""
    moments = {one.moment for one in held}
    row = next(row for row in session.rows if (row.read_at or session.read_at) in moments)
    at = f"{session.light_source} at {row.read_at or session.read_at:%Y-%m-%d %H:%M} UTC"
    some = any(_read(row, session) in held for row in session.rows)
    words = "Some, not all, of these readings are here, from" if some else "There are other readings of"
    problems.note(row.line or 1, f"{words} {at}; correct record {pk} instead.")


def _read(row: PowerRow, session: Session) -> _Read:
    return _Read(row.read_at or session.read_at, row.setting_percent, row.power_mw)


def _count(pk: int) -> int:
    return PowerReading.objects.filter(record=pk).count()
