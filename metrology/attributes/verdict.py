"""Say whether a value is within a limit, beyond it, or too uncertain to tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

from common.errors import InputError

if TYPE_CHECKING:
    from metrology.attributes.quantity import Quantity

Verdict = Literal["within", "beyond", "cannot tell"]

ERROR_PROBABILITY = 0.05
"""How often "within" is said of a value that is truly at the limit, and how often "beyond" (JCGM 106's guard band)."""

GUARD_SIGMA = NormalDist().inv_cdf(1 - ERROR_PROBABILITY)
"""How far from a limit a value must be for a verdict, in its standard errors."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict and how it came about.

    Parameters
    ----------
    verdict : {"within", "beyond", "cannot tell"}
        What is said.
    guard_band : float
        How far from the limit a value must be for a verdict, in its unit.
    error_probability : float
        Largest probability that the verdict is wrong.
    """

    verdict: Verdict
    guard_band: float
    error_probability: float


def judge(
    quantity: Quantity,
    *,
    low: float | None = None,
    high: float | None = None,
    error_probability: float = ERROR_PROBABILITY,
) -> Judged:
    """Judge a value against one or two limits by its uncertainty.

    Parameters
    ----------
    quantity : Quantity
        Value and its standard error; without one it counts as exact.
    low, high : float, optional
        Limits, in the unit of the value; at least one.
    error_probability : float
        Largest probability of a wrong "within" and of a wrong "beyond", between 0 and 0.5.

    Returns
    -------
    Judged
        "within" where the value is inside both limits by more than the guard band z·u, "beyond" where it is outside one by
        more than that, "cannot tell" between; z is the normal quantile of 1 − error probability.

    Raises
    ------
    InputError
        There is no limit, the limits are crossed, or the probability is not between 0 and 0.5.

    Notes
    -----
    For a value whose true size is outside the limits, "within" is said with at most this probability; for one inside,
    "beyond" with at most this on each side. Standard errors from fewer than some five values are too small themselves, so
    their verdicts are wrong more often.

    References
    ----------
    JCGM 106:2012, The role of measurement uncertainty in conformity assessment, §8.3 (guarded acceptance and rejection).
    """
    if low is None and high is None:
        raise InputError("There is no limit to judge by.", hint="Give a lower or an upper limit.")
    if low is not None and high is not None and low >= high:
        raise InputError("The lower limit is not below the upper one.", hint="Exchange the limits.")
    if not 0 < error_probability < 0.5:
        raise InputError("An error probability lies between 0 and 0.5.", hint="Give 0.05 for one in twenty.")
    guard = NormalDist().inv_cdf(1 - error_probability) * (quantity.uncertainty or 0.0)
    margin = min(
        math.inf if low is None else quantity.value - low,
        math.inf if high is None else high - quantity.value,
    )
    if margin < -guard:
        verdict: Verdict = "beyond"
    elif margin >= guard:
        verdict = "within"
    else:
        verdict = "cannot tell"
    return Judged(verdict, guard, error_probability)
