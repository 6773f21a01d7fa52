"""The critic that judges patches instead of whole images."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import parametrizations

from enhancement.networks.blocks import init_reference


class PatchGAN(nn.Module):
    """Say of every 70×70 patch of an image pair whether it looks acquired (high) or restored (low).

    Parameters
    ----------
    channels_in : int
        Channels of the pair: the raw image and the image to judge, concatenated.
    filters : int
        Features of the first layer; 64 is the reference.
    spectral : bool
        Spectral normalisation instead of batch normalisation: a critic that stays Lipschitz does not run away from a small
        generator.

    References
    ----------
    Isola et al. 2017, CVPR (70×70 PatchGAN, 2 764 609 parameters for two channels);
    Miyato et al. 2018, ICLR (spectral normalisation).
    """

    def __init__(self, channels_in: int = 2, *, filters: int = 64, spectral: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels_in, filters, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for factor, stride in ((1, 2), (2, 2), (4, 1)):
            before, after = factor * filters, 2 * factor * filters
            layers.append(nn.Conv2d(before, after, 4, stride=stride, padding=1, bias=spectral))
            if not spectral:
                layers.append(nn.BatchNorm2d(after))
            layers.append(nn.LeakyReLU(0.2))
        layers.append(nn.Conv2d(8 * filters, 1, 4, stride=1, padding=1))
        self.path = nn.Sequential(*layers)
        init_reference(self)
        if spectral:
            for layer in self.path:
                if isinstance(layer, nn.Conv2d):
                    parametrizations.spectral_norm(layer)

    def forward(self, pair: torch.Tensor) -> torch.Tensor:
        """Return one logit per patch, (N, 1, Y/8 − 2, X/8 − 2), of an (N, C, Y, X) pair."""
        output: torch.Tensor = self.path(pair)
        return output
