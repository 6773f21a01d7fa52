from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from enhancement.training.config import TrainingConfig
from enhancement.training.devices import make_fabric
from enhancement.training.losses import adversarial_loss
from enhancement.training.objectives import ReferencePix2Pix, ResidualAdversarial

REFERENCE = TrainingConfig.preset("reference", generator={"filters": 2, "dropout": False}, discriminator={"filters": 2})
RESIDUAL = TrainingConfig(
    generator={"filters": 4, "levels": 1, "smoothing_px": 0.0}, discriminator={"filters": 2}, adversarial_from=0.5
)


def _batch(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(1, 1, size, size, generator=generator) * 2 - 1
    return target + 0.3 * torch.randn(target.shape, generator=generator), target


def test_one_reference_step_is_the_published_one_on_the_same_fake() -> None:
    torch.manual_seed(0)
    objective = ReferencePix2Pix(make_fabric("fp32"), REFERENCE)
    generator, critic = (copy.deepcopy(objective.modules[name].module) for name in ("generator", "critic"))
    raw, target = _batch(256)
    losses = objective.step(raw, target, progress=0.0)

    # The published step written out with plain torch.
    adam_critic = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
    adam_generator = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    fake = generator(raw)
    on_fake = adversarial_loss(critic(torch.cat([raw, fake.detach()], 1)), real=False)
    on_real = adversarial_loss(critic(torch.cat([raw, target], 1)), real=True)
    ((on_fake + on_real) * 0.5).backward()
    adam_critic.step()
    doubt = adversarial_loss(critic(torch.cat([raw, fake], 1)), real=True)
    (doubt + 100 * (fake - target).abs().mean()).backward()
    adam_generator.step()

    assert losses["critic"] == pytest.approx(0.5 * (on_fake + on_real).item(), rel=1e-5)
    assert losses["adversarial"] == pytest.approx(doubt.item(), rel=1e-5)
    for ours, published in (("generator", generator), ("critic", critic)):
        for mine, theirs in zip(objective.modules[ours].parameters(), published.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


def test_the_critic_does_not_move_before_its_time_and_moves_after() -> None:
    torch.manual_seed(0)
    objective = ResidualAdversarial(make_fabric("fp32"), RESIDUAL)
    raw, target = _batch(64)
    before = [parameter.detach().clone() for parameter in objective.modules["critic"].parameters()]
    assert "critic" not in objective.step(raw, target, progress=0.49)
    still = list(objective.modules["critic"].parameters())
    assert all(torch.equal(old, new.detach()) for old, new in zip(before, still, strict=True))
    assert {"critic", "adversarial"} <= set(objective.step(raw, target, progress=0.5))
    moved = list(objective.modules["critic"].parameters())
    assert not all(torch.equal(old, new.detach()) for old, new in zip(before, moved, strict=True))


def test_the_generators_loss_is_the_weighted_sum_of_its_terms() -> None:
    torch.manual_seed(0)
    config = replace(RESIDUAL, sobel_weight=0.3, ssim_weight=0.2, adversarial_weight=0.05)
    losses = ResidualAdversarial(make_fabric("fp32"), config).step(*_batch(64), progress=1.0)
    expected = losses["l1"] + 0.3 * losses["sobel"] + 0.2 * losses["ssim"] + 0.05 * losses["adversarial"]
    assert losses["generator"] == pytest.approx(expected, rel=1e-5)


def test_terms_without_weight_are_not_computed() -> None:
    config = replace(RESIDUAL, sobel_weight=0, ssim_weight=0, adversarial_weight=0)
    assert set(ResidualAdversarial(make_fabric("fp32"), config).step(*_batch(64), progress=1.0)) == {"generator", "l1"}
