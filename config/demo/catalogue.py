"""Rows of the demonstration facility: people, instruments, standards, service history. Safe to repeat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from common.permissions import Role
from instruments.models import (
    Detector,
    Facility,
    Instrument,
    LightSource,
    Membership,
    Objective,
    OpticalPath,
    PathChannel,
    ServiceEvent,
    ServiceKind,
)
from instruments.models.components import DetectorKind
from instruments.simulator.fleet import WEEKS
from metrology.models import Limits, Protocol, Standard, StandardKind

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from instruments.simulator.fleet import InstrumentPlan
    from instruments.simulator.schedule import FacilityPlan

PASSWORD: Final = "strehl-demo"  # noqa: S105 - printed on the screen for whoever tries the demonstration
ACCOUNTS: Final = {"viewer": Role.VIEWER, "operator": Role.OPERATOR, "staff": Role.STAFF}

_STANDARDS: Final = (
    (StandardKind.MARBLES, "4 µm marbles, lot M-17", 4.0, 7),
    (StandardKind.BEADS, "0.1 µm beads, lot B-03", 0.1, 28),
    (StandardKind.SLIDE, "homogeneous slide", None, 28),
    (StandardKind.CONVALLARIA, "Convallaria, slide 2", None, 365),
    (StandardKind.KIDNEY, "mouse kidney, slide 5", None, 365),
)
_DETECTOR_KINDS: Final = {"MultiAlkali": DetectorKind.PMT, "GaAsP": DetectorKind.GAASP}


@transaction.atomic
def facility_make(plan: FacilityPlan) -> Facility:
    """Make the demonstration facility, or find it."""
    facility, made = Facility.objects.get_or_create(slug="demo", defaults={"name": plan.name})
    for name, role in ACCOUNTS.items():
        user = account_make(name)
        Membership.objects.get_or_create(user=user, facility=facility, defaults={"role": role})
    if not made:
        return facility
    started = first_monday()
    for kind, name, diameter_um, interval_days in _STANDARDS:
        Standard.objects.create(facility=facility, kind=kind, name=name, bead_diameter_um=diameter_um)
        Protocol.objects.create(facility=facility, standard_kind=kind, interval_days=interval_days)
    Limits.objects.create(
        facility=facility,
        attribute_id="saturated_fraction",
        tolerance_high=0.001,
        action_high=0.01,
        valid_from=started,
        reason="More than 1 % of pixels at full scale: intensities are lost.",
    )
    for instrument in plan.instruments:
        _instrument(facility, instrument, started)
    for visit in plan.services:
        end = started + timedelta(weeks=visit.service.week)
        ServiceEvent.objects.create(
            instrument=Instrument.objects.get(facility=facility, name=visit.instrument),
            kind=ServiceKind.REALIGNMENT if visit.service.restores else ServiceKind.INSPECTION,
            started_at=end - timedelta(hours=6),
            ended_at=end,
            text=visit.service.text,
            components=", ".join(visit.service.restores),
        )
    return facility


def account_make(name: str) -> User:
    """Make an account of the demonstration, or find it; `staff` may also use the admin."""
    users = get_user_model().objects
    user = users.filter(username=name).first()
    if user is None:
        user = users.create_user(username=name, password=PASSWORD)
        user.is_staff = user.is_superuser = name == "staff"
        user.save(update_fields=["is_staff", "is_superuser"])
    return user


def first_monday() -> datetime:
    """Return the Monday on which the programme began, so that its last scans are two to eight days old."""
    recent = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    return recent - timedelta(days=recent.weekday(), weeks=WEEKS - 1)


def started_at(facility: Facility) -> datetime:
    """Return the Monday that the facility was made with."""
    day = facility.instruments.exclude(installed_on=None).earliest("installed_on").installed_on
    if day is None:
        return first_monday()
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _instrument(facility: Facility, plan: InstrumentPlan, started: datetime) -> None:
    instrument = Instrument.objects.create(
        facility=facility,
        name=plan.name,
        slug=slugify(plan.name),
        manufacturer=plan.manufacturer,
        model=plan.model,
        serial_number=plan.serial_number,
        technique=plan.technique.value,
        room=plan.room,
        installed_on=started.date(),
    )
    since = {"instrument": instrument, "installed_on": started.date()}
    objective = Objective.objects.create(
        name=plan.objective.model,
        numerical_aperture=plan.objective.numerical_aperture,
        magnification=plan.objective.magnification,
        immersion=plan.objective.immersion.lower(),
        refractive_index=plan.objective.refractive_index,
        **since,
    )
    laser = LightSource.objects.create(name=plan.laser.model, wavelength_nm=plan.laser.wavelength_nm, **since)
    path = OpticalPath.objects.create(
        instrument=instrument,
        name=f"{plan.objective.magnification:g}×/{plan.objective.numerical_aperture:g}, {plan.laser.wavelength_nm:g} nm",
        objective=objective,
        light_source=laser,
        pinhole_au=plan.microscope.initial.pinhole_au,
    )
    for index, detector in enumerate(plan.detectors):
        part = Detector.objects.create(
            name=f"{detector.name} ({detector.model})",
            kind=_DETECTOR_KINDS[detector.kind],
            quantum_efficiency=detector.quantum_efficiency,
            bit_depth=12,
            **since,
        )
        PathChannel.objects.create(
            optical_path=path,
            index=index,
            name=detector.name,
            detector=part,
            excitation_nm=plan.microscope.excitation_nm,
            emission_nm=plan.microscope.emission_nm,
        )
