from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from common.errors import ConstantImageError, TrainingDataError
from enhancement.training.normalisation import Normalisation, fit_normalisation


def _pair(seed: int = 0, *, gain: float = 3.0, offset: float = 50.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(generator.normal(size=(128, 128)), 12, mode="wrap")
    target = 10 + 890 * (smooth - smooth.min()) / np.ptp(smooth)
    return gain * target + offset + generator.normal(0, 400, size=target.shape), target


def test_gain_and_offset_between_the_detectors_are_found_in_spite_of_noise() -> None:
    raw, target = _pair()
    scale = fit_normalisation([raw], [target])
    assert scale.slope == pytest.approx(3.0, rel=0.05)
    assert scale.intercept == pytest.approx(50.0, abs=60)


def test_noise_in_the_target_too_does_not_shrink_the_slope() -> None:
    pairs = [_pair(seed) for seed in range(3)]
    generator = np.random.default_rng(9)
    raws = [raw for raw, _ in pairs]
    noisy = [target + generator.normal(0, target.std(), target.shape) for _, target in pairs]
    pixels = np.polyfit(np.concatenate(noisy).ravel(), np.concatenate(raws).ravel(), 1)[0]
    assert pixels < 1.8  # half of the truth: what a line through the pixels says
    assert fit_normalisation(raws, noisy).slope == pytest.approx(3.0, rel=0.04)


def test_percentiles_of_the_raw_data_set_become_0_and_1_and_nothing_is_clipped() -> None:
    raws, targets = zip(*(_pair(seed) for seed in range(3)), strict=True)
    scale = fit_normalisation(raws, targets)
    unit = np.concatenate([scale.raw_to_unit(raw).ravel() for raw in raws])
    assert np.percentile(unit, 1) == pytest.approx(0, abs=1e-3)
    assert np.percentile(unit, 99.8) == pytest.approx(1, abs=1e-3)
    assert unit.min() < 0
    assert unit.max() > 1


def test_bounded_normalisation_puts_every_pixel_of_both_planes_within_minus_1_and_1() -> None:
    raw, target = _pair()
    scale = fit_normalisation([raw], [target], bounded=True)
    both = np.concatenate([scale.raw_to_unit(raw).ravel(), scale.target_to_unit(target).ravel()])
    assert both.min() == pytest.approx(-1, abs=1e-5)
    assert both.max() == pytest.approx(1, abs=1e-5)


def test_target_counts_come_back_from_the_networks_numbers() -> None:
    raw, target = _pair()
    scale = fit_normalisation([raw], [target])
    np.testing.assert_allclose(scale.unit_to_target(scale.target_to_unit(target)), target, rtol=1e-4, atol=1e-2)


def test_a_spread_is_scaled_but_not_shifted() -> None:
    scale = Normalisation(offset=100, scale=50, slope=2, intercept=7)
    np.testing.assert_allclose(scale.unit_spread_to_target(np.array([[0.0, 1.0]])), [[0.0, 25.0]])


def test_normalisation_survives_being_stored() -> None:
    scale = Normalisation(offset=1.5, scale=2.5, slope=3.5, intercept=4.5)
    assert Normalisation.from_dict(scale.as_dict()) == scale


def test_pairs_of_different_fields_are_refused() -> None:
    raw, target = _pair(gain=-1.0)
    with pytest.raises(TrainingDataError, match="paired with the target of the same field"):
        fit_normalisation([raw], [target])


def test_raw_planes_without_contrast_are_refused() -> None:
    raw = np.full((64, 64), 7.0)
    raw[0, 0] = 8.0
    with pytest.raises(TrainingDataError, match="Nearly all pixels"):
        fit_normalisation([raw], [np.random.default_rng(0).normal(size=(64, 64))])


def test_targets_that_are_equally_bright_everywhere_are_refused() -> None:
    raw, target = _pair()
    with pytest.raises(ConstantImageError):
        fit_normalisation([raw], [np.full_like(target, 300.0)])
