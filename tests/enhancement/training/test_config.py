from __future__ import annotations

import json

import pytest

from common.errors import InputError
from enhancement.training.config import PRESETS, TrainingConfig


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_survives_being_stored_as_json(name: str) -> None:
    config = TrainingConfig.preset(name, seed=7)
    assert config.seed == 7
    assert TrainingConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config


def test_the_reference_preset_is_pix2pix_as_published() -> None:
    config = TrainingConfig.preset("reference")
    assert (config.architecture, config.batch, config.patch_px) == ("pix2pix_reference", 1, 256)
    assert (config.learning_rate, config.schedule, config.epochs) == (2e-4, "constant_linear", 200)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="quick, standard, reference"):
        TrainingConfig.preset("overnight")


@pytest.mark.parametrize("setting", ["epochs", "batch", "patch_px", "learning_rate", "max_seconds"])
def test_a_setting_that_is_not_positive_is_refused(setting: str) -> None:
    with pytest.raises(InputError, match=f"setting {setting} is 0"):
        TrainingConfig(**{setting: 0})
