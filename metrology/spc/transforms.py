"""Scales on which a quantity scatters evenly, turned so that harm always points up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Transform = Literal["none", "log", "logit"]
Harmful = Literal["up", "down", "both"]

LOGIT_EDGE = 1e-6  # a proportion closer than this to 0 or 1 counts as this close


@dataclass(frozen=True, slots=True)
class Scale:
    """How a measured value becomes a number on the chart's own scale.

    Parameters
    ----------
    transform : {"none", "log", "logit"}
        log for quantities that scatter in per cent, logit for proportions between 0 and 1, none for the rest.
    harmful : {"up", "down", "both"}
        Direction in which the quantity gets worse.
    """

    transform: Transform = "none"
    harmful: Harmful = "up"

    @property
    def sign(self) -> float:
        """Return +1 where harm is up in measured units (or in both directions), −1 where it is down."""
        return -1.0 if self.harmful == "down" else 1.0

    def forward(self, values: ArrayLike) -> NDArray[np.float64]:
        """Bring measured values onto the chart's scale, harm upwards.

        Parameters
        ----------
        values : (N,) array
            Measured values [their unit].

        Returns
        -------
        (N,) array
            Values on the chart's scale; NaN where the scale has no such value (log of zero or less, a
            proportion outside 0 to 1).
        """
        measured = np.asarray(values, dtype=np.float64)
        if self.transform == "log":
            scaled = np.log(np.where(measured > 0, measured, np.nan))
        elif self.transform == "logit":
            inside = np.where((measured >= 0) & (measured <= 1), measured, np.nan)
            inside = np.clip(inside, LOGIT_EDGE, 1 - LOGIT_EDGE)
            scaled = np.log(inside / (1 - inside))
        else:
            scaled = np.where(np.isfinite(measured), measured, np.nan)
        return self.sign * scaled

    def backward(self, scaled: ArrayLike) -> NDArray[np.float64]:
        """Bring values on the chart's scale back to measured units.

        Parameters
        ----------
        scaled : (N,) array
            Values on the chart's scale.

        Returns
        -------
        (N,) array
            Measured values [their unit].
        """
        values = self.sign * np.asarray(scaled, dtype=np.float64)
        if self.transform == "log":
            return np.exp(np.clip(values, -700, 700))
        if self.transform == "logit":
            return 1 / (1 + np.exp(np.clip(-values, -700, 700)))
        return values
