"""What may have caused a flag, ranked by which quantities moved and which did not."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, TypedDict

from django.db.models import Max

from metrology.attributes.registry import ATTRIBUTES
from metrology.models import Flag, FlagSignal, StandardKind

if TYPE_CHECKING:
    from datetime import datetime

    from metrology.models import Series

_LIGHT = frozenset({"intensity", "noise"})
_OPTICS = frozenset({"beads", "sharpness", "marbles", "field"})


CLEARLY_EARLIER = timedelta(days=14)
"""Two weekly scans: less may be the chance of one of them."""


class Cause(TypedDict):
    """A hypothesis, why it is one, and its rank's weight."""

    cause: str
    because: str
    weight: float


def rank_causes(flag: Flag) -> list[Cause]:
    """Return hypotheses, most likely first. They are hints for whoever looks, never verdicts.

    A detector is suspected when intensity or noise moved in its channel alone, or clearly earlier or in more quantities
    than in the others; the light or its path when all channels lost signal; the optics when sizes and sharpness moved;
    the scanner when lines no longer lie above one another; the detector or stray light when frames without light changed;
    the slide when other instruments that scanned the same standard
    were flagged within four weeks.
    """
    signals = list(flag.signals.select_related("series__standard", "series__light_setting__light_source"))
    moved = [signal.series for signal in signals]
    groups = {ATTRIBUTES[series.attribute_id].group for series in moved}
    all_channels = set(flag.instrument.series.values_list("channel", flat=True))
    in_the_dark = [series for series in moved if _is_dark(series)]
    causes = _light([signal for signal in signals if not _is_dark(signal.series)], all_channels)
    if in_the_dark:
        names = sorted({ATTRIBUTES[series.attribute_id].name for series in in_the_dark})
        causes.append(
            {
                "cause": f"the detector of channel {_names({series.channel for series in in_the_dark})}, or stray light",
                "because": f"{', '.join(names)} moved in frames without light",
                "weight": 4.0,
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
    if "power" in groups:
        names = sorted({str(s.light_setting.light_source) for s in moved if s.light_setting is not None})
        causes.append(
            {
                "cause": "the light source or how it is coupled in",
                "because": f"the power meter's readings of {', '.join(names)} moved",
                "weight": 4.0,
            }
        )
    if "scan" in groups:
        names = sorted({ATTRIBUTES[s.attribute_id].name for s in moved if ATTRIBUTES[s.attribute_id].group == "scan"})
        causes.append(
            {
                "cause": "the scanner or its timing (phase of the return lines, speed, linearity)",
                "because": f"{', '.join(names)} moved",
                "weight": 3.5,
            }
        )
    causes += _slide(flag, moved)
    return sorted(causes, key=lambda cause: -cause["weight"])


def _light(signals: list[FlagSignal], all_channels: set[int]) -> list[Cause]:
    """Blame the detector where its channel differs from the others, the light where all channels moved."""
    first: dict[int, datetime] = {}
    quantities: dict[int, set[str]] = defaultdict(set)
    for signal in signals:
        channel, attribute_id = signal.series.channel, signal.series.attribute_id
        if ATTRIBUTES[attribute_id].group in _LIGHT:
            first[channel] = min(first.get(channel, signal.signalled_at), signal.signalled_at)
            quantities[channel].add(attribute_id)
    lit = set(first)
    if not lit:
        return []
    if lit < all_channels:
        because = f"intensity and noise of channel {_names(all_channels - lit)} of the same scans are steady"
        return [{"cause": f"the detector of channel {_names(lit)}", "because": because, "weight": 3.0}]
    light: Cause = {
        "cause": "the light source or its alignment",
        "because": "intensity or noise moved in every channel",
        "weight": 2.0,
    }
    return [light, *_leading(first, {channel: len(ids) for channel, ids in quantities.items()})]


def _leading(first: dict[int, datetime], counts: dict[int, int]) -> list[Cause]:
    """Blame the detector of the one channel that moved clearly earlier, or in more quantities, than all others."""
    if len(first) < 2:
        return []
    earliest, second = sorted(first, key=first.__getitem__)[:2]
    ahead = first[second] - first[earliest]
    if ahead >= CLEARLY_EARLIER:
        because = f"its intensity or noise moved {ahead.days} days before that of any other channel"
        return [{"cause": f"the detector of channel {earliest}", "because": because, "weight": 2.5}]
    most, next_most = sorted(counts, key=counts.__getitem__, reverse=True)[:2]
    if counts[most] > counts[next_most]:
        because = f"{counts[most]} quantities of intensity and noise moved in it, at most {counts[next_most]} in others"
        return [{"cause": f"the detector of channel {most}", "because": because, "weight": 1.5}]
    return []


def _slide(flag: Flag, moved: list[Series]) -> list[Cause]:
    """Blame the slide where another instrument that scans it moved at the same time."""
    standards = {series.standard_id for series in moved if not _is_dark(series)}  # darkness cannot fade
    others = (
        FlagSignal.objects.filter(series__standard_id__in=standards)
        .exclude(flag__instrument=flag.instrument)
        .values("flag__instrument__name")
        .annotate(last=Max("since"))
    )
    near = [row["flag__instrument__name"] for row in others if abs((row["last"] - flag.raised_at).days) <= 28]
    if not near:
        return []
    meter = all(series.standard.kind == StandardKind.POWER_METER for series in moved)
    return [
        {
            "cause": "the power meter itself" if meter else "the standard slide itself",
            "because": f"{', '.join(near)} moved within four weeks on the same standard",
            "weight": 4.0,
        }
    ]


def _is_dark(series: Series) -> bool:
    return series.standard.kind == StandardKind.DARK


def _names(channels: set[int]) -> str:
    return " and ".join(str(channel) for channel in sorted(channels))
