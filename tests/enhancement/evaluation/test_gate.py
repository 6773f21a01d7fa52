from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from common.errors import InputError
from enhancement.evaluation.gate import Check, GateVerdict, best_filter, judge, paired_bootstrap
from enhancement.evaluation.scores import CandidateScores, Comparison, FieldScores

BASE = FieldScores(
    mse=10, msemg=100, ssim=0.8, psnr=30, cv=0.5, sharpness=20, glcm_homogeneity=0.5, photometric_slope=1.0
)


def _candidate(name: str, scores: list[FieldScores]) -> CandidateScores:
    columns = {column: float(np.mean([getattr(entry, column) for entry in scores])) for column in BASE.__slots__}
    return CandidateScores(candidate=name, fields=tuple(scores), mean=FieldScores(**columns))


def _comparison(gains_db: list[float], **changes: float) -> Comparison:
    network = [replace(BASE, psnr=30 + gain, ssim=0.8 + gain / 50, **changes) for gain in gains_db]
    return Comparison(
        field_ids=tuple(f"field {index}" for index in range(len(gains_db))),
        candidates={
            "network_tta": _candidate("network_tta", network),
            "gaussian": _candidate("gaussian", [BASE] * len(gains_db)),
            "median": _candidate("median", [replace(BASE, psnr=28, ssim=0.7)] * len(gains_db)),
        },
        target=_candidate("target", [replace(BASE, sharpness=25)] * len(gains_db)),
    )


def _check(verdict: GateVerdict, name: str) -> Check:
    return next(check for check in verdict.checks if check.id == name)


def _judge(comparison: Comparison) -> GateVerdict:
    return judge(comparison, filters=["gaussian", "median"])


def test_a_network_better_on_every_field_is_released() -> None:
    verdict = _judge(_comparison([0.5, 0.8, 0.6, 0.7]))
    assert verdict.passed
    assert verdict.recommended == "network_tta"
    assert all(check.passed for check in verdict.checks)
    assert "against the best tuned filter (gaussian)" in _check(verdict, "beats_filter_psnr").sentence


def test_a_network_better_on_average_but_not_surely_is_not_released_and_the_best_filter_is_named() -> None:
    verdict = _judge(_comparison([2.0, -0.5, 0.6, -0.7]))
    assert not verdict.passed
    assert not _check(verdict, "beats_filter_psnr").passed
    assert verdict.recommended == "gaussian"


@pytest.mark.parametrize(("slope", "passed"), [(0.94, False), (0.951, True), (1.049, True), (1.06, False)])
def test_photometry_has_to_hold_within_5_percent(slope: float, passed: bool) -> None:
    verdict = _judge(_comparison([0.5, 0.8, 0.6], photometric_slope=slope))
    assert verdict.passed is _check(verdict, "photometry").passed is passed


def test_being_sharper_than_the_target_warns_but_does_not_block() -> None:
    verdict = _judge(_comparison([0.5, 0.8, 0.6], sharpness=26.0))
    warning = _check(verdict, "not_sharper_than_target")
    assert verdict.passed
    assert not warning.passed
    assert not warning.blocking
    assert "better than the ground truth" in warning.sentence


def test_two_fields_carry_no_verdict_however_good() -> None:
    verdict = _judge(_comparison([5.0, 5.0]))
    assert not verdict.passed
    assert not _check(verdict, "held_out_fields").passed


def test_the_same_seed_gives_the_same_verdict() -> None:
    comparison = _comparison([0.5, -0.1, 0.6, 0.3, 0.2])
    assert _judge(comparison) == _judge(comparison)


def test_the_bootstrap_interval_of_many_fields_is_that_of_the_normal_law() -> None:
    differences = np.random.default_rng(0).normal(1.0, 0.5, size=400)
    interval = paired_bootstrap(differences, seed=1)
    half_width = 1.96 * differences.std() / 20
    assert interval.mean == pytest.approx(differences.mean())
    assert interval.low == pytest.approx(differences.mean() - half_width, abs=0.005)
    assert interval.high == pytest.approx(differences.mean() + half_width, abs=0.005)


def test_the_best_filter_may_differ_between_columns() -> None:
    comparison = _comparison([0.5] * 3)
    other = {**comparison.candidates, "median": _candidate("median", [replace(BASE, psnr=28, ssim=0.9)] * 3)}
    comparison = replace(comparison, candidates=other)
    assert best_filter(comparison, ["gaussian", "median"], column="psnr").candidate == "gaussian"
    assert best_filter(comparison, ["gaussian", "median"], column="ssim").candidate == "median"


def test_a_comparison_without_the_network_or_without_filters_cannot_be_judged() -> None:
    with pytest.raises(InputError, match="lacks wavelet"):
        judge(_comparison([0.5] * 3), filters=["wavelet"])
    with pytest.raises(InputError, match="lacks filters"):
        judge(_comparison([0.5] * 3), filters=[])
    with pytest.raises(InputError, match="no fields"):
        paired_bootstrap([])
