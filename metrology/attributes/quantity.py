"""What an attribute function returns: a value, how sure it is, and from how many observations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measured figure.

    Parameters
    ----------
    value : float
        In the unit that the registry states.
    uncertainty : float or None
        Standard error, in the same unit; None where a single plane does not tell it.
    n : int
        Observations behind the value (pixels, beads).
    """

    value: float
    uncertainty: float | None = None
    n: int = 1
