"""Reads of standards and of the acquisitions that others are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metrology.models import Acquisition, ReferenceAcquisition, Standard

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from instruments.models import Facility


def standard_list(facility: Facility) -> QuerySet[Standard]:
    """Return the facility's standards by kind and name."""
    return Standard.objects.filter(facility=facility)


def reference_for(acquisition: Acquisition) -> ReferenceAcquisition | None:
    """Return the reference that an acquisition is compared with, or None where staff has chosen none.

    Parameters
    ----------
    acquisition : Acquisition
        With its instrument, optical path and standard settled.

    Notes
    -----
    The latest chosen for the same instrument, path and standard counts; an acquisition is never its own reference.
    """
    return _choices(acquisition).exclude(acquisition_id=acquisition.pk).first()


def reference_of(acquisition: Acquisition) -> ReferenceAcquisition | None:
    """Return the choice by which this acquisition is a reference now, or None."""
    latest = _choices(acquisition).first()
    return latest if latest is not None and latest.acquisition_id == acquisition.pk else None


def _choices(acquisition: Acquisition) -> QuerySet[ReferenceAcquisition]:
    """Return the references chosen for the acquisition's instrument, path and standard, the one in force first."""
    if acquisition.instrument is None or acquisition.optical_path is None or acquisition.standard is None:
        return ReferenceAcquisition.objects.none()
    return (
        ReferenceAcquisition.objects.filter(
            instrument=acquisition.instrument, optical_path=acquisition.optical_path, standard=acquisition.standard
        )
        .select_related("acquisition__stored_file", "chosen_by")
        .order_by("-valid_from", "-pk")
    )
