"""Tables of what was scanned, measured and concluded."""

from __future__ import annotations

from metrology.models.acquisition import Acquisition, FieldRole, StoredFile, Validity
from metrology.models.flag import Flag, FlagSignal, FlagState, FlagTransition
from metrology.models.health import Health, Verdict
from metrology.models.power import LightSetting, PowerReading, PowerRecord
from metrology.models.remeasuring import RemeasuredScan, Remeasuring
from metrology.models.series import Assessment, Baseline, Limits, Measurement, MeasurementFailure, Series
from metrology.models.standard import Protocol, ReferenceAcquisition, Standard, StandardKind
from metrology.models.upload import Upload, UploadState

__all__ = [
    "Acquisition",
    "Assessment",
    "Baseline",
    "FieldRole",
    "Flag",
    "FlagSignal",
    "FlagState",
    "FlagTransition",
    "Health",
    "LightSetting",
    "Limits",
    "Measurement",
    "MeasurementFailure",
    "PowerReading",
    "PowerRecord",
    "Protocol",
    "ReferenceAcquisition",
    "RemeasuredScan",
    "Remeasuring",
    "Series",
    "Standard",
    "StandardKind",
    "StoredFile",
    "Upload",
    "UploadState",
    "Validity",
    "Verdict",
]
