"""Turn what headers say into fields with their place, leaving out what they do not say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from metrology.imaging.stack import Sourced

if TYPE_CHECKING:
    from collections.abc import Mapping


def stated(header: str, found: Mapping[str, tuple[Any, str]]) -> dict[str, Sourced]:
    """Keep what a header states, each with its place.

    Parameters
    ----------
    header : str
        Such as "CZI" or "ND2 metadata".
    found : mapping of str to (value, place)
        None and empty text mean that the header is silent.

    Returns
    -------
    dict of str to Sourced
        Without what is not stated.
    """
    return {
        name: Sourced(value, f"{header} {place}") for name, (value, place) in found.items() if value not in {None, ""}
    }


def number(text: object) -> float | None:
    """Read a number that may be missing.

    Parameters
    ----------
    text : object
        Text or a number, as a header has it.

    Returns
    -------
    float or None
        None where it is not a finite number.
    """
    try:
        value = float(str(text).strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None
