"""How standards are to be scanned: a protocol is looked up for every scan, and changed by opening a new version."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from common import jobs
from common.dispatch import dispatch
from common.errors import InputError, NotFoundError
from common.permissions import Role
from instruments.models import Facility
from instruments.selectors.membership import require_role
from metrology.imaging.comparability import kind_stated, requirements_of
from metrology.models import Acquisition, Protocol, StandardKind
from metrology.services.history import keep_waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from instruments.models import OpticalPath

OF_FIRST_SCAN = "Made by the first scan on this path: scans of another kind are not charted with it."
SINCE_EVER = datetime.min.replace(tzinfo=UTC)


def protocol_for(
    facility: Facility,
    *,
    standard_kind: str,
    optical_path: OpticalPath | None,
    acquired_at: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Protocol:
    """Return the protocol by which a scan was made; a first version is made when there is none.

    Parameters
    ----------
    facility : Facility
        Where.
    standard_kind : str
        A `StandardKind`.
    optical_path : OpticalPath or None
        Through which; its own protocols go before those of the facility. None for readings of a power meter.
    acquired_at : datetime, optional
        When; now if left out.
    metadata : mapping, optional
        What the scan states, as an acquisition keeps it. The first scan on a path without any protocol makes one of the
        path, that asks for scans of the same kind (`metrology.imaging.comparability.kind_stated`); where nothing is
        stated the first version is the facility's and asks for nothing.

    Returns
    -------
    Protocol
        The latest that was valid then, of the path where it had one, else of the facility; the facility's first for a
        scan older than all. One that was made by a first scan comes after all that people opened.
    """
    rows = list(
        Protocol.objects.filter(facility=facility, standard_kind=standard_kind)
        .filter(Q(optical_path=None) | Q(optical_path=optical_path))
        .order_by()
    )
    moment = acquired_at or timezone.now()
    valid = [row for row in rows if (row.valid_from or SINCE_EVER) <= moment]
    if valid:
        return max(valid, key=lambda row: row.precedence)
    older = [row for row in rows if row.optical_path_id is None]
    if older:
        return min(older, key=lambda row: row.version)
    kind = [] if rows or optical_path is None else [one.as_json() for one in kind_stated(metadata or {})]
    asked = {"of_first_scan": True, "required_settings": kind, "text": OF_FIRST_SCAN} if kind else {}
    first, _ = Protocol.objects.get_or_create(
        facility=facility,
        standard_kind=standard_kind,
        optical_path=optical_path if kind else None,
        version=1,
        defaults=asked,
    )
    return first


def protocol_open(
    *,
    user: AbstractBaseUser | AnonymousUser,
    standard_kind: str,
    optical_path: OpticalPath | None,
    required_settings: Iterable[Mapping[str, Any]],
    interval_days: int = 7,
    valid_from: datetime | None = None,
    text: str = "",
) -> Protocol:
    """Open a new version of a protocol; scans made from then on begin series of their own.

    Parameters
    ----------
    user
        Who opens it; staff.
    standard_kind : str
        A `StandardKind`.
    optical_path : OpticalPath or None
        The path it is for; None for all paths of the facility that have none of their own.
    required_settings : iterable of mapping
        As `metrology.imaging.comparability.requirements_of` reads them.
    interval_days : int
        How often a scan is due [days].
    valid_from : datetime, optional
        From when on; now if left out. Scans acquired since are measured again, and take their place in the new series.
    text : str
        How to scan, and why this version was opened.

    Returns
    -------
    Protocol
        The new row; earlier versions and their series are kept.

    Raises
    ------
    AccessError
        If the user is not staff.
    NotFoundError
        If the path is another facility's.
    InputError
        If the kind is unknown, a setting is not understood, the interval is not positive, or the version would begin
        before the one that it follows.
    """
    member = require_role(user, Role.STAFF, action="open a protocol")
    facility = member.facility
    if optical_path is not None and optical_path.instrument.facility_id != facility.pk:
        raise NotFoundError(
            f"There is no optical path {optical_path.pk} in {facility}.", hint="Choose one of your own."
        )
    if standard_kind not in StandardKind.values:
        raise InputError(
            f"'{standard_kind}' is not a kind of standard.", hint=f"Use one of {', '.join(StandardKind.values)}."
        )
    if not 1 <= interval_days <= 3650:
        raise InputError("The interval is not between 1 and 3650 days.", hint="Say how often a scan is due.")
    required = [one.as_json() for one in requirements_of(required_settings)]
    begins = valid_from or timezone.now()
    with transaction.atomic():
        Facility.objects.select_for_update(no_key=True).get(pk=facility.pk)  # one version after the other
        versions = Protocol.objects.filter(facility=facility, standard_kind=standard_kind, optical_path=optical_path)
        latest = versions.order_by("-version").first()
        if latest is not None and latest.valid_from is not None and begins <= latest.valid_from:
            raise InputError(
                f"Version {latest.version} of this protocol began on {latest.valid_from:%Y-%m-%d %H:%M} UTC.",
                hint="Let the new version begin later.",
                valid_from=begins.isoformat(),
            )
        # beside earlier ones, also those that first scans made, it begins now
        is_first = not Protocol.objects.filter(facility=facility, standard_kind=standard_kind).exists()
        protocol = Protocol.objects.create(
            facility=facility,
            standard_kind=standard_kind,
            optical_path=optical_path,
            version=1 if latest is None else latest.version + 1,
            valid_from=None if is_first and optical_path is None and valid_from is None else begins,
            interval_days=interval_days,
            required_settings=required,
            text=text,
            opened_by_id=user.pk,
        )
        _measure_again(protocol)
    return protocol


def _measure_again(protocol: Protocol) -> None:
    """Queue the scans that were made by the new version."""
    made = Acquisition.objects.filter(
        Q(optical_path__isnull=False) | Q(light_setting__isnull=False),
        facility=protocol.facility_id,
        standard__kind=protocol.standard_kind,
    )
    if protocol.valid_from is not None:
        made = made.filter(acquired_at__gte=protocol.valid_from)
    if protocol.optical_path_id is not None:
        made = made.filter(optical_path=protocol.optical_path_id)
    instruments = set(made.order_by().values_list("instrument", flat=True))
    keep_waiting(made)
    jobs.requeue_all(made)
    for instrument_id in instruments:
        dispatch("metrology.send_history", instrument_id)
