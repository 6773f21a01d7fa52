"""Reads of protocols, and of a scan beside the settings that its protocol asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Q

from common.errors import NotFoundError
from metrology.imaging.comparability import (
    Compared,
    Requirement,
    compare_settings,
    settings_stated,
)
from metrology.models import Protocol

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from instruments.models import Facility
    from metrology.models import Acquisition


def protocol_list(facility: Facility) -> QuerySet[Protocol]:
    """Return the facility's protocols, all versions, each with its number of scans as `scans`."""
    return (
        Protocol.objects.filter(facility=facility)
        .select_related("optical_path__instrument", "opened_by")
        .annotate(scans=Count("acquisitions"))
        .order_by("standard_kind", "optical_path__instrument__name", "optical_path__name", "-version")
    )


def protocol_get(facility: Facility, pk: int) -> Protocol:
    """Return one protocol of the facility.

    Raises
    ------
    NotFoundError
        If the facility has no such protocol.
    """
    found = protocol_list(facility).filter(pk=pk).first()
    if found is None:
        raise NotFoundError(
            f"There is no protocol {pk} in {facility}.", hint="Choose one from the list of protocols.", protocol=pk
        )
    return found


def protocol_versions(protocol: Protocol) -> QuerySet[Protocol]:
    """Return all versions of a protocol, the latest first."""
    return (
        protocol_list(protocol.facility)
        .filter(standard_kind=protocol.standard_kind, optical_path=protocol.optical_path_id)
        .order_by("-version")
    )


def protocols_in_force(facility: Facility) -> list[Protocol]:
    """Return the latest version of each protocol, without those of first scans that one of the facility goes before."""
    latest: dict[tuple[str, int | None], Protocol] = {}
    for row in protocol_list(facility):
        latest.setdefault((row.standard_kind, row.optical_path_id), row)
    return [row for row in latest.values() if not row.of_first_scan or (row.standard_kind, None) not in latest]


def settings_beside(acquisition: Acquisition) -> tuple[Compared, ...]:
    """Return what the protocol of a scan asks for, beside what the file states."""
    if acquisition.protocol is None:
        return ()
    return compare_settings(acquisition.protocol.requirements, acquisition.metadata)


def settings_offered(acquisition: Acquisition | None, protocol: Protocol | None) -> list[tuple[Requirement, bool]]:
    """Return the settings that a new version may ask for, and which of them the earlier one asks for.

    Values of a scan go before those of the earlier version, whose tolerances are kept.
    """
    asked = protocol.requirements if protocol is not None else ()
    before = {(one.setting.name, one.channel): one for one in asked}
    stated = settings_stated(acquisition.metadata) if acquisition is not None else ()
    offered = []
    for one in stated:
        earlier = before.pop((one.setting.name, one.channel), None)
        tolerance = earlier.tolerance if earlier is not None else 0.0
        offered.append((Requirement(one.setting, one.channel, one.value, tolerance), earlier is not None))
    return offered + [(one, True) for one in before.values()]


def scans_outside(protocol: Protocol) -> int:
    """Count the scans of a protocol that are not charted because their settings differ."""
    outside = Q(validity="invalid", validity_reason__contains="Not comparable")
    return protocol.acquisitions.filter(outside).count()
