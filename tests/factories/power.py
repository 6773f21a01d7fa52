"""Light sources, power meters and readings for tests."""

from __future__ import annotations

from common import jobs
from instruments.models import LightSource
from metrology.models import Acquisition, PowerRecord, StandardKind
from metrology.runtime.records import measure
from metrology.services.power import power_record
from metrology.services.power_table import PowerRow
from tests.factories import catalogue, monitor


def laser(at, name="488 nm", wavelength_nm=488.0, **fields):
    """A laser of an instrument."""
    return LightSource.objects.create(instrument=at, name=name, wavelength_nm=wavelength_nm, **fields)


def meter(of, name="PM100D at the sample"):
    """A power meter of a facility."""
    return monitor.standard(of, name=name, kind=StandardKind.POWER_METER)


def rows(*pairs):
    """Readings from (setting [%], power [mW])."""
    return [PowerRow(setting, power) for setting, power in pairs]


def recorded(source, with_meter, *pairs, read_at=catalogue.START, user=None):
    """A record that a worker has measured."""
    made = power_record(light_source=source, meter=with_meter, read_at=read_at, rows=rows(*pairs), user=user).record
    jobs.run(Acquisition, made.acquisition_id, measure)
    return PowerRecord.objects.get(pk=made.pk)
