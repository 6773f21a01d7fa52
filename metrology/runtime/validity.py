"""Says whether an acquisition may be charted: an accident is not a drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from common.units import full_scale
from metrology.models import StandardKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrology.attributes.measure import ChannelFacts, MeasuredStack

SATURATED_FRACTION = 0.01
"""More pixels than this at full scale and the mean says nothing any more."""
DARK_FRACTION = 0.02
"""A mean below this share of the full scale may be offset alone; then structure decides."""
STRUCTURE_RATIO = 1.5
"""Averaging 4 × 4 pixels divides white noise by 4; what is left of an image with objects is more than this over it."""
BLOCK_PX = 4
LIT_FRACTION = 1 / 8
"""No detector's offset is more than this share of the full scale: a dark scan that is brighter was not dark."""
LEAST_DARK_BITS = 12
"""A dark image needs fewer bits than its detector has; where these are guessed from it, the guess is too small [bit]."""
CLIPPED_FRACTION = 0.01
"""More dark pixels than this at zero, and mean and noise are cut off."""
BEAD_KINDS = frozenset({StandardKind.BEADS, StandardKind.MULTICOLOUR_BEADS})


def why_invalid(measured: MeasuredStack, planes: Sequence[np.ndarray], *, kind: str | None) -> str:
    """Return why an acquisition may not be charted, as one sentence; empty if it may.

    Parameters
    ----------
    measured : MeasuredStack
        Its figures.
    planes : sequence of ndarray, shape (Y, X)
        The measured plane of each channel [counts].
    kind : str or None
        Kind of the standard.

    Returns
    -------
    str
        Saturated, constant, without signal, or without a bead where beads were scanned; dark frames with light in them,
        or whose offset is too low.
    """
    why = _why_dark_invalid if kind == StandardKind.DARK else _why_plane_invalid
    for channel, (facts, plane) in enumerate(zip(measured.channels, planes, strict=True)):
        reason = why(facts, plane, measured.bit_depth)
        if reason:
            return reason if len(planes) == 1 else f"Channel {channel + 1}: {reason}"
    if kind in BEAD_KINDS and any(failure.code == "too_few_beads" for failure in measured.failures):
        return "No bead could be measured: the beads are out of focus, too crowded or not in the field."
    return ""


def _why_plane_invalid(facts: ChannelFacts, plane: np.ndarray, bit_depth: int) -> str:
    if facts.is_constant:
        return f"All pixels have the same value ({plane.flat[0]:g}): nothing was recorded."
    if facts.saturated_fraction > SATURATED_FRACTION:
        return f"{100 * facts.saturated_fraction:.1f} % of the pixels are saturated; at most 1 % may be."
    if facts.mean < DARK_FRACTION * full_scale(bit_depth) and not _has_structure(plane):
        return "There is no signal above the detector's offset: the light, the shutter or the detector was off."
    return ""


def _why_dark_invalid(facts: ChannelFacts, plane: np.ndarray, bit_depth: int) -> str:
    if facts.is_constant:
        return f"All pixels have the same value ({plane.flat[0]:g}): nothing was recorded, or the offset is too low."
    if facts.saturated_fraction > SATURATED_FRACTION:
        return f"There was light: {100 * facts.saturated_fraction:.1f} % of the pixels of this dark scan are saturated."
    depth = bit_depth if plane.dtype.itemsize == 1 else max(bit_depth, LEAST_DARK_BITS)
    if facts.mean > LIT_FRACTION * full_scale(depth):
        return (
            f"There was light: the mean of this dark scan, {facts.mean:.4g} counts, is more than 1/8 of the full scale."
        )
    if facts.zero_fraction > CLIPPED_FRACTION:
        return f"{100 * facts.zero_fraction:.1f} % of the dark pixels are at zero; raise the detector's offset."
    return ""


def _has_structure(plane: np.ndarray) -> bool:
    """Say whether neighbouring pixels vary together, as in an image, and not on their own, as in noise."""
    rows, columns = (size // BLOCK_PX for size in plane.shape)
    blocks = plane[: rows * BLOCK_PX, : columns * BLOCK_PX].reshape(rows, BLOCK_PX, columns, BLOCK_PX)
    smooth = float(blocks.mean(axis=(1, 3), dtype=np.float64).std())
    return smooth * BLOCK_PX > STRUCTURE_RATIO * float(plane.std(dtype=np.float64))
