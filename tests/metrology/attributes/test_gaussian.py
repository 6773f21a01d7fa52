from __future__ import annotations

import numpy as np
import pytest

from common.errors import FitError
from metrology.attributes.gaussian import Noise, fit_gaussian, fit_gaussian_near
from metrology.attributes.gaussian_model import noise_bias, residuals

BOX = (slice(-4, 5), slice(-4, 5))
AXES = [np.arange(-4.0, 5.0)] * 2
VALUES = np.array([1000.0, 0.2, -0.3, 0.9, 1.0, 100.0])
SPOT = residuals(VALUES, AXES, np.zeros((9, 9))).reshape(9, 9)
PER_COUNT = 20.0  # an SNR of 7 at the peak


def _noisy(rng: np.random.Generator) -> np.ndarray:
    return rng.poisson(SPOT / PER_COUNT) * PER_COUNT


def test_the_mean_shift_by_photon_noise_is_foretold_and_taken_away():
    rng = np.random.default_rng(3)
    known = Noise(100 * PER_COUNT, PER_COUNT)
    images = [_noisy(rng) for _ in range(2000)]
    plain, freed = (
        np.array([fit_gaussian(one, BOX, [0, 0], [2, 2], noise=known, unbiased=flag).sigma for one in images])
        for flag in (False, True)
    )
    chance = plain.std(axis=0) / np.sqrt(len(images))
    foretold = noise_bias(VALUES, AXES, (SPOT * PER_COUNT).ravel())[3:5]
    assert (foretold < -0.003).all()
    assert plain.mean(axis=0) - VALUES[3:5] == pytest.approx(foretold, abs=3 * chance.max())
    assert freed.mean(axis=0) == pytest.approx(VALUES[3:5], abs=3 * chance.max())
    assert np.abs(plain.mean(axis=0) - VALUES[3:5]).max() > 2 * chance.max()


def test_the_mean_shift_is_nothing_without_noise_and_grows_with_its_variance():
    assert noise_bias(VALUES, AXES, np.zeros(81)) == pytest.approx(0)
    once = noise_bias(VALUES, AXES, np.full(81, 100.0))
    assert noise_bias(VALUES, AXES, np.full(81, 300.0)) == pytest.approx(3 * once)


def test_near_the_true_width_the_mean_of_a_bead_between_pixels_is_right_and_its_error_honest():
    narrow = VALUES.copy()
    narrow[1:5] = 0.3, -0.2, 0.44, 0.47
    spot = residuals(narrow, AXES, np.zeros((9, 9))).reshape(9, 9)
    rng, noise = np.random.default_rng(5), Noise(400.0, 0.0)
    fits = [
        fit_gaussian_near(spot + rng.normal(0, 20, spot.shape), BOX, [0, 0], narrow[3:5].tolist(), noise=noise)
        for _ in range(1500)
    ]
    found, errors = np.array([fit.sigma for fit in fits]), np.array([fit.sigma_error for fit in fits])
    assert found.mean(axis=0) == pytest.approx(narrow[3:5], rel=0.01)
    scores = (found - narrow[3:5]) / errors
    assert ((scores.std(axis=0) > 0.9) & (scores.std(axis=0) < 1.1)).all()


def test_a_width_a_little_off_is_led_back_by_the_step():
    fit = fit_gaussian_near(SPOT, BOX, [0, 0], [0.92, 0.97], noise=Noise(1e-6, 0.0))
    assert fit.sigma == pytest.approx(VALUES[3:5], rel=0.005)
    assert fit.centre == pytest.approx(VALUES[1:3], abs=0.01)


def test_a_flat_image_is_no_spot():
    with pytest.raises(FitError, match="bead"):
        fit_gaussian_near(np.full((9, 9), 7.0), BOX, [0, 0], [1, 1], noise=Noise(1.0, 0.0))


def test_fits_leave_the_pixels_alone():
    image = _noisy(np.random.default_rng(1)).astype(float)
    before = image.copy()
    fit_gaussian(image, BOX, [0, 0], [2, 2], noise=Noise(1000.0, 10.0), unbiased=True)
    fit_gaussian_near(image, BOX, [0, 0], [1, 1], noise=Noise(1000.0, 10.0))
    np.testing.assert_array_equal(image, before)
