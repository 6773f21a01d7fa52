"""Readings of a power meter come in: each session once, whole or not at all, and corrected by a record of its own."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from django.db import transaction

from common import jobs
from common.errors import InputError, NotFoundError, StateError
from common.permissions import Role
from instruments.models import Instrument
from instruments.selectors.membership import require_role_on
from metrology.models import (
    Acquisition,
    LightSetting,
    PowerReading,
    PowerRecord,
    StandardKind,
    Validity,
)
from metrology.selectors.power import instrument_of
from metrology.services.given import said_by
from metrology.services.health import assessment_request
from metrology.services.ingest import plain_name
from metrology.services.power_known import known_record
from metrology.services.power_table import Problems, Session, check_session, reading_moment, sessions_of
from metrology.services.storage import store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser, User

    from instruments.models import LightSource
    from metrology.models import Standard
    from metrology.services.power_table import PowerRow

SETTING_DIGITS = 3
"""Settings are the same where they agree to a thousandth of a per cent."""
TYPED = "typed readings"
RECORD = "record power readings"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the readings of one session: their record, new, or old where they were here before."""

    record: PowerRecord
    duplicate: bool

    @property
    def message(self) -> str:
        """One sentence for whoever brought them."""
        scan = self.record.acquisition
        if self.duplicate:
            since = f"{scan}: already here since {scan.uploaded_at:%Y-%m-%d %H:%M} UTC"
            corrected = PowerRecord.objects.filter(replaces=self.record).exists()
            return f"{since}{' and corrected' if corrected else ''}; nothing was added."
        count = self.record.readings.count()
        some = "1 reading" if count == 1 else f"{count} readings"
        return f"{scan}: {some} of {scan.acquired_at:%Y-%m-%d %H:%M} UTC taken in."


def power_record(
    *,
    light_source: LightSource,
    meter: Standard,
    read_at: datetime,
    rows: Sequence[PowerRow],
    user: User | AnonymousUser | None,
    original_name: str = TYPED,
) -> Recorded:
    """Take in the readings of one light source in one session, to be measured and charted.

    Parameters
    ----------
    light_source : LightSource
        What was read.
    meter : Standard
        With which power meter: a standard of that kind; its readings make charts of their own.
    read_at : datetime
        When.
    rows : sequence of PowerRow
        Settings [%] and powers [mW], in the order in which they were read.
    user
        Who brings them, an operator; None for the command line.
    original_name : str
        Name of the table that they come from.

    Returns
    -------
    Recorded
        The record, and whether the same readings were here before.

    Raises
    ------
    AccessError
        The user is not an operator.
    NotFoundError
        The light source or the meter is of another facility.
    InputError
        The meter is none, a reading cannot be true, the date is before 1990, or there are other readings of the same
        moment.
    InvalidDateError
        The date lies in the future.
    StorageError
        The disk refuses.
    """
    session = Session(light_source, reading_moment(read_at), tuple(rows))
    return _take_in([session], light_source.instrument, meter, user, name=original_name)[0]


def power_import(
    text: str, *, instrument: Instrument, meter: Standard, user: User | AnonymousUser | None, original_name: str
) -> tuple[Recorded, ...]:
    """Take in a table of readings: all of its sessions, or none where a line of it is wrong.

    Parameters
    ----------
    text : str
        The table, as `metrology.services.power_table.sessions_of` reads it.
    instrument : Instrument
        Whose light sources it names.
    meter : Standard
        With which power meter the lines were read that name none.
    user, original_name
        As for `power_record`.

    Returns
    -------
    tuple of Recorded
        One for each light source, meter and day; what was here before is a duplicate and adds nothing.

    Raises
    ------
    InputError
        The table or lines of it are wrong: `details["lines"]` names each with what to do.
    AccessError, NotFoundError, StorageError
        As for `power_record`.
    """
    require_role_on(instrument, user, Role.OPERATOR, action=RECORD)
    return _take_in(sessions_of(text, instrument), instrument, meter, user, name=original_name)


def power_correct(
    record: PowerRecord,
    *,
    light_source: LightSource,
    meter: Standard,
    read_at: datetime,
    rows: Sequence[PowerRow],
    reason: str,
    user: User | AnonymousUser | None,
) -> PowerRecord:
    """Put a corrected record in the place of one that was wrong; the wrong one is kept, marked and not charted any more.

    Parameters
    ----------
    record : PowerRecord
        What was wrong.
    light_source, meter, read_at, rows, user
        What is right, all of it, as for `power_record`; the light source is of the same instrument.
    reason : str
        What was wrong with it.

    Returns
    -------
    PowerRecord
        The new record.

    Raises
    ------
    StateError
        The record was replaced before, or is being measured right now.
    InputError
        No reason is given, nothing differs, or as for `power_record`.
    AccessError, NotFoundError, InvalidDateError, StorageError
        As for `power_record`.
    """
    instrument = instrument_of(record)
    require_role_on(instrument, user, Role.OPERATOR, action=RECORD)
    if not reason.strip():
        raise InputError(
            "A correction needs a reason.", hint="Say what was wrong, for example 'read in the wrong unit'."
        )
    if light_source.instrument_id != instrument.pk:
        raise InputError(
            f"{light_source} is not of {instrument}.", hint="Choose a light source of the same instrument."
        )
    session = Session(light_source, reading_moment(read_at), tuple(rows))
    with transaction.atomic():
        Instrument.objects.select_for_update(no_key=True).get(pk=instrument.pk)
        old = Acquisition.objects.select_for_update(of=("self",)).get(pk=record.acquisition_id)
        if PowerRecord.objects.filter(replaces=record).exists():
            raise StateError("This record was corrected before.", hint="Correct the one that took its place.")
        if old.is_active:
            raise StateError("It is being measured right now.", hint="Wait until it is measured, then correct it.")
        taken = _take_in([session], instrument, meter, user, name=TYPED, replacing=record)[0]
        if taken.duplicate:
            raise InputError(
                "These readings are here already; nothing was changed.", hint="Correct what was wrong, or leave it."
            )
        PowerRecord.objects.filter(pk=taken.record.pk).update(replaces=record, reason=reason.strip()[:200])
        old.validity = Validity.INVALID
        old.validity_reason = replaced_words(taken.record)
        old.save(update_fields=["validity", "validity_reason"])
        assessment_request(instrument.pk)
    return PowerRecord.objects.get(pk=taken.record.pk)


