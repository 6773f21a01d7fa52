"""What the drawings of one channel are made from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from metrology.attributes.measure import Beside, ChannelFacts, MeasuredStack
    from metrology.imaging.stack import ImageStack

DIGITS = 5
"""Significant digits that are kept: more than a drawing shows."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One channel of a measured image.

    Parameters
    ----------
    stack : ImageStack
        The image.
    measured : MeasuredStack
        Its figures.
    beside : Beside
        What was known beside it.
    channel : int
        Which channel.
    """

    stack: ImageStack
    measured: MeasuredStack
    beside: Beside
    channel: int

    @property
    def facts(self) -> ChannelFacts:
        """What was noted of the channel while it was measured."""
        return self.measured.channels[self.channel]

    @property
    def plane(self) -> np.ndarray:
        """The slice that was measured, shape (Y, X) [count]."""
        return self.stack.plane(c=self.channel, z=self.facts.slice_z)

    @property
    def pixel_size_yx_um(self) -> tuple[float, float] | None:
        """Height and width of a pixel, None where the file does not say [µm]."""
        width = self.stack.metadata.value("pixel_size_um")
        return None if width is None else (float(self.stack.metadata.value("pixel_size_y_um") or width), float(width))

    def reading(self, attribute_id: str) -> dict[str, Any] | None:
        """Return a figure as it was measured: `value`, `uncertainty` and `n`; None where it could not be had."""
        for one in self.measured.readings:
            if one.attribute_id == attribute_id and one.channel == self.channel and math.isfinite(one.value):
                sure = one.uncertainty is not None and math.isfinite(one.uncertainty)
                return {"value": one.value, "uncertainty": one.uncertainty if sure else None, "n": one.n}
        return None


def compact(values: Any) -> Any:
    """Return numbers with five significant digits, in nested lists; what is not finite is None.

    Parameters
    ----------
    values : array-like
        Numbers.

    Returns
    -------
    float, None or list
        For JSON.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.ndim == 0:
        return float(f"{float(found):.{DIGITS}g}") if np.isfinite(found) else None
    return [compact(one) for one in found]
