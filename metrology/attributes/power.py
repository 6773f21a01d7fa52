"""Readings of a power meter: how strong a laser is, how steady, and how well it follows its setting.

References
----------
QUAREP-LiMi WG1 protocol for illumination power stability and linearity, protocols.io; stability as in MetroloJ_QC's
and the ISO 21073 definition 1 − (max − min)/(max + min).
"""

from __future__ import annotations

import math

import numpy as np

from common.errors import FitError, InputError
from metrology.attributes.quantity import Quantity


def laser_power(power_mw: np.ndarray) -> Quantity:
    """Mean of repeated readings [mW].

    Parameters
    ----------
    power_mw : ndarray, shape (N,)
        Readings at one setting [mW].

    Returns
    -------
    Quantity
        Mean and its standard error from their scatter (none for a single reading) [mW], with their number.

    Raises
    ------
    InputError
        There is no reading, or one is negative or not a number.
    """
    power = _readings(power_mw, least=1)
    error = float(power.std(ddof=1)) / math.sqrt(len(power)) if len(power) > 1 else None
    return Quantity(float(power.mean()), error, len(power))


def power_stability(power_mw: np.ndarray) -> Quantity:
    """Return 1 − (max − min)/(max + min) of readings over time, 1 for a steady laser [1].

    Parameters
    ----------
    power_mw : ndarray, shape (N,)
        Readings over time at one setting [mW].

    Returns
    -------
    Quantity
        At most 1 [1], with the number of readings.

    Raises
    ------
    InputError
        There are fewer than two readings, or one is negative or not a number.
    FitError
        All readings are zero.

    Notes
    -----
    Falls as readings are added, since it is set by the two extremes: compare series of equal length.
    """
    power = _readings(power_mw, least=2)
    low, high = float(power.min()), float(power.max())
    if high == 0:
        raise FitError("All readings are zero.", hint="Check that the laser is on and the meter not covered.")
    return Quantity(1 - (high - low) / (high + low), n=len(power))


def power_linearity(setting_percent: np.ndarray, power_mw: np.ndarray) -> Quantity:
    """Part of the variance of readings that a straight line over the settings explains (R²) [1].

    Parameters
    ----------
    setting_percent : ndarray, shape (N,)
        Settings of the laser [%].
    power_mw : ndarray, shape (N,)
        Reading at each [mW].

    Returns
    -------
    Quantity
        1 for a straight line, its standard error (2·√(R²/(N − 2))·(1 − R²), delta method) [1], and the number of readings.

    Raises
    ------
    InputError
        There are fewer than three readings, the two do not belong together, or one is negative or not a number.
    FitError
        All settings or all readings are equal.
    """
    setting, power = _readings(setting_percent, least=3), _readings(power_mw, least=3)
    if len(setting) != len(power):
        raise InputError(
            f"There are {len(setting)} settings and {len(power)} readings.", hint="Give one reading for each setting."
        )
    if np.ptp(setting) == 0 or np.ptp(power) == 0:
        raise FitError("The laser was read at one setting only.", hint="Read the power at several settings.")
    r = float(np.corrcoef(setting, power)[0, 1])
    squared = r * r
    return Quantity(squared, 2 * abs(r) * (1 - squared) / math.sqrt(len(power) - 2), len(power))


def _readings(values: np.ndarray, *, least: int) -> np.ndarray:
    """Return readings as numbers, refusing those that no meter shows."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or len(numbers) < least:
        raise InputError(
            f"At least {least} readings are needed.",
            hint="Read the power meter more often.",
            readings=int(numbers.size),
        )
    if not (np.isfinite(numbers) & (numbers >= 0)).all():
        raise InputError("A reading is negative or not a number.", hint="Zero the meter and read it again.")
    return numbers
