"""Tolerance and action limits: what is bad stays bad, however steady it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    guards : tuple of float
        How far beyond the action limit each point must be to be surely so [unit of the values], as its uncertainty says;
        empty where all values count as exact.
    """

    tolerance: float | None = None
    action: float | None = None
    target: float | None = None
    first: int = 0
    guards: tuple[float, ...] = ()


def margins_beyond(
    values: ArrayLike, limit: float | None, *, harmful: Harmful, target: float | None = None
) -> NDArray[np.float64]:
    """Tell how far values lie beyond a limit, towards harm.

    Parameters
    ----------
    values : (N,) array
        Measured values [their unit].
    limit : float, optional
        The limit [same unit]; None means no limit.
    harmful : {"up", "down", "both"}
        Direction in which the quantity gets worse.
    target : float, optional
        Wanted value, needed when both directions are harmful: `limit` is then a distance from it.

    Returns
    -------
    (N,) array
        Distances [same unit], positive beyond the limit, 0 at it; NaN where the value is, -∞ where there is no limit.

    Raises
    ------
    InputError
        If both directions are harmful and no target is given.
    """
    measured = np.asarray(values, dtype=np.float64)
    if limit is None:
        return np.full(measured.shape, -np.inf)
    if harmful == "both":
        if target is None:
            raise InputError(
                "A limit on both sides needs a target between them.", hint="Give the wanted value as the target."
            )
        return np.abs(measured - target) - limit
    return measured - limit if harmful == "up" else limit - measured


def surely_beyond(margins: ArrayLike, guards: Sequence[float], *, starts: Sequence[int] = (0,)) -> NDArray[np.bool_]:
    """Tell at which points it is sure enough that a limit is passed: by one value, or by those in a row beyond it.

    Parameters
    ----------
    margins : (N,) array
        How far each value lies beyond the limit (`margins_beyond`); NaN is left out.
    guards : sequence of float
        How far beyond one value must be to be surely so, in the same unit, not negative: z·u of its standard uncertainty u.
    starts : sequence of int
        Indices at which a new epoch ends every row.

    Returns
    -------
    (N,) array of bool
        True where a value is beyond by more than its guard, or the sum of those in a row beyond the limit up to it by more
        than the guard of that sum, √Σ guard². Never where the value itself is not beyond.

    Raises
    ------
    InputError
        There are not as many guards as margins.

    Notes
    -----
    Errors of different scans count as independent. Of scans whose true value is at the limit 5.0 % are called beyond by
    single values and 10.3 % with the rows, of those half u inside it 1.6 and 2.4 %, of those 2 u inside it 0.01 and
    0.01 % (4000 histories of 50 scans, guards of 1.645 u); without uncertainty they are 50, 31 and 2.3 %.

    References
    ----------
    JCGM 106:2012, §8.3 (guarded acceptance and rejection).
    """
    beyond = np.asarray(margins, dtype=np.float64)
    if len(guards) != beyond.size:
        raise InputError("Not every point has its guard.", hint="Give 0 for a value that counts as exact.")
    sure = np.zeros(beyond.shape, dtype=np.bool_)
    fresh = set(starts)
    total = squares = 0.0
    for index, (margin, guard) in enumerate(zip(beyond.tolist(), guards, strict=True)):
        if index in fresh or margin <= 0:
            total = squares = 0.0
        if margin > 0:
            total += margin
            squares += guard**2
            sure[index] = margin > guard or total > math.sqrt(squares)
    return sure
