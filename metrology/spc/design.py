"""What the charts promise: how many false alarms, how robust, from how many baseline points."""

from __future__ import annotations

from dataclasses import dataclass

from common.errors import InputError
from metrology.spc.estimated import limit_for_probability, robust_degrees_of_freedom, shewhart_multiplier
from metrology.spc.run_length import CusumChart, EwmaChart

POINTS_A_YEAR = 52


@dataclass(frozen=True, slots=True)
class ChartDesign:
    """Choices that all series of a facility share.

    Parameters
    ----------
    false_alarm_probability : float
        Chance that a series in control is flagged within 52 points, EWMA and CUSUM together. At the default of
        1 %, 100 weekly series raise one false flag a year and 1 000 less than one a month.
    lambda_ : float
        Weight of the newest point in the EWMA.
    clip : float
        Scores beyond ± this many σ count as that much in EWMA and CUSUM.
    cusum_reference : float
        Reference value k of the self-starting CUSUM [σ].
    repeat_sigma : float
        Strictness of the channel that asks to repeat an acquisition, as a multiple of a known σ.
    baseline_sizes : tuple[int, ...]
        Numbers of points at which the baseline is frozen anew, unless it shows a trend or the series is
        signalling; rising, the first at least 10.
    trend_probability : float
        A baseline whose points line up this improbably is not adopted.
    """

    false_alarm_probability: float = 0.01
    lambda_: float = 0.1
    clip: float = 2.5
    cusum_reference: float = 0.25
    repeat_sigma: float = 3.5
    baseline_sizes: tuple[int, ...] = (10, 20, 30)
    trend_probability: float = 0.05

    def __post_init__(self) -> None:
        sizes = self.baseline_sizes
        if not sizes or sizes[0] < 10 or list(sizes) != sorted(set(sizes)):
            raise InputError(
                "The baseline sizes do not rise from at least 10.", hint="Use for example 10, 20, 30.", sizes=sizes
            )
        if not 1e-6 <= self.false_alarm_probability <= 0.5 or not 0 < self.lambda_ <= 1:
            raise InputError(
                "The chart design is out of range.",
                hint="Choose a false-alarm probability of 0.000001 to 0.5 and a weight λ above 0 and up to 1.",
                false_alarm_probability=self.false_alarm_probability,
                lambda_=self.lambda_,
            )

    def ewma_chart(self, baseline_points: int, *, two_sided: bool = False) -> EwmaChart:
        """Return the EWMA whose limit allows for the errors of a baseline of so many points."""
        shape = EwmaChart(0.0, self.lambda_, two_sided, self.clip)
        limit = limit_for_probability(shape, self.false_alarm_probability / 2, POINTS_A_YEAR, baseline_points)
        return EwmaChart(limit, self.lambda_, two_sided, self.clip)

    def cusum_chart(self, *, two_sided: bool = False) -> CusumChart:
        """Return the self-starting CUSUM (of one side); its limit needs no baseline."""
        shape = CusumChart(0.0, self.cusum_reference, self.clip)
        share = self.false_alarm_probability / (4 if two_sided else 2)
        return CusumChart(limit_for_probability(shape, share, POINTS_A_YEAR), self.cusum_reference, self.clip)

    def multiplier(self, baseline_points: int, *, sigma: float) -> float:
        """Return the multiplier of a baseline's scale that is as strict as `sigma` with σ known."""
        freedom = robust_degrees_of_freedom(baseline_points)
        return shewhart_multiplier(baseline_points, sigma=sigma, degrees_of_freedom=freedom)
