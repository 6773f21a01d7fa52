"""How numbers, sizes and times are written on pages (pure: no Django)."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TypeGuard

from common.errors import InputError

NO_VALUE = "—"
NO_BREAK_SPACE = "\u00a0"
MINUS = "−"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLAIN_EXPONENTS = range(-4, 6)
_LARGEST_COUNT = 1_000_000


def number_text(value: float | None, *, digits: int = 4) -> str:
    """Write a number with a given count of significant digits.

    Parameters
    ----------
    value : float or None
        The number; None and NaN are written as a dash, for "there is no value".
    digits : int
        Significant digits kept, trailing zeros included: 1.30 and 1.3 do not claim the same.

    Returns
    -------
    str
        Plain from 0.0001 to 999 999, otherwise as a power of ten: ``1.302 × 10⁷``.

    Raises
    ------
    InputError
        If fewer than one digit is asked for.
    """
    if digits < 1:
        raise InputError("A number needs at least one significant digit.", hint="Ask for 1 or more.", digits=digits)
    if not _is_number(value):
        return NO_VALUE
    number = Decimal(repr(float(value)))
    if number == 0:
        return "0"
    rounded = _round_to(number, number.adjusted() - digits + 1)
    if rounded.adjusted() > number.adjusted():  # 9.996 became 10.00: one digit too many
        rounded = _round_to(number, rounded.adjusted() - digits + 1)
    return _written(rounded, places=digits - 1 - rounded.adjusted(), digits=digits)


def quantity_text(value: float | None, unit: str = "", uncertainty: float | None = None) -> str:
    """Write a value with its unit and, where known, its standard uncertainty.

    Parameters
    ----------
    value : float or None
        The value, in `unit`; None and NaN are written as a dash without unit.
    unit : str
        Unit symbol, for example ``µm`` or ``%``; empty for pure numbers.
    uncertainty : float or None
        Standard uncertainty, in `unit`; None, NaN, infinite and 0 are left out.

    Returns
    -------
    str
        For example ``1.302 ± 0.012 µm``, with no-break spaces. The uncertainty keeps two significant digits and the
        value stops at the same decimal place; without an uncertainty the value keeps four significant digits, or is
        a number of things where it is whole: ``12``.

    References
    ----------
    JCGM 100:2008 (GUM), 7.2.6: at most two significant digits in an uncertainty, the estimate rounded to agree.
    """
    if not _is_number(value):
        return NO_VALUE
    ending = NO_BREAK_SPACE + unit if unit else ""
    if not _is_number(uncertainty) or uncertainty == 0:
        counted = float(value).is_integer() and abs(value) < _LARGEST_COUNT
        return (str(int(value)).replace("-", MINUS) if counted else number_text(value)) + ending
    return _with_uncertainty(Decimal(repr(float(value))), Decimal(repr(abs(float(uncertainty))))) + ending


def size_text(size_bytes: int) -> str:
    """Write a file size in decimal units.

    Parameters
    ----------
    size_bytes : int
        Size [bytes].

    Returns
    -------
    str
        For example ``52.4 MB`` (1 MB = 10⁶ bytes, as the SI and disk makers count).
    """
    units = ("B", "kB", "MB", "GB", "TB")
    power = min(len(units) - 1, max(0, len(str(abs(int(size_bytes)))) - 1) // 3)
    scaled = size_bytes / 1000**power
    number = str(int(size_bytes)) if power == 0 else f"{scaled:.{1 if scaled < 100 else 0}f}"
    return f"{number}{NO_BREAK_SPACE}{units[power]}"


def duration_text(seconds: float | None) -> str:
    """Write a time span with the two units that matter.

    Parameters
    ----------
    seconds : float or None
        Length [s]; None and NaN are written as a dash.

    Returns
    -------
    str
        For example ``45 ms``, ``3.2 s``, ``2 min 05 s``, ``1 h 04 min`` or ``3 d 2 h``.
    """
    if not _is_number(seconds):
        return NO_VALUE
    if seconds < 0:
        return MINUS + duration_text(-seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}{NO_BREAK_SPACE}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}{NO_BREAK_SPACE}s"
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes == 0:
        parts = [f"{whole} s"]
    elif hours == 0:
        parts = [f"{minutes} min", f"{whole % 60:02d} s"]
    elif days == 0:
        parts = [f"{hours} h", f"{minutes % 60:02d} min"]
    else:
        parts = [f"{days} d", f"{hours % 24} h"]
    return " ".join(parts).replace(" ", NO_BREAK_SPACE)


def _is_number(value: float | None) -> TypeGuard[float]:
    """Tell whether there is a finite number to write."""
    return value is not None and math.isfinite(value)


def _round_to(number: Decimal, exponent: int) -> Decimal:
    """Round half to even at a power of ten."""
    return round(number.scaleb(-exponent)) * Decimal(1).scaleb(exponent)


def _with_uncertainty(value: Decimal, uncertainty: Decimal) -> str:
    """Write both to the place of the uncertainty's second digit, under one power of ten where digits would be many."""
    place = _round_to(uncertainty, uncertainty.adjusted() - 1).adjusted() - 1
    top = max(number.adjusted() for number in (value, uncertainty) if number)
    power = 0 if top in _PLAIN_EXPONENTS else top
    pair = " ± ".join(
        f"{_round_to(number, place).scaleb(-power):.{max(0, power - place)}f}" for number in (value, uncertainty)
    )
    if power:
        pair = f"({pair}) × 10{str(power).translate(_SUPERSCRIPTS)}"
    return pair.replace("-", MINUS).replace(" ", NO_BREAK_SPACE)


def _written(rounded: Decimal, *, places: int, digits: int) -> str:
    """Write a rounded number plainly, or as a power of ten where that would be long."""
    exponent = rounded.adjusted()
    if exponent in _PLAIN_EXPONENTS:
        text = f"{rounded:.{max(0, places)}f}"
    else:
        mantissa = rounded.scaleb(-exponent)
        power = str(exponent).translate(_SUPERSCRIPTS)
        text = f"{mantissa:.{digits - 1}f} × 10{power}".replace(" ", NO_BREAK_SPACE)
    return text.replace("-", MINUS)
