from __future__ import annotations

import pytest
import torch
from torch import nn

from enhancement.networks.blocks import parameter_count
from enhancement.networks.unet import ReferenceUNet256, ResidualUNet


def test_reference_generator_has_54_407_809_parameters() -> None:
    # Recipe: 64-filter U-Net of 8 levels, 1 → 1 channel; weights of 4×4 convolutions plus batch norm, bias only in the last.
    down = 16 * (1 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 4 * 512 * 512)
    up = 16 * (512 * 512 + 3 * 1024 * 512 + 1024 * 256 + 512 * 128 + 256 * 64 + 128 * 1) + 1
    norm = 2 * (128 + 256 + 512 + 3 * 512) + 2 * (4 * 512 + 256 + 128 + 64)
    assert down + up + norm == 54_407_809
    assert parameter_count(ReferenceUNet256()) == 54_407_809


def test_reference_generator_has_batch_norm_everywhere_but_outermost_down_and_innermost() -> None:
    network = ReferenceUNet256(filters=2)
    kinds = [type(layer) for layer in network.modules()]
    assert kinds.count(nn.Conv2d) == 8
    assert kinds.count(nn.ConvTranspose2d) == 8
    assert kinds.count(nn.BatchNorm2d) == 6 + 7
    assert kinds.count(nn.Dropout) == 3
    assert kinds[-1] is nn.Tanh


def test_reference_generator_returns_a_patch_of_the_same_size_within_tanh() -> None:
    torch.manual_seed(0)
    network = ReferenceUNet256(filters=2).eval()
    with torch.no_grad():
        output = network(100 * torch.randn(1, 1, 256, 256))
    assert output.shape == (1, 1, 256, 256)
    assert float(output.abs().max()) <= 1.0


@pytest.mark.parametrize("entry_stride", [1, 2])
def test_untrained_residual_network_returns_its_input(entry_stride: int) -> None:
    image = torch.randn(2, 1, 32, 48) * 1000
    network = ResidualUNet(filters=4, levels=2, entry_stride=entry_stride)
    torch.testing.assert_close(network(image), image, atol=0, rtol=0)


def test_untrained_residual_network_told_to_smooth_returns_its_input_smoothed() -> None:
    network = ResidualUNet(filters=4, levels=1, smoothing_px=1.5)
    image = torch.randn(1, 1, 32, 32)
    torch.testing.assert_close(network(image), network.start(image), atol=0, rtol=0)
    assert float(network(image).detach().std()) < 0.5 * float(image.std())


def test_residual_network_has_half_a_million_parameters() -> None:
    assert 450_000 < parameter_count(ResidualUNet()) < 550_000


@pytest.mark.parametrize("entry_stride", [1, 2])
def test_every_weight_of_the_residual_network_can_learn(entry_stride: int) -> None:
    torch.manual_seed(0)
    network = ResidualUNet(filters=4, levels=2, entry_stride=entry_stride, smoothing_px=1.0)
    nn.init.normal_(network.last.weight)
    network(torch.randn(1, 1, 32, 32)).pow(2).mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())


@pytest.mark.parametrize("entry_stride", [1, 2])
def test_a_pixel_far_away_does_not_change_the_output_because_nothing_is_pooled_over_the_tile(entry_stride: int) -> None:
    torch.manual_seed(0)
    network = ResidualUNet(filters=4, levels=1, entry_stride=entry_stride)
    nn.init.normal_(network.last.weight)
    image = torch.randn(1, 1, 128, 128)
    changed = image.clone()
    changed[..., 120:, 120:] += 50
    with torch.no_grad():
        torch.testing.assert_close(network(image)[..., :64, :64], network(changed)[..., :64, :64], atol=1e-6, rtol=0)
