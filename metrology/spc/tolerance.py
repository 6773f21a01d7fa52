"""Tolerance and action limits: what is bad stays bad, however steady it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from metrology.spc.transforms import Harmful


@dataclass(frozen=True, slots=True)
class AbsoluteLimits:
    """Limits set by people, independent of all statistics.

    Parameters
    ----------
    tolerance : float, optional
        Beyond it (towards harm) the instrument needs attention [unit of the values].
    action : float, optional
        Beyond it (towards harm) the instrument should not be used [unit of the values].
    target : float, optional
        For quantities harmful in both directions: the limits are then distances from this value.
    first : int
        Index of the first point that the limits were set for; they do not judge earlier ones.
    """

    tolerance: float | None = None
    action: float | None = None
    target: float | None = None
    first: int = 0


def beyond(
    values: ArrayLike, limit: float | None, *, harmful: Harmful, target: float | None = None
) -> NDArray[np.bool_]:
    """Tell which values lie beyond a limit, towards harm.

    Parameters
    ----------
    values : (N,) array
        Measured values [their unit]; NaN is never beyond.
    limit : float, optional
        The limit [same unit]; None means no limit.
    harmful : {"up", "down", "both"}
        Direction in which the quantity gets worse.
    target : float, optional
        Wanted value, needed when both directions are harmful: `limit` is then a distance from it.

    Returns
    -------
    (N,) array of bool
        True where the value is beyond the limit; a value equal to the limit is not.

    Raises
    ------
    InputError
        If both directions are harmful and no target is given.
    """
    measured = np.asarray(values, dtype=np.float64)
    if limit is None:
        return np.zeros(measured.shape, dtype=np.bool_)
    if harmful == "both":
        if target is None:
            raise InputError(
                "A limit on both sides needs a target between them.", hint="Give the wanted value as the target."
            )
        return np.abs(measured - target) > limit
    return measured > limit if harmful == "up" else measured < limit
