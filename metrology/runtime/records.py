"""What a worker does with an acquisition: an image is read and measured, readings of a power meter are worked out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from common import jobs
from common.errors import StrehlError
from metrology.attributes import power
from metrology.attributes.registry import ATTRIBUTES
from metrology.models import PowerRecord, StandardKind, Validity
from metrology.runtime import measuring
from metrology.services.measurements import Failure, Reading, facts_noted, measurements_record
from metrology.services.power import replaced_words, rounded_setting
from metrology.services.protocols import protocol_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrology.attributes.quantity import Quantity
    from metrology.models import Acquisition

FEWEST_SETTINGS = 3
"""A line goes through any two points, so that fewer settings say nothing of how straight it is."""


def measure(acquisition: Acquisition) -> None:
    """Measure an acquisition, whichever kind it is.

    Parameters
    ----------
    acquisition : Acquisition
        Claimed by this worker (`common.jobs.run`).

    Raises
    ------
    StrehlError
        As `metrology.runtime.measuring.measure`, for an image.
    """
    if acquisition.light_setting_id is None:
        measuring.measure(acquisition)
    else:
        measure_power(acquisition)


def measure_power(acquisition: Acquisition) -> None:
    """Work out the figures of a power record and write them.

    Power and stability are those of the readings at the setting that the record is charted at; linearity is of all of
    them. A figure for which there are too few readings is not asked for.

    Parameters
    ----------
    acquisition : Acquisition
        With its power record.
    """
    jobs.beat(acquisition, 0.5, "working out the readings")
    record = PowerRecord.objects.select_related("replaced_by__acquisition").get(acquisition=acquisition)
    with facts_noted(acquisition) as note:
        note(
            protocol=protocol_for(
                acquisition.facility,
                standard_kind=StandardKind.POWER_METER,
                optical_path=None,
                acquired_at=acquisition.acquired_at,
            )
        )
    readings, failures = _figures(record, acquisition)
    successor = getattr(record, "replaced_by", None)
    measurements_record(
        acquisition,
        readings,
        failures,
        validity=Validity.VALID if successor is None else Validity.INVALID,
        validity_reason="" if successor is None else replaced_words(successor),
    )


def _figures(record: PowerRecord, acquisition: Acquisition) -> tuple[list[Reading], list[Failure]]:
    """Return what the readings tell, and what they cannot tell and why."""
    rows = list(record.readings.values_list("setting_percent", "power_mw"))
    setting, power_mw = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    charted_at = acquisition.light_setting.setting_percent if acquisition.light_setting else 0.0
    rounded = np.array([rounded_setting(one) for one in setting.tolist()])
    at = power_mw[rounded == charted_at]
    asked: dict[str, Callable[[], Quantity]] = {"laser_power": lambda: power.laser_power(at)}
    if len(at) > 1:
        asked["power_stability"] = lambda: power.power_stability(at)
    if len(np.unique(rounded)) >= FEWEST_SETTINGS:
        asked["power_linearity"] = lambda: power.power_linearity(setting, power_mw)
    readings, failures = [], []
    for attribute_id, work in asked.items():
        version = ATTRIBUTES[attribute_id].version
        try:
            found = work()
        except StrehlError as error:
            failures.append(Failure(attribute_id, 0, version, error.code, str(error)))
        else:
            readings.append(Reading(attribute_id, 0, version, found.value, found.uncertainty, found.n))
    return readings, failures
