"""What an assessment of a series says, as plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from metrology.spc.baseline import Baseline, Stage
    from metrology.spc.price import Price

SignalKind = Literal["ewma", "cusum", "repeat", "confirmed", "tolerance", "action"]
Status = Literal[
    "invalid", "unscored", "baseline", "shewhart", "ewma", "cusum", "repeat", "confirmed", "tolerance", "unsure", "action",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that a person should look at.

    Parameters
    ----------
    kind : {"ewma", "cusum", "repeat", "confirmed", "tolerance", "action"}
        Which chart signalled; "repeat" asks to scan again, "confirmed" says that the next scan was as far out.
    index : int
        Point at which it signalled.
    since_index, since_low, since_high : int
        First changed point, and the earliest and latest that the data allow.
    magnitude_sigma : float
        Size of the change [σ of the baseline], positive towards harm; NaN without a baseline.
    """

    kind: SignalKind
    index: int
    since_index: int
    since_low: int
    since_high: int
    magnitude_sigma: float

    @property
    def blames(self) -> Literal["instrument", "acquisition"]:
        """What to check: a repeat is asked of the acquisition, everything else concerns the instrument."""
        return "acquisition" if self.kind == "repeat" else "instrument"


@dataclass(frozen=True, slots=True)
class Segment:
    """Limits that were in force over a run of points, in measured units.

    Parameters
    ----------
    start, stop : int
        First point, and one past the last.
    epoch : int
        Epoch number, from 0.
    stage : {"tentative", "provisional", "firm"}
        Trust in the baseline.
    watched : bool
        Whether these points could raise EWMA signals.
    baseline : Baseline
        Centre, scale and so on, on the chart's scale.
    centre, sigma_low, sigma_high : float
        Centre, and centre ∓ 1 σ [measured units].
    shewhart_low, shewhart_high, repeat_low, repeat_high : float
        Limits as strict as 3 σ and as the repeat channel, corrected for the size of the baseline [measured units].
    ewma_harm : float
        Limit of the EWMA towards harm [measured units].
    ewma_other : float or None
        Its limit on the other side, where both directions are harmful.
    """

    start: int
    stop: int
    epoch: int
    stage: Stage
    watched: bool
    baseline: Baseline
    centre: float
    sigma_low: float
    sigma_high: float
    shewhart_low: float
    shewhart_high: float
    repeat_low: float
    repeat_high: float
    ewma_harm: float
    ewma_other: float | None


@dataclass(frozen=True, slots=True)
class EpochAssessment:
    """One epoch and its latest baseline.

    Parameters
    ----------
    start, stop : int
        First point, and one past the last.
    points : int
        Number of valid points.
    latest : Segment or None
        Limits now in force; None if there is no baseline.
    problem : str
        Why there is no baseline, or why a larger one was not adopted; empty if all is well.
    """

    start: int
    stop: int
    points: int
    latest: Segment | None
    problem: str


@dataclass(frozen=True, slots=True, eq=False)
class SeriesAssessment:
    """Everything the charts say about one series.

    Parameters
    ----------
    z, ewma, ewma_limit, cusum, cusum_limit : (N,) arrays
        Score, statistics and their limits [σ], harm upwards; NaN where there is none.
    ewma_values : (N,) array
        The EWMA in measured units; NaN where there is none.
    epoch : (N,) array of int
        Epoch number of each point.
    stages : tuple[str, ...]
        Trust in the baseline that judged each point; empty text where there was none.
    statuses : tuple[tuple[str, ...], ...]
        What is to be said of each point.
    epochs : tuple[EpochAssessment, ...]
        Epochs in time order.
    segments : tuple[Segment, ...]
        Limits in force, in time order.
    signals : tuple[Signal, ...]
        In order of their point.
    active : tuple[str, ...]
        Kinds of signal that still hold at the last valid point of the last epoch.
    price : Price or None
        What watching costs; None without a baseline.
    """

    z: NDArray[np.float64]
    ewma: NDArray[np.float64]
    ewma_limit: NDArray[np.float64]
    cusum: NDArray[np.float64]
    cusum_limit: NDArray[np.float64]
    ewma_values: NDArray[np.float64]
    epoch: NDArray[np.int64]
    stages: tuple[str, ...]
    statuses: tuple[tuple[Status, ...], ...]
    epochs: tuple[EpochAssessment, ...]
    segments: tuple[Segment, ...]
    signals: tuple[Signal, ...]
    active: tuple[SignalKind, ...]
    price: Price | None
