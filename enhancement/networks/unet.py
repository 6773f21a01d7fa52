"""The two generators: the reference U-Net-256 of Pix2Pix, and a residual U-Net made for 16-bit fluorescence."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from enhancement.networks.blocks import ConvBlock, GaussianBlur, Upsample, init_rectified, init_reference


class _SkipLevel(nn.Module):
    """One level of the reference U-Net: down, everything deeper, up; its input is concatenated to its output."""

    def __init__(self, channels_outer: int, channels_inner: int, *, deeper: nn.Module | None, dropout: bool) -> None:
        super().__init__()
        down: list[nn.Module] = [
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels_outer, channels_inner, 4, stride=2, padding=1, bias=False),
        ]
        if deeper is not None:
            down += [nn.BatchNorm2d(channels_inner), deeper]
        channels_up = channels_inner if deeper is None else 2 * channels_inner
        up: list[nn.Module] = [
            nn.ReLU(),
            nn.ConvTranspose2d(channels_up, channels_outer, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(channels_outer),
        ]
        if dropout:
            up.append(nn.Dropout(0.5))
        self.path = nn.Sequential(*down, *up)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.cat([features, self.path(features)], dim=1)


class ReferenceUNet256(nn.Module):
    """The U-Net-256 generator of Pix2Pix, layer for layer: 54.41 million parameters for one channel in and out.

    Eight levels halve a 256×256 patch to 1×1 and double it again, each joined to its mirror by concatenation; the
    output is a
    tanh, so data live in [−1, 1].

    Parameters
    ----------
    channels_in, channels_out : int
        Image channels.
    filters : int
        Features of the outermost level.
    dropout : bool
        Dropout of 0.5 on the three inner 512-channel blocks.

    References
    ----------
    Isola et al. 2017, CVPR; junyanz/pytorch-CycleGAN-and-pix2pix, `unet_256`, batch norm.
    """

    size_multiple = 256

    def __init__(self, channels_in: int = 1, channels_out: int = 1, *, filters: int = 64, dropout: bool = True) -> None:
        super().__init__()
        level = _SkipLevel(8 * filters, 8 * filters, deeper=None, dropout=False)
        for _ in range(3):
            level = _SkipLevel(8 * filters, 8 * filters, deeper=level, dropout=dropout)
        for factor in (4, 2, 1):
            level = _SkipLevel(factor * filters, 2 * factor * filters, deeper=level, dropout=False)
        self.path = nn.Sequential(
            nn.Conv2d(channels_in, filters, 4, stride=2, padding=1, bias=False),
            level,
            nn.ReLU(),
            nn.ConvTranspose2d(2 * filters, channels_out, 4, stride=2, padding=1),
            nn.Tanh(),
        )
        init_reference(self)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the restored (N, C, Y, X) image in [−1, 1]; Y and X are multiples of 256."""
        output: torch.Tensor = self.path(image)
        return output


class ResidualUNet(nn.Module):
    """A U-Net that learns what to add to the image: it starts as the identity and keeps the dynamic range.

    The last layer begins at zero and the output is linear, so an untrained network returns its input (or its input
    smoothed by
    a Gaussian, if told so: it then starts level with that filter and spends its time on what the filter cannot do) and
    photometry is not squeezed. Normalisation is per pixel and upsampling by repetition, so that tiles join without seams.

    Parameters
    ----------
    channels : int
        Image channels, in and out.
    filters : int
        Features of the outermost level; twice as many in the second, three times in those below.
    levels : int
        How many times the image is halved inside the U.
    entry_stride : {1, 2}
        With 2, blocks of 2×2 pixels become channels before the U, whose cost falls fourfold; full resolution comes
        back through
        a last stage fed with the image itself.
    smoothing_px : float
        Standard deviation of the Gaussian the network starts from [px]; 0 starts from the image itself.

    References
    ----------
    Ronneberger et al. 2015, MICCAI (U-Net); Zhang et al. 2017, IEEE TIP 26 (residual denoising);
    Zhang et al. 2018, IEEE TIP 27 (FFDNet: pixels to channels).
    """

    def __init__(
        self, channels: int = 1, *, filters: int = 24, levels: int = 3, entry_stride: int = 1, smoothing_px: float = 0.0
    ) -> None:
        super().__init__()
        self.start = GaussianBlur(smoothing_px) if smoothing_px > 0 else nn.Identity()
        self.size_multiple = entry_stride * 2**levels
        self.entry_stride = entry_stride
        widths = [filters * min(level + 1, 3) for level in range(levels + 1)]
        self.entry = ConvBlock(2 * channels * entry_stride**2, filters)
        self.down = nn.ModuleList(ConvBlock(a, b) for a, b in pairwise(widths))
        self.up = nn.ModuleList(Upsample(b, a) for a, b in pairwise(widths))
        self.join = nn.ModuleList(ConvBlock(2 * a, a) for a in widths[:-1])
        self.finish = (
            nn.Identity()
            if entry_stride == 1
            else nn.Sequential(nn.Conv2d(filters, 2 * filters, 3, padding=1), nn.PixelShuffle(2))
        )
        features = filters if entry_stride == 1 else filters // 2 + 2 * channels
        self.last = nn.Conv2d(features, channels, 3, padding=1)
        init_rectified(self)
        nn.init.zeros_(self.last.weight)
        if self.last.bias is not None:
            nn.init.zeros_(self.last.bias)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the restored (N, C, Y, X) image; Y and X are multiples of `size_multiple`."""
        start = self.start(image)
        both = torch.cat([image, start], dim=1)
        features = self.entry(functional.pixel_unshuffle(both, self.entry_stride))
        skips = [features]
        for block in self.down:
            features = block(functional.max_pool2d(features, 2))
            skips.append(features)
        skips.pop()
        for upsample, join in zip(reversed(self.up), reversed(self.join), strict=True):
            features = join(torch.cat([upsample(features), skips.pop()], dim=1))
        if self.entry_stride > 1:
            features = torch.cat([self.finish(features), both], dim=1)
        output: torch.Tensor = start + self.last(features)
        return output