def replaced_words(successor: PowerRecord) -> str:
    """Say why a record is not charted: another took its place."""
    scan = successor.acquisition
    return f"Corrected on {scan.uploaded_at:%Y-%m-%d} by record {successor.pk}."


def reference_setting(rows: Sequence[PowerRow]) -> float:
    """Return the setting that a session is charted at [%]: the one read most often, the highest of several."""
    counts = Counter(rounded_setting(row.setting_percent) for row in rows)
    return max(counts, key=lambda setting: (counts[setting], setting))


def rounded_setting(setting_percent: float) -> float:
    """Return a setting as it is charted [%]: those that agree to a thousandth of a per cent are one.

    Notes
    -----
    Wherever settings are compared they are rounded here: `numpy.round` rounds 10.0005 to another number.
    """
    return round(setting_percent, SETTING_DIGITS)


def _take_in(
    sessions: Sequence[Session],
    instrument: Instrument,
    meter: Standard,
    user: User | AnonymousUser | None,
    *,
    name: str,
    replacing: PowerRecord | None = None,
) -> tuple[Recorded, ...]:
    """Write all sessions or none."""
    require_role_on(instrument, user, Role.OPERATOR, action=RECORD)
    if meter.facility_id != instrument.facility_id:
        raise NotFoundError(f"There is no such power meter in {instrument.facility}.", hint="Choose one of your own.")
    if meter.kind != StandardKind.POWER_METER:
        raise InputError(f"{meter} is not a power meter.", hint="Choose a standard of the kind 'power meter'.")
    for session in sessions:
        check_session(session)
    with transaction.atomic():
        Instrument.objects.select_for_update(no_key=True).get(
            pk=instrument.pk
        )  # one who brings readings after the other
        problems = Problems()
        meters = [session.meter or meter for session in sessions]
        read = list(zip(sessions, meters, strict=True))
        known = [known_record(session, by, problems, replacing=replacing) for session, by in read]
        problems.raise_any(total=sum(len(session.rows) for session in sessions))
        return tuple(
            _write(session, instrument, by, user, plain_name(name), replacing)
            if old is None
            else Recorded(old, duplicate=True)
            for (session, by), old in zip(read, known, strict=True)
        )


def _canonical(session: Session, instrument: Instrument, meter: Standard, replacing: PowerRecord | None) -> bytes:
    """Return the readings as the file that is kept of them; one of a correction names the record that it corrects.

    So what was first right, then wrongly corrected, and then put back has a file of its own each time.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = ["instrument_id", "light_source_id", "power_meter_id", "read_at", "setting_percent", "power_mw"]
    writer.writerow(names if replacing is None else [*names, "replaces_record_id"])
    last = [] if replacing is None else [replacing.pk]
    for row in session.rows:
        at = (row.read_at or session.read_at).astimezone(UTC).isoformat()
        writer.writerow(
            [instrument.pk, session.light_source.pk, meter.pk, at, repr(row.setting_percent), repr(row.power_mw), *last]
        )
    return buffer.getvalue().encode()


def _write(
    session: Session,
    instrument: Instrument,
    meter: Standard,
    user: User | AnonymousUser | None,
    name: str,
    replacing: PowerRecord | None,
) -> Recorded:
    """Make the record of a session and queue it to be measured."""
    setting, _ = LightSetting.objects.get_or_create(
        light_source=session.light_source, setting_percent=reference_setting(session.rows)
    )
    acquisition = Acquisition.objects.create(
        facility_id=instrument.facility_id,
        stored_file=store(io.BytesIO(_canonical(session, instrument, meter, replacing))),
        original_name=name,
        uploaded_by_id=None if user is None else user.pk,
        instrument=instrument,
        light_setting=setting,
        standard=meter,
        label=str(setting),
        acquired_at=session.read_at,
        sources=dict.fromkeys(("instrument", "standard", "label", "acquired_at"), said_by(user)),
    )
    record = PowerRecord.objects.create(acquisition=acquisition)
    PowerReading.objects.bulk_create(
        [
            PowerReading(
                record=record,
                position=place,
                setting_percent=row.setting_percent,
                power_mw=row.power_mw,
                read_at=row.read_at,
            )
            for place, row in enumerate(session.rows)
        ]
    )
    jobs.enqueue(acquisition)
    return Recorded(record, duplicate=False)
