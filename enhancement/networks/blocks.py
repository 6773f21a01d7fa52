"""Building blocks of the networks made for microscope images: nothing here depends on what else is in a tile."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class ChannelNorm(nn.Module):
    """Normalise each pixel over its channels, so that a tile gives what the whole image would give.

    Batch and instance normalisation use the statistics of the tile: seams appear and photometry is lost. Here every pixel is
    normalised by itself.

    Parameters
    ----------
    channels : int
        Number of feature channels.

    References
    ----------
    Ba, Kiros & Hinton 2016, Layer Normalization, arXiv:1607.06450.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the (N, C, Y, X) features, each pixel with mean 0 and variance 1 over C, then scaled and shifted."""
        last = features.permute(0, 2, 3, 1)
        normed = functional.layer_norm(last, (self.weight.numel(),), self.weight, self.bias)
        return normed.permute(0, 3, 1, 2)


class ConvBlock(nn.Sequential):
    """Two 3×3 convolutions, the first normalised over channels.

    Parameters
    ----------
    channels_in, channels_out : int
        Number of feature channels before and after.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels_out, 3, padding=1),
            ChannelNorm(channels_out),
            nn.LeakyReLU(0.1),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
            nn.LeakyReLU(0.1),
        )


class Upsample(nn.Sequential):
    """Double the size by repeating pixels, then convolve: no chequerboard, unlike a transposed convolution.

    Parameters
    ----------
    channels_in, channels_out : int
        Number of feature channels before and after.

    References
    ----------
    Odena, Dumoulin & Olah 2016, Deconvolution and Checkerboard Artifacts, Distill, doi:10.23915/distill.00003.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(
            nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(channels_in, channels_out, 3, padding=1)
        )


class GaussianBlur(nn.Module):
    """Smooth an image with a fixed Gaussian, edges reflected.

    Parameters
    ----------
    sigma_px : float
        Standard deviation [px]; the kernel is cut at four of them, as scipy does.
    """

    kernel: torch.Tensor

    def __init__(self, sigma_px: float) -> None:
        super().__init__()
        self.radius = int(4 * sigma_px + 0.5)
        offsets = torch.arange(-self.radius, self.radius + 1, dtype=torch.float64)
        profile = torch.exp(-(offsets**2) / (2 * sigma_px**2))
        self.register_buffer("kernel", (profile / profile.sum()).float(), persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the smoothed (N, C, Y, X) image, in float32 whatever the precision around it."""
        channels, radius = image.shape[1], self.radius
        with torch.autocast(image.device.type, enabled=False):
            padded = functional.pad(image.float(), (radius, radius, radius, radius), mode="reflect")
            rows = functional.conv2d(padded, self.kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
            return functional.conv2d(rows, self.kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)


def parameter_count(module: nn.Module) -> int:
    """Return how many numbers training may change in a network.

    Parameters
    ----------
    module : torch.nn.Module
        Any network.

    Returns
    -------
    int
        Number of trainable parameters.
    """
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def init_reference(module: nn.Module) -> None:
    """Draw weights as Pix2Pix does: convolutions from N(0, 0.02), scales of batch norm from N(1, 0.02), biases 0.

    Parameters
    ----------
    module : torch.nn.Module
        A network, changed in place. The numbers come from torch's global generator.

    References
    ----------
    Isola et al. 2017, Image-to-Image Translation with Conditional Adversarial Networks, CVPR, section 6.2.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)


def init_rectified(module: nn.Module) -> None:
    """Draw the weights of convolutions so that leaky rectifiers neither shrink nor swell the signal; biases 0.

    Parameters
    ----------
    module : torch.nn.Module
        A network, changed in place. The numbers come from torch's global generator.

    References
    ----------
    He et al. 2015, Delving Deep into Rectifiers, ICCV.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, a=0.1, nonlinearity="leaky_relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
