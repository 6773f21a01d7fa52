"""Reads of standards and of the acquisitions that others are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from common.errors import NotFoundError
from common.models import JobState
from metrology.attributes.registry import attribute
from metrology.imaging.comparability import same_detector_settings
from metrology.models import Acquisition, ReferenceAcquisition, Standard, StandardKind, Validity

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from instruments.models import Facility

DARK_SCANS_LOOKED_AT = 50
"""A scan looks for its detector settings among so many dark scans before it."""


def standard_list(facility: Facility) -> QuerySet[Standard]:
    """Return the facility's standards by kind and name."""
    return Standard.objects.filter(facility=facility)


def standards_imaged(facility: Facility) -> QuerySet[Standard]:
    """Return the standards that scans may be of."""
    return standard_list(facility).exclude(kind=StandardKind.POWER_METER)


def power_meters(facility: Facility) -> QuerySet[Standard]:
    """Return the power meters, whose readings are typed or imported."""
    return standard_list(facility).filter(kind=StandardKind.POWER_METER)


def standard_get(facility: Facility, pk: int) -> Standard:
    """Return one standard of the facility.

    Raises
    ------
    NotFoundError
        If the facility has no such standard.
    """
    found = standard_list(facility).filter(pk=pk).first()
    if found is None:
        raise NotFoundError(
            f"There is no standard {pk} in {facility}.", hint="Choose one from the list of standards.", standard=pk
        )
    return found


def standard_is_scanned(standard: Standard) -> bool:
    """Say whether the sample has been scanned: what it is cannot change any more."""
    return Acquisition.objects.filter(standard=standard).exists()


def reference_list(facility: Facility) -> QuerySet[ReferenceAcquisition]:
    """Return every choice of a reference in the facility, latest first; `in_force` tells which are compared with now."""
    later = ReferenceAcquisition.objects.filter(
        Q(valid_from__gt=OuterRef("valid_from")) | Q(valid_from=OuterRef("valid_from"), pk__gt=OuterRef("pk")),
        instrument=OuterRef("instrument"),
        optical_path=OuterRef("optical_path"),
        standard=OuterRef("standard"),
    )
    return (
        ReferenceAcquisition.objects.filter(instrument__facility=facility)
        .select_related("instrument", "optical_path", "standard", "acquisition", "chosen_by", "ended_by")
        .annotate(in_force=Q(ended_at=None) & ~Exists(later))
        .order_by("-valid_from", "-pk")
    )


def reference_get(facility: Facility, pk: int) -> ReferenceAcquisition:
    """Return one choice of a reference of the facility.

    Raises
    ------
    NotFoundError
        If the facility has no such choice.
    """
    found = reference_list(facility).filter(pk=pk).first()
    if found is None:
        raise NotFoundError(
            f"There is no reference {pk} in {facility}.", hint="Choose one from the list of references.", reference=pk
        )
    return found


def reference_for(acquisition: Acquisition) -> ReferenceAcquisition | None:
    """Return the reference that an acquisition is compared with, or None where staff has chosen none.

    Parameters
    ----------
    acquisition : Acquisition
        With its instrument, optical path and standard settled.

    Notes
    -----
    The latest chosen for the same instrument, path and standard counts; once it is withdrawn there is none, until
    another is chosen, and so while it is not valid. An acquisition is never its own reference: it is compared with the
    one before it.
    """
    choices = _choices(acquisition).select_related(None).select_related("acquisition__stored_file")
    choices = choices.only(
        "ended_at", "acquisition__validity", "acquisition__stored_file__size_bytes"
    )  # asked for every scan
    latest = choices.first()
    if latest is not None and latest.ended_at is None and latest.acquisition_id == acquisition.pk:
        latest = choices.exclude(acquisition_id=acquisition.pk).first()
    usable = latest is not None and latest.ended_at is None and latest.acquisition.validity != Validity.INVALID
    return latest if usable else None


def dark_for(acquisition: Acquisition) -> Acquisition | None:
    """Return the scan of dark frames that repeated frames are read with, or None where there is none.

    Parameters
    ----------
    acquisition : Acquisition
        With the facts of its file, its instrument, optical path, standard and date settled.

    Returns
    -------
    Acquisition or None
        The latest measured and valid one acquired before, of the same instrument and path, with frames of the same size,
        channels and bit depth and the same detector settings, as far as both files state them. Scans of one frame, and
        samples that no gain is told of, need none: nothing is asked of the database.
    """
    standard = acquisition.standard
    if standard is None or (acquisition.size_t or 1) < 2 or not attribute("gain_e_per_adu").applies_to(standard.kind):
        return None
    earlier = Acquisition.objects.filter(
        facility=acquisition.facility_id,
        instrument=acquisition.instrument_id,
        optical_path=acquisition.optical_path_id,
        standard__kind=StandardKind.DARK,
        state=JobState.DONE,
        validity=Validity.VALID,
        acquired_at__lt=acquisition.acquired_at,
        size_t__gte=2,
        **{name: getattr(acquisition, name) for name in ("size_c", "size_y", "size_x", "bit_depth")},
    )
    latest = earlier.select_related("stored_file").order_by("-acquired_at", "-pk")[:DARK_SCANS_LOOKED_AT]
    return next((one for one in latest if same_detector_settings(one.metadata, acquisition.metadata)), None)


def reference_of(acquisition: Acquisition) -> ReferenceAcquisition | None:
    """Return the choice by which this acquisition is a reference now, or None."""
    latest = _choices(acquisition).first()
    holds = latest is not None and latest.ended_at is None and latest.acquisition_id == acquisition.pk
    return latest if holds else None


def references_chosen(instrument_id: int, optical_path_id: int, standard_id: int) -> QuerySet[ReferenceAcquisition]:
    """Return the references chosen for an instrument, path and standard, the latest first."""
    return (
        ReferenceAcquisition.objects.filter(
            instrument=instrument_id, optical_path=optical_path_id, standard=standard_id
        )
        .select_related("acquisition__stored_file", "chosen_by")
        .order_by("-valid_from", "-pk")
    )


def _choices(acquisition: Acquisition) -> QuerySet[ReferenceAcquisition]:
    """Return the references chosen for the acquisition's instrument, path and standard, the latest first."""
    instrument, path, standard = acquisition.instrument_id, acquisition.optical_path_id, acquisition.standard_id
    if instrument is None or path is None or standard is None:
        return ReferenceAcquisition.objects.none()
    return references_chosen(instrument, path, standard)
