from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from common.errors import NotFoundError, TrainingDataError
from enhancement.filters.conventional import FILTERS, apply, noise_sigma, tune

SMALL_GRID = {"gaussian": {"sigma_px": 1.5}, "mean": {"size_px": 5}, "median": {"size_px": 5}, "nlm": {"strength": 1.0}}


def _pair(seed: int = 0, noise: float = 120.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    target = 500 + 3000 * ndimage.gaussian_filter(generator.normal(size=(96, 96)), 3)
    return 2 * target + 100 + generator.normal(0, noise, size=target.shape), target


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_lowers_noise_and_leaves_its_input_alone(name: str) -> None:
    plane = 1000 + np.random.default_rng(1).normal(0, 50, size=(64, 64))
    before = plane.copy()
    smoothed = apply(name, plane, SMALL_GRID[name])
    assert smoothed.shape == plane.shape
    assert smoothed.std() < 0.6 * plane.std()
    assert smoothed.mean() == pytest.approx(1000, rel=0.01)
    np.testing.assert_array_equal(plane, before)


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_works_on_integer_counts_without_rounding_or_wrapping(name: str) -> None:
    counts = np.random.default_rng(2).integers(60000, 65536, size=(40, 40)).astype(np.uint16)
    np.testing.assert_allclose(
        apply(name, counts, SMALL_GRID[name]), apply(name, counts.astype(np.float64), SMALL_GRID[name])
    )


def test_tuning_finds_the_best_point_of_the_grid_and_more_noise_asks_for_more_smoothing() -> None:
    weak, strong = (tune("gaussian", [_pair(0, noise), _pair(1, noise)]) for noise in (20.0, 400.0))
    assert weak.parameters["sigma_px"] < strong.parameters["sigma_px"]
    assert weak.score > strong.score


def test_tuning_is_not_deceived_by_the_gain_between_the_detectors() -> None:
    raw, target = _pair()
    plain, scaled = tune("mean", [(raw, target)]), tune("mean", [(7 * raw + 300, target)])
    assert plain.parameters == scaled.parameters
    assert plain.score == pytest.approx(scaled.score, abs=1e-6)


def test_the_score_is_the_psnr_after_an_affine_fit() -> None:
    raw, target = _pair()
    tuned = tune("gaussian", [(raw, target)])
    smoothed = ndimage.gaussian_filter(raw, tuned.parameters["sigma_px"])
    fitted = np.polyval(np.polyfit(smoothed.ravel(), target.ravel(), 1), smoothed)
    expected_db = 10 * np.log10(np.ptp(target) ** 2 / np.mean((fitted - target) ** 2))
    assert tuned.score == pytest.approx(expected_db, abs=1e-6)


def test_noise_is_estimated_within_5_percent_on_structure() -> None:
    generator = np.random.default_rng(3)
    structure = 5000 * ndimage.gaussian_filter(generator.normal(size=(256, 256)), 4)
    assert noise_sigma(structure + generator.normal(0, 40, size=structure.shape)) == pytest.approx(40, rel=0.05)


def test_non_local_means_of_a_noiseless_ramp_is_the_ramp() -> None:
    ramp = np.add.outer(np.arange(32.0), np.arange(32.0))
    np.testing.assert_array_equal(apply("nlm", ramp, {"strength": 1.0}), ramp)


def test_unknown_filters_and_unfit_pairs_are_refused() -> None:
    with pytest.raises(NotFoundError, match="gaussian, mean, median, nlm"):
        tune("wavelet", [_pair()])
    with pytest.raises(TrainingDataError, match="no fields"):
        tune("gaussian", [])
    with pytest.raises(TrainingDataError, match="constant"):
        tune("gaussian", [(np.eye(8), np.ones((8, 8)))])
