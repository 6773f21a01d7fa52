from __future__ import annotations

import torch

from enhancement.networks.blocks import parameter_count
from enhancement.networks.patchgan import PatchGAN


def test_reference_critic_has_2_764_609_parameters() -> None:
    assert parameter_count(PatchGAN()) == 2_764_609


def test_critic_gives_30_by_30_answers_for_a_patch_of_256() -> None:
    assert PatchGAN(filters=2)(torch.zeros(1, 2, 256, 256)).shape == (1, 1, 30, 30)


def test_each_answer_of_the_critic_sees_70_by_70_pixels() -> None:
    torch.manual_seed(0)
    critic = PatchGAN(filters=4).eval()
    pair = torch.randn(1, 2, 256, 256, requires_grad=True)
    critic(pair)[0, 0, 15, 15].backward()
    seen = pair.grad.abs().sum(dim=(0, 1)) > 0
    rows, columns = torch.nonzero(seen.any(dim=1)).flatten(), torch.nonzero(seen.any(dim=0)).flatten()
    assert int(rows.max() - rows.min()) + 1 == 70
    assert int(columns.max() - columns.min()) + 1 == 70


def test_spectral_critic_has_layers_of_spectral_norm_one_and_no_batch_norm() -> None:
    torch.manual_seed(0)
    critic = PatchGAN(filters=2, spectral=True)
    for _ in range(60):  # the power iteration converges over training steps
        critic(torch.randn(1, 2, 64, 64))
    critic.eval()
    norms = [
        float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2))
        for layer in critic.path
        if isinstance(layer, torch.nn.Conv2d)
    ]
    assert len(norms) == 5
    assert all(abs(norm - 1) < 0.05 for norm in norms)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in critic.modules())
