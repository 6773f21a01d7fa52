"""Conversions that more than one app needs."""

from __future__ import annotations


def full_scale(bit_depth: int) -> int:
    """Return the largest count of an effective bit depth [counts]."""
    return (1 << bit_depth) - 1
