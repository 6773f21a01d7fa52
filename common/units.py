"""Units as they are written, and conversions that more than one app needs."""

from __future__ import annotations

UM_PER_NM = 1e-3
MM_PER_UM = 1e-3

EIGHT_BIT_RANGE = 255.0
"""Full scale of the 8-bit equivalent in which intensities are given [8-bit eq.]."""


def full_scale(bit_depth: int) -> int:
    """Return the largest count of an effective bit depth [counts]."""
    return (1 << bit_depth) - 1
