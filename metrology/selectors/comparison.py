"""Before and after: the last healthy scan beside the one that raised a flag, on one intensity scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrology.models import Acquisition, Validity

if TYPE_CHECKING:
    from metrology.models import Flag


@dataclass(frozen=True, slots=True)
class Pane:
    """One picture of the pair.

    The preview holds 8-bit grey levels g in 0..1 of its own window; `slope`·g + `intercept` shows them in the window
    that both pictures share.
    """

    acquisition: Acquisition
    label: str
    slope: float
    intercept: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two scans of one channel between the same black and white [counts]; `before` is None where there is no earlier one."""

    channel: int
    before: Pane | None
    after: Pane
    black: float
    white: float


def comparison(flag: Flag, *, channel: int) -> Comparison | None:
    """Return the raising acquisition and the last valid one from before the change, on one scale.

    Parameters
    ----------
    flag : Flag
        With its raising acquisition.
    channel : int
        Which channel, from 0.

    Returns
    -------
    Comparison or None
        None while the raising acquisition has no preview of that channel.
    """
    after = flag.raised_by
    late = window_of(after, channel)
    if late is None:
        return None
    before = (
        Acquisition.objects.filter(
            instrument=flag.instrument,
            optical_path=after.optical_path_id,
            standard=after.standard_id,
            validity=Validity.VALID,
            acquired_at__lt=flag.since_low or flag.since or flag.raised_at,
        )
        .exclude(pk=after.pk)
        .exclude(preview_window=[])
        .order_by("-acquired_at", "-pk")
        .first()
    )
    early = window_of(before, channel) if before else None
    windows = [window for window in (early, late) if window]
    black, white = min(low for low, _ in windows), max(high for _, high in windows)
    return Comparison(
        channel=channel,
        before=_pane(before, "before", early, (black, white)) if before and early else None,
        after=_pane(after, "after", late, (black, white)),
        black=black,
        white=white,
    )


def window_of(acquisition: Acquisition, channel: int) -> tuple[float, float] | None:
    """Return the counts shown as black and as white in the preview of a channel; None where there is no preview."""
    if channel >= len(acquisition.preview_window):
        return None
    low, high = acquisition.preview_window[channel]
    return (float(low), float(high)) if high > low else None


def _pane(acquisition: Acquisition, when: str, own: tuple[float, float], shared: tuple[float, float]) -> Pane:
    span = shared[1] - shared[0]
    return Pane(
        acquisition=acquisition,
        label=f"{when}: {acquisition.acquired_at:%Y-%m-%d}" if acquisition.acquired_at else when,
        slope=(own[1] - own[0]) / span,
        intercept=(own[0] - shared[0]) / span,
    )
