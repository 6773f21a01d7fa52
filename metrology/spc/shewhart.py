"""The individuals and moving-range charts of Shewhart, with their textbook constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from common.errors import BaselineError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Moving range of two normal points: mean d2·σ, standard deviation d3·σ; D4 = 1 + 3·d3/d2 (Montgomery, appendix VI).
D2: Final = 1.12838
D3: Final = 0.8525
D4: Final = 3.267


@dataclass(frozen=True, slots=True)
class IndividualsChart:
    """Limits of an individuals chart.

    Parameters
    ----------
    centre : float
        Mean of the baseline [unit of the values].
    lower, upper : float
        Limits [unit of the values].
    mean_moving_range : float
        Mean distance of neighbouring points [unit of the values].
    moving_range_upper : float
        Upper limit of the moving range [unit of the values].
    """

    centre: float
    lower: float
    upper: float
    mean_moving_range: float
    moving_range_upper: float


def individuals_chart(values: ArrayLike, *, multiplier: float = 3.0) -> IndividualsChart:
    """Set textbook limits from the mean and the mean moving range of a baseline.

    Parameters
    ----------
    values : (M,) array
        Baseline points in time order [their unit].
    multiplier : float
        Limit [σ]; 3 is Shewhart's.

    Returns
    -------
    IndividualsChart
        Centre ± multiplier·mean(MR)/d2, and D4·mean(MR) for the moving range.

    Raises
    ------
    BaselineError
        If there are fewer than two points.

    Notes
    -----
    Not corrected for the size of the baseline: see `estimated.shewhart_multiplier`.

    References
    ----------
    NIST/SEMATECH e-Handbook of Statistical Methods, section 6.3.2.2.
    """
    points = np.array(values, dtype=np.float64)
    if points.size < 2:
        raise BaselineError(
            "A moving range needs two points.", hint="Scan at least twice first.", points=int(points.size)
        )
    moving_range = float(np.abs(np.diff(points)).mean())
    centre = float(points.mean())
    reach = multiplier * moving_range / D2
    return IndividualsChart(
        centre=centre,
        lower=centre - reach,
        upper=centre + reach,
        mean_moving_range=moving_range,
        moving_range_upper=D4 * moving_range,
    )
