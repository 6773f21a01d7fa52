"""People confirm or correct what is known of an acquisition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from django.db import transaction
from django.utils import timezone

from common import jobs
from common.errors import InputError, NotFoundError, StateError
from common.models import JobState
from common.permissions import Role
from instruments.selectors.membership import require_role
from metrology.models import Acquisition
from metrology.services.given import Given, said_by, stated
from metrology.services.health import assessment_request
from metrology.services.history import failed_before, keep_waiting
from metrology.services.measurements import measurements_withdraw
from metrology.services.references import references_end

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

# Another value of one of these makes other figures, or the same figures of another series
MEASURED_WITH = frozenset({"instrument", "optical_path", "standard", "pixel_size_um", "z_step_um"})

LARGEST_SIZE_UM = 1e4
"""No pixel and no distance of slices is larger [µm]."""


class Confirmed(Given, total=False):
    """What is said about an acquisition: as when it was brought, and sizes [µm] that its file does not know."""

    pixel_size_um: float | None
    z_step_um: float | None


def acquisition_confirm(
    acquisition: Acquisition, *, user: User | AnonymousUser | None, **said: Unpack[Confirmed]
) -> Acquisition:
    """Note what a person knows about an acquisition, and measure it again where that changes its figures.

    Parameters
    ----------
    acquisition : Acquisition
        The acquisition.
    user
        Who says so; None for the command line.
    **said
        Fields to confirm or correct (see `Confirmed`); what is left out or empty stays as it is.

    Returns
    -------
    Acquisition
        Read anew; queued where it has to be measured again.

    Raises
    ------
    AccessError
        The user is not an operator.
    NotFoundError
        The acquisition, instrument or standard is of another facility.
    InvalidDateError
        The date lies in the future.
    InputError
        The path belongs to another instrument, or a size is not positive.
    StateError
        A worker is measuring it right now, or it has no image but readings of a power meter.

    Notes
    -----
    Figures that were had under another assumption are taken out of their series, or off the acquisition where they
    belong to none, and kept, with what was thought before, in `corrections`.
    """
    _may(acquisition, user)
    if acquisition.light_setting_id is not None:
        raise StateError("These are readings of a power meter.", hint="Correct them by a new record, on their page.")
    with transaction.atomic():
        fresh = Acquisition.objects.select_for_update(of=("self",)).get(pk=acquisition.pk)
        if fresh.state == JobState.RUNNING:
            raise StateError("It is being measured right now.", hint="Wait until it is measured, then correct it.")
        fields = _stated(fresh, said)
        changed = {name: [_plain(getattr(fresh, name)), _plain(value)] for name, value in fields.items()}
        changed = {name: pair for name, pair in changed.items() if pair[0] != pair[1]}
        instrument_before = fresh.instrument_id
        moved = bool(changed.keys() & MEASURED_WITH)
        _write(fresh, fields, by=said_by(user), changed=changed, moved=moved)
        if fresh.state != JobState.QUEUED and (moved or fresh.state == JobState.FAILED):
            jobs.requeue(fresh)
        elif moved or failed_before(fresh):  # what is said of a failed scan has it measured, also during a history
            keep_waiting(Acquisition.objects.filter(pk=fresh.pk))
        if moved or "acquired_at" in changed:
            for instrument_id in {instrument_before, fresh.instrument_id}:
                if instrument_id is not None:
                    assessment_request(instrument_id)
    return Acquisition.objects.get(pk=acquisition.pk)


def acquisition_remeasure(acquisition: Acquisition, *, user: User | AnonymousUser | None) -> None:
    """Put a measured or failed acquisition in the queue again.

    Raises
    ------
    AccessError
        The user is not an operator.
    NotFoundError
        The acquisition is of another facility.
    StateError
        It is waiting or being measured.
    """
    _may(acquisition, user)
    jobs.requeue(acquisition)


def _may(acquisition: Acquisition, user: User | AnonymousUser | None) -> None:
    if user is None:
        return
    membership = require_role(user, Role.OPERATOR, action="correct and measure acquisitions")
    if membership.facility != acquisition.facility:
        raise NotFoundError("There is no such acquisition.", hint="Choose one of your facility.", id=acquisition.pk)


def _stated(acquisition: Acquisition, said: Confirmed) -> dict[str, Any]:
    """Check what is said; a new instrument takes the path of the old one away."""
    sizes: dict[str, Any] = {}
    for name in ("pixel_size_um", "z_step_um"):
        size = said.pop(name, None)  # type: ignore[misc]  # both keys are of Confirmed
        if size is not None and not 0 < float(size) < LARGEST_SIZE_UM:
            raise InputError(
                f"A {name.replace('_um', '').replace('_', ' ')} lies between 0 and {LARGEST_SIZE_UM:g} µm.",
                hint="Give it in µm.",
            )
        if size is not None:
            sizes[name] = float(size)
    given: dict[str, Any] = {**stated(said, acquisition.facility), **sizes}
    instrument = given.get("instrument")
    path = acquisition.optical_path
    if instrument is not None and "optical_path" not in given and path is not None and path.instrument != instrument:
        given["optical_path"] = None
    return given


def _write(
    acquisition: Acquisition, fields: dict[str, Any], *, by: str, changed: dict[str, list[Any]], moved: bool
) -> None:
    for name, value in fields.items():
        setattr(acquisition, name, value)
        if value is None:
            acquisition.sources.pop(name, None)
        else:
            acquisition.sources[name] = by
    if changed:
        withdrawn = measurements_withdraw(acquisition) if moved else []
        if changed.keys() & {"instrument", "optical_path", "standard"}:
            references_end(acquisition)
        at = timezone.now().isoformat()
        acquisition.corrections.append({"at": at, "by": by, "changed": changed, "withdrawn": withdrawn})
    if "standard" in changed:
        acquisition.protocol = None
    acquisition.save(update_fields=[*fields, "sources", "corrections", "protocol", "readings"])


def _plain(value: Any) -> Any:
    """Return a value as JSON keeps it: a row by its key, a date as text."""
    if hasattr(value, "pk"):
        return value.pk
    return value.isoformat() if hasattr(value, "isoformat") else value
