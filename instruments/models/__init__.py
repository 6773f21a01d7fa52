"""Tables of the catalogue."""

from __future__ import annotations

from instruments.models.components import Detector, LightSource, Objective, OpticalPath, PathChannel
from instruments.models.facility import Facility, Membership
from instruments.models.instrument import Instrument, InstrumentState
from instruments.models.service_event import ServiceEvent, ServiceKind

__all__ = [
    "Detector",
    "Facility",
    "Instrument",
    "InstrumentState",
    "LightSource",
    "Membership",
    "Objective",
    "OpticalPath",
    "PathChannel",
    "ServiceEvent",
    "ServiceKind",
]
