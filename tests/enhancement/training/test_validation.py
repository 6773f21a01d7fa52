from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from enhancement.training.dataset import TrainingPair
from enhancement.training.normalisation import Normalisation
from enhancement.training.validation import Validator, centre

UNIT = Normalisation(offset=0, scale=100, slope=1, intercept=0)


def test_validation_scores_an_identity_network_by_the_noise_alone() -> None:
    generator = np.random.default_rng(0)
    target = generator.uniform(0, 100, size=(50, 61))
    noise = generator.normal(0, 10, size=target.shape)
    network = nn.Conv2d(1, 1, 1)
    nn.init.ones_(network.weight)
    nn.init.zeros_(network.bias)
    validator = Validator([TrainingPair("a", target + noise, target)], normalisation=UNIT, size_multiple=16)
    scores = validator.validate(network)
    expected_db = 10 * np.log10(np.ptp(target) ** 2 / np.mean(noise**2))
    assert scores.psnr_db == pytest.approx(expected_db, abs=1e-3)
    assert scores.l1 == pytest.approx(np.abs(noise).mean() / 100, rel=1e-4)
    assert scores.image.prediction.shape == (50, 61)
    np.testing.assert_allclose(scores.image.prediction, target + noise, atol=1e-3)
    assert network.training


def test_the_centre_of_a_plane_is_its_middle() -> None:
    plane = np.arange(100).reshape(10, 10)
    np.testing.assert_array_equal(centre(plane, 4), plane[3:7, 3:7])
    assert centre(plane, 50).shape == (10, 10)
