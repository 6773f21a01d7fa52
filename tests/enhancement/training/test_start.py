from __future__ import annotations

import numpy as np
from scipy import ndimage

from enhancement.training.config import TrainingConfig
from enhancement.training.dataset import TrainingPair
from enhancement.training.start import starting_hyperparameters


def _noisy_pair() -> TrainingPair:
    generator = np.random.default_rng(0)
    target = 1000 * ndimage.gaussian_filter(generator.normal(size=(64, 64)), 3)
    return TrainingPair("a", target + generator.normal(0, 60, size=target.shape), target)


def test_the_noisier_the_raw_planes_the_wider_the_gaussian_to_start_from() -> None:
    pair = _noisy_pair()
    noisy = starting_hyperparameters([pair], TrainingConfig())["smoothing_px"]
    clean = starting_hyperparameters([TrainingPair("a", pair.target, pair.target)], TrainingConfig())["smoothing_px"]
    assert clean == 0.5
    assert noisy >= 1.5


def test_a_chosen_smoothing_is_kept_and_the_reference_has_none() -> None:
    chosen = starting_hyperparameters([_noisy_pair()], TrainingConfig(generator={"smoothing_px": 0.0}))
    assert chosen == {"smoothing_px": 0.0}
    assert starting_hyperparameters([_noisy_pair()], TrainingConfig.preset("reference")) == {}
