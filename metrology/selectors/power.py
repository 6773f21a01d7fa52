"""Reads of power readings: the records of an instrument, one of them with its figures, and both as a table."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from django.db.models import Count

from common.errors import NotFoundError
from metrology.models import PowerRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from instruments.models import Facility, Instrument

COLUMNS = ("light_source", "read_at", "setting_percent", "power_mw")
"""What a table of readings has in its first line; those that are read may stand in any order."""
METER = "meter"
"""A column that may be left out: the name of the power meter of each line."""

_SHOWN = (
    "acquisition__light_setting__light_source",
    "acquisition__standard",
    "acquisition__uploaded_by",
    "replaces",
    "replaced_by",
)


def power_records(instrument: Instrument) -> QuerySet[PowerRecord]:
    """Return the records of an instrument, the latest readings first, with how many readings each has (`count`)."""
    return (
        PowerRecord.objects.filter(acquisition__instrument=instrument)
        .select_related(*_SHOWN)
        .prefetch_related("acquisition__measurements__series")
        .annotate(count=Count("readings"))
        .order_by("-acquisition__acquired_at", "-pk")
    )


def power_record_get(facility: Facility, pk: int) -> PowerRecord:
    """Return one record of the facility.

    Raises
    ------
    NotFoundError
        The facility has none of that number.
    """
    found = (
        PowerRecord.objects.filter(acquisition__facility=facility, pk=pk)
        .select_related(
            *_SHOWN, "acquisition__instrument", "acquisition__protocol", "replaced_by__acquisition__uploaded_by"
        )
        .first()
    )
    if found is None:
        raise NotFoundError(
            f"There is no power record {pk} in {facility}.",
            hint="Choose one from the power readings of an instrument.",
            record=pk,
        )
    return found


def instrument_of(record: PowerRecord) -> Instrument:
    """Return the instrument of a record.

    Raises
    ------
    NotFoundError
        Somebody has taken the instrument away from its acquisition.
    """
    if record.acquisition.instrument is None:
        raise NotFoundError("The record has no instrument.", hint="Choose another record.", record=record.pk)
    return record.acquisition.instrument


def records_table(records: Iterable[PowerRecord], *, with_meters: bool = True) -> str:
    """Write the readings of records as a table that can be brought in again: it then adds nothing.

    Parameters
    ----------
    records : iterable of PowerRecord
        Of one instrument.
    with_meters : bool
        Whether each line names the power meter; otherwise whoever brings the table chooses it.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([*COLUMNS, METER] if with_meters else COLUMNS)
    for record in records:
        scan = record.acquisition
        source = scan.light_setting.light_source.name if scan.light_setting else ""
        meter = [_harmless(scan.standard.name if scan.standard else "")] if with_meters else []
        for one in record.readings.all():
            at = one.read_at or scan.acquired_at
            moment = at.isoformat() if at else ""
            numbers = (repr(one.setting_percent), repr(one.power_mw))
            writer.writerow([_harmless(source), moment, *numbers, *meter])
    return buffer.getvalue()


def _harmless(text: str) -> str:
    """Keep a spreadsheet from running a name as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text
