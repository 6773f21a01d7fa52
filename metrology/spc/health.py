"""One word for an instrument, from the state of all its series, and the reasons for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Verdict = Literal["in_control", "watch", "degraded", "no_data"]

STATISTICAL = frozenset({"ewma", "cusum"})
WORDS = {
    "action": "beyond its action limit",
    "tolerance": "beyond its tolerance",
    "ewma": "drifting (EWMA)",
    "cusum": "drifting (CUSUM)",
    "repeat": "last acquisition improbable: repeat it",
}


@dataclass(frozen=True, slots=True)
class SeriesState:
    """What health needs to know of one series.

    Parameters
    ----------
    name : str
        Name to show in the reasons.
    points : int
        Number of valid points.
    active : tuple[str, ...]
        Kinds of signal that still hold (`SeriesAssessment.active`).
    """

    name: str
    points: int
    active: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """Verdict on an instrument.

    Parameters
    ----------
    verdict : {"in_control", "watch", "degraded", "no_data"}
        The word.
    reasons : tuple[str, ...]
        One sentence for each series that is not well, gravest first.
    """

    verdict: Verdict
    reasons: tuple[str, ...]


def judge_instrument(series: Sequence[SeriesState]) -> Health:
    """Give a verdict on an instrument.

    Parameters
    ----------
    series : sequence of SeriesState
        All its series.

    Returns
    -------
    Health
        `degraded` if a series is beyond its action limit, is drifting and beyond its tolerance, or if two or more
        series drift; `watch` for any lesser signal; `no_data` if nothing was ever measured.

    Notes
    -----
    Series of one instrument are correlated; that two drift at once is taken as support, not as proof.
    """
    if not any(state.points for state in series):
        return Health("no_data", ("Nothing has been measured yet.",))
    ailing = sorted((state for state in series if state.active), key=_gravity)
    reasons = tuple(f"{state.name}: {', '.join(WORDS[kind] for kind in state.active)}." for state in ailing)
    drifting = [state for state in ailing if STATISTICAL & set(state.active)]
    grave = any("action" in state.active for state in ailing)
    grave |= any("tolerance" in state.active for state in drifting)
    if grave or len(drifting) >= 2:
        return Health("degraded", reasons)
    return Health("watch" if ailing else "in_control", reasons)


def _gravity(state: SeriesState) -> tuple[int, int, str]:
    gravest = min(list(WORDS).index(kind) for kind in state.active)
    return gravest, -len(state.active), state.name
