from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from enhancement.networks.blocks import ChannelNorm, GaussianBlur, init_rectified, init_reference, parameter_count


def test_channel_norm_gives_every_pixel_mean_0_and_variance_1_over_its_channels() -> None:
    features = torch.randn(2, 16, 5, 7, generator=torch.Generator().manual_seed(0)) * 9 + 4
    normed = ChannelNorm(16)(features)
    assert normed.shape == features.shape
    torch.testing.assert_close(normed.mean(dim=1), torch.zeros(2, 5, 7), atol=1e-5, rtol=0)
    torch.testing.assert_close(normed.var(dim=1, unbiased=False), torch.ones(2, 5, 7), atol=1e-3, rtol=0)


def test_channel_norm_of_a_tile_is_the_tile_of_the_channel_norm() -> None:
    features = torch.randn(1, 8, 16, 16, generator=torch.Generator().manual_seed(1))
    norm = ChannelNorm(8)
    torch.testing.assert_close(norm(features)[..., 4:9, 3:8], norm(features[..., 4:9, 3:8]), atol=0, rtol=0)


@pytest.mark.parametrize("sigma_px", [0.5, 2.0, 3.0])
def test_gaussian_blur_equals_scipys(sigma_px: float) -> None:
    plane = np.random.default_rng(0).normal(size=(40, 33)).astype(np.float32)
    ours = GaussianBlur(sigma_px)(torch.from_numpy(plane)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(ours, ndimage.gaussian_filter(plane, sigma_px, mode="mirror"), atol=1e-5)


def test_parameter_count_leaves_out_frozen_weights() -> None:
    layer = nn.Linear(3, 2)
    assert parameter_count(layer) == 8
    layer.bias.requires_grad_(False)
    assert parameter_count(layer) == 6


def test_reference_weights_have_standard_deviation_0_02() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(64, 64, 4), nn.BatchNorm2d(64))
    init_reference(network)
    assert float(network[0].weight.detach().std()) == pytest.approx(0.02, rel=0.02)
    assert float(network[0].bias.detach().abs().max()) == 0.0
    assert float(network[1].weight.detach().mean()) == pytest.approx(1.0, abs=0.01)


def test_rectified_weights_keep_the_variance_through_a_leaky_layer() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(*(layer for _ in range(6) for layer in (nn.Conv2d(64, 64, 1), nn.LeakyReLU(0.1))))
    init_rectified(network)
    power = float(network(torch.randn(1, 64, 32, 32)).detach().pow(2).mean())
    assert 0.4 < power < 1.6  # mean square 1·½·(1 + 0.1²)·2/(1 + 0.1²) = 1 after every layer
