from __future__ import annotations

import subprocess
import sys

import pytest

from common.errors import NotFoundError
from enhancement.networks.blocks import parameter_count
from enhancement.networks.catalogue import (
    ARCHITECTURES,
    architecture,
    build_discriminator,
    build_generator,
    load_object,
)


def test_listing_networks_and_settings_does_not_import_torch() -> None:
    code = (
        "import sys, enhancement.networks.catalogue, enhancement.training.config, enhancement.training.reports;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_declared_name_and_hyperparameter_exists(name: str) -> None:
    entry = architecture(name)
    small = {"filters": 2}
    assert parameter_count(build_generator(name, **small)) > 0
    assert parameter_count(build_discriminator(name, **small)) > 0
    assert callable(load_object(entry.objective))
    assert {choice.name for choice in entry.hyperparameters} == set(entry.generator_defaults)
    assert all(entry.generator_defaults[choice.name] == choice.default for choice in entry.hyperparameters)


def test_defaults_of_the_declaration_can_be_replaced() -> None:
    wide, narrow = build_generator("residual_unet_gan"), build_generator("residual_unet_gan", filters=8)
    assert parameter_count(wide) > 5 * parameter_count(narrow)


def test_unknown_network_is_refused_with_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="pix2pix_reference, residual_unet_gan"):
        architecture("resnet_1000")
