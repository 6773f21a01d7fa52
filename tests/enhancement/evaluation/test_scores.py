from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.metrics import structural_similarity

from common.errors import AxesError, ConstantImageError, InputError
from enhancement.evaluation.scores import affine_fit, compare, photometric_slope, score


def _planes(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    target = np.clip(1500 + 9000 * ndimage.gaussian_filter(generator.normal(size=(64, 72)), 3), 0, 4095)
    return target + generator.normal(0, 150, size=target.shape), target


def test_the_affine_fit_is_the_least_squares_line() -> None:
    prediction, target = _planes()
    line = affine_fit(prediction, target)
    np.testing.assert_allclose([line.slope, line.offset], np.polyfit(prediction.ravel(), target.ravel(), 1), rtol=1e-9)


def test_scores_are_those_of_numpy_and_scikit_image_on_8_bit_equivalents() -> None:
    prediction, target = _planes()
    scores = score(prediction, target, full_scale_counts=4095, fit=False)
    x, y = prediction * 255 / 4095, target * 255 / 4095
    mse = np.mean((x - y) ** 2)
    assert scores.mse == pytest.approx(mse, rel=1e-6)
    assert scores.psnr == pytest.approx(10 * np.log10(255**2 / mse), rel=1e-6)
    assert scores.cv == pytest.approx(x.std() / x.mean(), rel=1e-6)
    assert scores.ssim == pytest.approx(
        structural_similarity(x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255),
        rel=1e-6,
    )
    modules = [np.hypot(ndimage.sobel(plane, 0), ndimage.sobel(plane, 1)) for plane in (x, y)]
    assert scores.sharpness == pytest.approx(modules[0].mean(), rel=1e-6)
    assert scores.msemg == pytest.approx(np.mean((modules[0] - modules[1]) ** 2), rel=1e-6)
    assert 0 < scores.glcm_homogeneity < 1


@settings(deadline=None, max_examples=20)
@given(gain=st.floats(0.1, 50), offset=st.floats(-500, 500))
def test_a_fitted_score_does_not_depend_on_gain_and_offset_of_the_candidate(gain: float, offset: float) -> None:
    prediction, target = _planes()
    plain = score(prediction, target, full_scale_counts=4095)
    scaled = score(gain * prediction + offset, target, full_scale_counts=4095)
    assert scaled.psnr == pytest.approx(plain.psnr, abs=1e-6)
    assert scaled.ssim == pytest.approx(plain.ssim, abs=1e-6)
    assert scaled.photometric_slope == pytest.approx(gain * plain.photometric_slope, rel=1e-6)


def test_the_photometric_slope_is_not_shrunk_by_noise_in_the_candidate() -> None:
    generator = np.random.default_rng(1)
    _, target = _planes()
    noisy = target + generator.normal(0, target.std(), size=target.shape)
    assert score(noisy, target, full_scale_counts=4095).photometric_slope == pytest.approx(1.0, abs=0.05)


def test_identical_planes_have_infinite_psnr_and_ssim_1() -> None:
    _, target = _planes()
    scores = score(target, target, full_scale_counts=4095, fit=False)
    assert (scores.mse, scores.msemg, scores.psnr) == (0, 0, float("inf"))
    assert scores.ssim == pytest.approx(1)


def test_a_comparison_holds_every_candidate_on_every_field_and_their_means() -> None:
    fields = [_planes(seed) for seed in range(3)]
    targets = [target for _, target in fields]
    before = [target.copy() for target in targets]
    comparison = compare(
        {"raw": [raw for raw, _ in fields], "gaussian": [ndimage.gaussian_filter(raw, 1) for raw, _ in fields]},
        targets,
        field_ids=["a", "b", "c"],
        full_scale_counts=4095,
    )
    raw, smooth = comparison.candidates["raw"], comparison.candidates["gaussian"]
    assert raw.mean.psnr == pytest.approx(np.mean([entry.psnr for entry in raw.fields]))
    assert smooth.mean.psnr > raw.mean.psnr
    assert raw.mean.sharpness > comparison.target.mean.sharpness
    assert comparison.target.mean.psnr == float("inf")
    for target, kept in zip(targets, before, strict=True):
        np.testing.assert_array_equal(target, kept)


def test_planes_that_cannot_be_compared_are_refused() -> None:
    _, target = _planes()
    with pytest.raises(AxesError, match="registered planes"):
        score(target[:, 1:], target, full_scale_counts=4095)
    with pytest.raises(ConstantImageError, match="equal"):
        score(np.ones_like(target), target, full_scale_counts=4095)
    with pytest.raises(InputError, match="Full scale"):
        score(target, target, full_scale_counts=0)
    with pytest.raises(InputError, match="one plane per field"):
        compare({"raw": [target]}, [target, target], field_ids=["a", "b"], full_scale_counts=4095)
    with pytest.raises(InputError, match="one plane per field"):
        compare({"raw": []}, [], field_ids=[], full_scale_counts=4095)


def test_the_photometric_slope_is_not_shrunk_by_noise_in_the_target_nor_by_lost_detail() -> None:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:128, :128]
    clean = 500 + 300 * np.sin(x / 25) * np.cos(y / 31) + 80 * ((x + y) % 2)
    noisy_target = rng.poisson(clean).astype(float) + rng.normal(0, 150, clean.shape)
    blurred = ndimage.gaussian_filter(clean, 2.0)
    assert photometric_slope(blurred, noisy_target) == pytest.approx(1.0, abs=0.03)
    assert affine_fit(noisy_target, blurred).slope < 0.8  # what a fit pixel by pixel would have said
    assert photometric_slope(0.7 * blurred, noisy_target) == pytest.approx(0.7, abs=0.03)


def test_blocks_cut_by_the_border_do_not_count() -> None:
    rng = np.random.default_rng(4)
    target = rng.uniform(100, 900, (70, 75))
    assert photometric_slope(1.25 * target + 40, target) == pytest.approx(1.25)
