"""What a generator is asked to make small: differences, edges, structure, and the critic's doubt."""

from __future__ import annotations

import torch
from torch.nn import functional


def sobel_gradients(image: torch.Tensor) -> torch.Tensor:
    """Return the horizontal and vertical Sobel gradients of an image.

    Parameters
    ----------
    image : (N, 1, Y, X) tensor
        Intensities [any unit].

    Returns
    -------
    (N, 2, Y, X) tensor
        Gradients per pixel, kernels [1 2 1]ᵀ[1 0 −1] not divided by 8, edges reflected.

    References
    ----------
    Sobel & Feldman 1968; the same kernels as the attribute `sharpness`.
    """
    smooth = torch.tensor([1.0, 2.0, 1.0], dtype=image.dtype, device=image.device)
    differ = torch.tensor([1.0, 0.0, -1.0], dtype=image.dtype, device=image.device)
    kernels = torch.stack([torch.outer(smooth, differ), torch.outer(differ, smooth)])[:, None]
    return functional.conv2d(functional.pad(image, (1, 1, 1, 1), mode="reflect"), kernels)


def sobel_loss(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute difference of the Sobel gradients: small when edges lie and rise alike.

    Parameters
    ----------
    prediction, target : (N, 1, Y, X) tensors
        Intensities [same unit].

    Returns
    -------
    scalar tensor
        Mean absolute difference [unit/px].
    """
    return functional.l1_loss(sobel_gradients(prediction), sobel_gradients(target))


def structural_similarity(prediction: torch.Tensor, target: torch.Tensor, *, data_range: float = 1.0) -> torch.Tensor:
    """Return the mean structural similarity of two images, differentiable.

    Parameters
    ----------
    prediction, target : (N, 1, Y, X) tensors
        Intensities [same unit], at least 11×11 px.
    data_range : float
        Dynamic range of the intensities [same unit].

    Returns
    -------
    scalar tensor
        Mean over all pixels whose 11×11 window lies inside the image; 1 for identical images.

    References
    ----------
    Wang et al. 2004, IEEE TIP 13: Gaussian window σ = 1.5 (11×11), K1 = 0.01, K2 = 0.03, population covariance.
    """
    offsets = torch.arange(-5, 6, dtype=prediction.dtype, device=prediction.device)
    profile = torch.exp(-(offsets**2) / (2 * 1.5**2))
    profile = profile / profile.sum()
    stacked = torch.cat([prediction, target, prediction**2, target**2, prediction * target], dim=1)
    channels = stacked.shape[1]
    rows = functional.conv2d(stacked, profile.view(1, 1, 11, 1).expand(channels, 1, 11, 1), groups=channels)
    means = functional.conv2d(rows, profile.view(1, 1, 1, 11).expand(channels, 1, 1, 11), groups=channels)
    mean_p, mean_t, square_p, square_t, product = means.unbind(dim=1)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    covariance = product - mean_p * mean_t
    variances = square_p - mean_p**2 + square_t - mean_t**2
    similarity = (2 * mean_p * mean_t + c1) * (2 * covariance + c2)
    return (similarity / ((mean_p**2 + mean_t**2 + c1) * (variances + c2))).mean()


def adversarial_loss(logits: torch.Tensor, *, real: bool) -> torch.Tensor:
    """Return how far the critic is from calling every patch real (or restored): binary cross-entropy on its logits.

    Parameters
    ----------
    logits : tensor
        The critic's output.
    real : bool
        The answer it should have given.

    Returns
    -------
    scalar tensor
        Mean cross-entropy [nat].

    References
    ----------
    Goodfellow et al. 2014; junyanz/pytorch-CycleGAN-and-pix2pix, `GANLoss("vanilla")`.
    """
    labels = torch.full_like(logits, 1.0 if real else 0.0)
    return functional.binary_cross_entropy_with_logits(logits, labels)
