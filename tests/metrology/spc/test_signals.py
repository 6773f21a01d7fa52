from __future__ import annotations

import numpy as np

from metrology.spc.signals import excursions


def test_noise_round_a_limit_is_one_excursion_until_it_falls_to_the_release_level():
    level = np.array([0.2, 1.1, 0.9, 1.2, 0.4, 1.3, np.nan, 1.4])
    assert excursions(level, release=0.5, starts=[0]) == ([1, 5], True)
    assert excursions(level, release=1.0, starts=[0]) == ([1, 3, 5], True)


def test_a_new_epoch_ends_every_excursion():
    assert excursions(np.array([2.0, 2.0, 2.0, 0.0]), release=0.5, starts=[0, 2]) == ([0, 2], False)
    assert excursions(np.array([2.0, np.nan]), release=0.5, starts=[0, 1]) == ([0], False)
