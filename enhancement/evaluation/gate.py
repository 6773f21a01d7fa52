"""The gate of the day: what a model has to show before it may be released."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from enhancement.evaluation.scores import CandidateScores, Comparison

RESAMPLES = 10_000
MINIMUM_FIELDS = 3
SLOPE_BOUNDS = (0.95, 1.05)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and where it may lie."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Check:
    """One demand on a model and how it answered."""

    id: str
    passed: bool
    value: float
    bound: float
    sentence: str
    """What a biologist reads."""
    blocking: bool = True
    """Whether failing it keeps the model from release; warnings do not."""


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Whether a model may be released, why, and what to use instead if not."""

    passed: bool
    checks: tuple[Check, ...]
    recommended: str
    """The candidate to use: the network if it passed, else the best tuned filter."""


def paired_bootstrap(differences: Sequence[float], *, seed: int = 0, level: float = 0.95) -> Interval:
    """Estimate how certain a mean difference over fields is, by drawing the fields again with replacement.

    Parameters
    ----------
    differences : sequence of float
        One difference per field.
    seed : int
        Seed of the draw; the same seed gives the same interval.
    level : float
        Coverage of the interval, 0…1.

    Returns
    -------
    Interval
        Mean and percentile interval.

    Raises
    ------
    InputError
        If there are no differences.

    References
    ----------
    Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.

    Notes
    -----
    With fewer than about ten fields the percentile interval is narrower than its level says; with one field it is a point.
    """
    values = np.asarray(differences, np.float64)
    if values.size == 0:
        raise InputError("There are no fields to compare on.", hint="Keep at least three fields aside for the test.")
    draws = np.random.default_rng(seed).integers(values.size, size=(RESAMPLES, values.size))
    means = values[draws].mean(axis=1)
    low, high = np.percentile(means, [50 * (1 - level), 50 * (1 + level)])
    return Interval(mean=float(values.mean()), low=float(low), high=float(high))


def judge(
    comparison: Comparison, *, network: str = "network_tta", filters: Sequence[str], seed: int = 0
) -> GateVerdict:
    """Decide whether a network may be released, on held-out fields.

    It has to beat the best tuned filter in PSNR and in SSIM (95 % interval of the paired difference above zero), to keep the
    photometry (slope 0.95…1.05), and to have been tested on at least three fields. Being sharper than the target is
    a warning.

    Parameters
    ----------
    comparison : Comparison
        Scores of all candidates.
    network : str
        The candidate to judge.
    filters : sequence of str
        The candidates it has to beat.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    GateVerdict
        The decision and each check.

    Raises
    ------
    InputError
        If the network or a filter is not among the candidates, or no filter is given.
    """
    missing = [name for name in (network, *filters) if name not in comparison.candidates]
    if missing or not filters:
        raise InputError(
            f"The comparison lacks {', '.join(missing) or 'filters to beat'}.",
            hint="Score the network and every tuned filter on the same fields first.",
        )
    judged = comparison.candidates[network]
    checks = (
        _enough_fields(len(comparison.field_ids)),
        _beats(comparison, judged, filters, column="psnr", seed=seed),
        _beats(comparison, judged, filters, column="ssim", seed=seed),
        _photometry(judged),
        _not_sharper(judged, comparison.target),
    )
    passed = all(check.passed for check in checks if check.blocking)
    return GateVerdict(
        passed=passed,
        checks=checks,
        recommended=network if passed else best_filter(comparison, filters, column="psnr").candidate,
    )


def best_filter(comparison: Comparison, filters: Sequence[str], *, column: str) -> CandidateScores:
    """Return the filter with the highest mean score.

    Parameters
    ----------
    comparison : Comparison
        Scores of all candidates.
    filters : sequence of str
        The filters to choose from.
    column : str
        "psnr" or "ssim".

    Returns
    -------
    CandidateScores
        The best of them; the first in order of names if equal.
    """
    scored = (comparison.candidates[name] for name in sorted(filters))
    return max(scored, key=lambda entry: float(getattr(entry.mean, column)))


def _enough_fields(count: int) -> Check:
    passed = count >= MINIMUM_FIELDS
    sentence = f"Tested on {count} field{'s' if count != 1 else ''} kept aside; a verdict needs {MINIMUM_FIELDS}."
    return Check("held_out_fields", passed, float(count), float(MINIMUM_FIELDS), sentence)


def _beats(comparison: Comparison, judged: CandidateScores, filters: Sequence[str], *, column: str, seed: int) -> Check:
    rival = best_filter(comparison, filters, column=column)
    pairs = zip(judged.fields, rival.fields, strict=True)
    interval = paired_bootstrap([getattr(ours, column) - getattr(theirs, column) for ours, theirs in pairs], seed=seed)
    unit, digits = (" dB", 2) if column == "psnr" else ("", 3)
    sentence = (
        f"{column.upper()} is {interval.mean:+.{digits}f}{unit} against the best tuned filter ({rival.candidate}), "
        f"95 % interval {interval.low:+.{digits}f}…{interval.high:+.{digits}f}{unit}; "
        "the whole interval has to lie above zero."
    )
    return Check(f"beats_filter_{column}", interval.low > 0, interval.low, 0.0, sentence)


def _photometry(judged: CandidateScores) -> Check:
    slope = judged.mean.photometric_slope
    low, high = SLOPE_BOUNDS
    bound = low if abs(slope - low) < abs(slope - high) else high
    sentence = (
        f"One target count becomes {slope:.3f} restored counts; {low:.2f}…{high:.2f} keeps intensities comparable."
    )
    return Check("photometry", low <= slope <= high, slope, bound, sentence)


def _not_sharper(judged: CandidateScores, target: CandidateScores) -> Check:
    value, bound = judged.mean.sharpness, target.mean.sharpness
    passed = value <= bound
    sentence = (
        f"Sharpness is {value:.1f}, the target's {bound:.1f}."
        if passed
        else f"Sharpness is {value:.1f}, above the target's {bound:.1f}: better than the ground truth means invented detail."
    )
    return Check("not_sharper_than_target", passed, value, bound, sentence, blocking=False)
