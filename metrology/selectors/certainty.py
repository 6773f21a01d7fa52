"""How sure a figure is, held against the limits of its day: within them, beyond one, or too uncertain to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import Q

from metrology.attributes.quantity import Quantity
from metrology.attributes.verdict import judge
from metrology.models import Limits, Measurement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from instruments.models import Instrument
    from metrology.attributes.verdict import Verdict
    from metrology.models import Series

CANNOT_TELL: Final = "cannot tell"


def limits_rows(instrument: Instrument, attribute_id: str) -> QuerySet[Limits]:
    """Return every row of limits of an attribute that concerns an instrument, the latest first."""
    return Limits.objects.filter(
        Q(instrument=instrument) | Q(instrument=None),
        facility_id=instrument.facility_id,
        attribute_id=attribute_id,
    ).order_by("-valid_from", "-pk")


def limits_on(rows: Sequence[Limits], moment: datetime) -> Limits | None:
    """Return which of the rows held at a moment: the latest of the instrument's own, else the latest of the facility.

    Parameters
    ----------
    rows : sequence of Limits
        As `limits_rows` gives them.
    moment : datetime
        When.
    """
    held = [row for row in rows if row.valid_from <= moment]
    return next((row for row in held if row.instrument_id is not None), next(iter(held), None))


def certain_points(series: Series) -> dict[int, tuple[float | None, Verdict | None]]:
    """Return the standard uncertainty of each point of a series and how it lies to the limits of its day.

    Parameters
    ----------
    series : Series
        With its instrument.

    Returns
    -------
    dict
        By acquisition: (uncertainty [unit of the series] or None, verdict or None where no limit held that day). A value
        without uncertainty counts as exact.
    """
    rows = list(limits_rows(series.instrument, series.attribute_id))
    values = Measurement.objects.filter(series=series, acquisition__acquired_at__isnull=False).values_list(
        "acquisition_id", "acquisition__acquired_at", "value", "uncertainty"
    )
    found: dict[int, tuple[float | None, Verdict | None]] = {}
    for acquisition_id, acquired_at, value, uncertainty in values:
        limits = None if acquired_at is None else limits_on(rows, acquired_at)
        verdict = None if limits is None else verdict_on(limits, Quantity(value, uncertainty))
        found[acquisition_id] = (uncertainty, verdict)
    return found


def verdict_on(limits: Limits, quantity: Quantity) -> Verdict | None:
    """Say how a figure lies to its limits; None where the row takes all limits away.

    Beyond any of them goes before too uncertain to tell of one, and this before within all.
    """
    said = _verdicts(limits, quantity).values()
    return next((verdict for verdict in ("beyond", "cannot tell", "within") if verdict in said), None)


def limit_words(limits: Limits, quantity: Quantity) -> str:
    """Say how a figure lies to its limits, or that its uncertainty is too large to tell."""
    said = _verdicts(limits, quantity)
    beyond = next((name for name, verdict in said.items() if verdict == "beyond"), "")
    unsure = next((name for name, verdict in said.items() if verdict == CANNOT_TELL), "")
    if beyond:
        return f"beyond its {beyond}"
    return f"too uncertain to tell whether beyond its {unsure}" if unsure else "within its limits"


def _verdicts(limits: Limits, quantity: Quantity) -> Mapping[str, Verdict]:
    """Judge a figure against each kind of limit that there is, the graver one first."""
    sides = {
        "action limit": (limits.action_low, limits.action_high),
        "tolerance": (limits.tolerance_low, limits.tolerance_high),
    }
    return {
        name: judge(quantity, low=low, high=high).verdict
        for name, (low, high) in sides.items()
        if low is not None or high is not None
    }
