from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.metrics import structural_similarity as skimage_ssim

from enhancement.training.losses import adversarial_loss, sobel_gradients, sobel_loss, structural_similarity


def _images(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    first = torch.rand(1, 1, 40, 36, generator=generator)
    return first, (first + 0.2 * torch.randn(first.shape, generator=generator))


def test_sobel_gradients_equal_scipys() -> None:
    image, _ = _images()
    plane = image[0, 0].numpy()
    gradients = sobel_gradients(image)[0].numpy()
    np.testing.assert_allclose(np.abs(gradients[0]), np.abs(ndimage.sobel(plane, axis=1, mode="mirror")), atol=1e-5)
    np.testing.assert_allclose(np.abs(gradients[1]), np.abs(ndimage.sobel(plane, axis=0, mode="mirror")), atol=1e-5)


def test_sobel_loss_sees_edges_and_not_brightness() -> None:
    image, other = _images()
    assert float(sobel_loss(image, image + 5)) == pytest.approx(0, abs=1e-5)
    assert float(sobel_loss(image, other)) > 0.1


def test_structural_similarity_equals_scikit_images() -> None:
    image, other = _images()
    first, second = image[0, 0].double().numpy(), other[0, 0].double().numpy()
    _, full = skimage_ssim(
        first, second, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.0, full=True
    )
    expected = full[5:-5, 5:-5].mean()
    assert float(structural_similarity(image.double(), other.double())) == pytest.approx(expected, rel=1e-9)


def test_structural_similarity_of_identical_images_is_one() -> None:
    image, _ = _images()
    assert float(structural_similarity(image, image)) == pytest.approx(1.0, abs=1e-5)


def test_an_undecided_critic_costs_log_2_either_way() -> None:
    logits = torch.zeros(2, 1, 3, 3)
    assert float(adversarial_loss(logits, real=True)) == pytest.approx(math.log(2))
    assert float(adversarial_loss(logits, real=False)) == pytest.approx(math.log(2))


def test_a_critic_that_is_right_costs_less_than_one_that_is_wrong() -> None:
    logits = torch.full((1, 1, 2, 2), 3.0)
    assert float(adversarial_loss(logits, real=True)) == pytest.approx(math.log1p(math.exp(-3)))
    assert float(adversarial_loss(logits, real=False)) == pytest.approx(math.log1p(math.exp(3)))
