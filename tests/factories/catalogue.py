"""Rows of the catalogue for tests: each function makes what it needs unless it is given."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

from django.contrib.auth import get_user_model

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
)
from metrology.models import Protocol

_number = itertools.count(1)

START = datetime(2026, 1, 5, 8, tzinfo=UTC)


def facility(**fields):
    n = next(_number)
    return Facility.objects.create(**{"name": f"Facility {n}", "slug": f"facility-{n}"} | fields)


def member(role=Role.OPERATOR, *, of=None, **fields):
    """A signed-up user with a role; password "correct horse"."""
    n = next(_number)
    user = get_user_model().objects.create_user(**{"username": f"user{n}", "password": "correct horse"} | fields)
    Membership.objects.create(user=user, facility=of or facility(), role=role)
    return user


def instrument(of=None, **fields):
    n = next(_number)
    defaults = {
        "facility": of or facility(),
        "name": f"LSM {n}",
        "slug": f"lsm-{n}",
        "manufacturer": "Zeiss",
        "model": f"LSM {n}",
        "serial_number": f"SN-{n}",
    }
    return Instrument.objects.create(**defaults | fields)


def optical_path(of=None, *, channels=1, **fields):
    at = of or instrument()
    n = next(_number)
    objective = Objective.objects.create(
        instrument=at,
        name=f"Plan-Apochromat {n}",
        numerical_aperture=1.0,
        magnification=20,
        immersion="water",
        refractive_index=1.333,
    )
    laser = LightSource.objects.create(instrument=at, name=f"Laser {n}", wavelength_nm=488)
    path = OpticalPath.objects.create(
        **{"instrument": at, "name": f"Path {n}", "objective": objective, "light_source": laser} | fields
    )
    for index in range(channels):
        detector = Detector.objects.create(instrument=at, name=f"PMT {n}.{index}", quantum_efficiency=0.25)
        PathChannel.objects.create(
            optical_path=path, index=index, name=f"Ch{index}", detector=detector, excitation_nm=488, emission_nm=520
        )
    return path


def protocol(facility, kind="marbles"):
    """The first version of a protocol of the facility."""
    return Protocol.objects.get_or_create(facility=facility, standard_kind=kind, optical_path=None, version=1)[0]
