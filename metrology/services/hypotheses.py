"""What may have caused a flag, ranked by which quantities moved and which did not."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from django.db.models import Max

from metrology.attributes.registry import ATTRIBUTES
from metrology.models import Flag, FlagSignal

if TYPE_CHECKING:
    from metrology.models import Series

_LIGHT = frozenset({"intensity", "noise"})
_OPTICS = frozenset({"beads", "sharpness", "marbles", "field"})


class Cause(TypedDict):
    """A hypothesis, why it is one, and its rank's weight."""

    cause: str
    because: str
    weight: float


def rank_causes(flag: Flag) -> list[Cause]:
    """Return hypotheses, most likely first. They are hints for whoever looks, never verdicts.

    A detector is suspected when one channel moved and another of the same scans did not; the light or its path when all
    channels lost signal; the optics when sizes and sharpness moved; the slide when other instruments that scanned the same
    standard were flagged within four weeks.
    """
    moved = [signal.series for signal in flag.signals.select_related("series__standard")]
    groups = {ATTRIBUTES[series.attribute_id].group for series in moved}
    channels = {series.channel for series in moved}
    all_channels = set(flag.instrument.series.values_list("channel", flat=True))
    causes: list[Cause] = []
    if channels < all_channels and groups & _LIGHT:
        causes.append(
            {
                "cause": f"the detector of channel {_names(channels)}",
                "because": f"channel {_names(all_channels - channels)} of the same scans is steady",
                "weight": 3.0,
            }
        )
    if channels == all_channels and groups & _LIGHT:
        causes.append(
            {
                "cause": "the light source or its alignment",
                "because": "intensity or noise moved in every channel",
                "weight": 2.0,
            }
        )
    if groups & _OPTICS:
        names = sorted({ATTRIBUTES[s.attribute_id].name for s in moved if ATTRIBUTES[s.attribute_id].group in _OPTICS})
        causes.append(
            {
                "cause": "the objective or the immersion (aberration, dirt, wrong medium)",
                "because": f"{', '.join(names)} moved",
                "weight": 1.0 + 2.0 * bool(groups & {"beads"}),
            }
        )
    causes += _slide(flag, moved)
    return sorted(causes, key=lambda cause: -cause["weight"])


def _slide(flag: Flag, moved: list[Series]) -> list[Cause]:
    """Blame the slide where another instrument that scans it moved at the same time."""
    standards = {series.standard_id for series in moved}
    others = (
        FlagSignal.objects.filter(series__standard_id__in=standards)
        .exclude(flag__instrument=flag.instrument)
        .values("flag__instrument__name")
        .annotate(last=Max("since"))
    )
    near = [row["flag__instrument__name"] for row in others if abs((row["last"] - flag.raised_at).days) <= 28]
    if not near:
        return []
    return [
        {
            "cause": "the standard slide itself",
            "because": f"{', '.join(near)} moved within four weeks on the same standard",
            "weight": 4.0,
        }
    ]


def _names(channels: set[int]) -> str:
    return " and ".join(str(channel) for channel in sorted(channels))
