"""Things found by the names that people type on a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.db.models import Model, Q

from common.errors import NotFoundError
from instruments.models import Facility, Instrument, OpticalPath
from metrology.models import Standard

if TYPE_CHECKING:
    from django.db.models import QuerySet

RowT = TypeVar("RowT", bound=Model)


def facility_named(name: str) -> Facility:
    """Return the facility of this name or slug; the only one there is where no name is given.

    Raises
    ------
    NotFoundError
        There is none, or there are several and none was named.
    """
    rows = Facility.objects.filter(Q(slug=name) | Q(name=name)) if name else Facility.objects.all()
    return _only(rows, "facility", name)


def instrument_named(facility: Facility, name: str) -> Instrument:
    """Return the instrument of this name or slug.

    Raises
    ------
    NotFoundError
        The facility has none.
    """
    return _only(Instrument.objects.filter(Q(slug=name) | Q(name=name), facility=facility), "instrument", name)


def path_named(instrument: Instrument, name: str) -> OpticalPath:
    """Return the optical path of this name.

    Raises
    ------
    NotFoundError
        The instrument has none.
    """
    return _only(instrument.optical_paths.filter(name=name), "optical path", name)


def standard_named(facility: Facility, name: str) -> Standard:
    """Return the standard of this name.

    Raises
    ------
    NotFoundError
        The facility has none.
    """
    return _only(Standard.objects.filter(facility=facility, name=name), "standard", name)


def _only(rows: QuerySet[RowT], what: str, name: str) -> RowT:
    found = list(rows[:2])
    if len(found) == 1:
        return found[0]
    known = ", ".join(sorted(str(row) for row in rows.model._default_manager.all()[:20]))
    if found:
        raise NotFoundError(f"More than one {what} may be meant.", hint=f"Name one of them: {known}.")
    raise NotFoundError(
        f"There is no {what} '{name}'." if name else f"There is no {what} yet.",
        hint=f"Known: {known}." if known else "Add it in the administration first.",
    )
