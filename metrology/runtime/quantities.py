"""Between the pure figures of a stack and the rows they become."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from metrology.services.measurements import Failure, Reading

if TYPE_CHECKING:
    from metrology.attributes.measure import MeasuredStack


def rows_of(measured: MeasuredStack) -> tuple[list[Reading], list[Failure]]:
    """Return readings and failures as services write them; a figure without end is none and says why.

    Parameters
    ----------
    measured : MeasuredStack
        All figures of an image.

    Returns
    -------
    tuple of list
        Readings with finite values, and failures.
    """
    readings = [
        Reading(one.attribute_id, one.channel, one.version, one.value, _finite(one.uncertainty), one.n)
        for one in measured.readings
        if math.isfinite(one.value)
    ]
    failures = [Failure(one.attribute_id, one.channel, one.version, one.code, one.message) for one in measured.failures]
    failures += [
        Failure(
            one.attribute_id,
            one.channel,
            one.version,
            "infinite",
            "The value is infinite: the image equals its reference. Compare different acquisitions.",
        )
        for one in measured.readings
        if not math.isfinite(one.value)
    ]
    return readings, failures


def _finite(uncertainty: float | None) -> float | None:
    return uncertainty if uncertainty is not None and math.isfinite(uncertainty) else None
