"""How a generator and its critic take one step together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch
from torch.nn import functional

from enhancement.networks.catalogue import build_discriminator, build_generator
from enhancement.training.losses import adversarial_loss, sobel_loss, structural_similarity

if TYPE_CHECKING:
    from lightning.fabric import Fabric
    from torch import nn

    from enhancement.training.config import TrainingConfig

CRITIC_LEARNING_RATE = 2e-4


class Objective(Protocol):
    """What the training loop needs of a way to train."""

    generator: nn.Module
    modules: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]
    scheduled: tuple[str, ...]
    """Optimisers whose learning rate follows the schedule; the others keep theirs."""

    def step(self, raw: torch.Tensor, target: torch.Tensor, *, progress: float) -> dict[str, float]:
        """Take one optimisation step on a batch and return its losses by name."""
        ...


class ReferencePix2Pix:
    """Pix2Pix as published: the critic steps, then the generator, on the same restored batch.

    loss_D = ½ (BCE(D(A, G(A)), 0) + BCE(D(A, B), 1)); loss_G = BCE(D(A, G(A)), 1) + 100 · L1; Adam 2e-4, betas (0.5, 0.999).

    Parameters
    ----------
    fabric : Fabric
        Device and precision.
    config : TrainingConfig
        Settings of the run.

    References
    ----------
    Isola et al. 2017, CVPR; junyanz/pytorch-CycleGAN-and-pix2pix, `Pix2PixModel.optimize_parameters`.
    """

    l1_weight = 100.0
    scheduled = ("generator", "critic")

    def __init__(self, fabric: Fabric, config: TrainingConfig) -> None:
        self._fabric = fabric
        generator = build_generator(config.architecture, **config.generator)
        critic = build_discriminator(config.architecture, **config.discriminator)
        adam_generator = torch.optim.Adam(generator.parameters(), lr=config.learning_rate, betas=(0.5, 0.999))
        adam_critic = torch.optim.Adam(critic.parameters(), lr=config.learning_rate, betas=(0.5, 0.999))
        self.generator, self._adam_generator = fabric.setup(generator, adam_generator)
        self._critic, self._adam_critic = fabric.setup(critic, adam_critic)
        self.modules = {"generator": self.generator, "critic": self._critic}
        self.optimisers = {"generator": self._adam_generator, "critic": self._adam_critic}

    def step(self, raw: torch.Tensor, target: torch.Tensor, *, progress: float) -> dict[str, float]:  # noqa: ARG002 - same all along
        """Take one optimisation step on a batch and return its losses by name."""
        fake = self.generator(raw)
        loss_critic = critic_step(self._fabric, self._critic, self._adam_critic, raw=raw, fake=fake, target=target)
        self._critic.requires_grad_(requires_grad=False)
        adversarial = adversarial_loss(self._critic(torch.cat([raw, fake], dim=1)), real=True)
        l1 = functional.l1_loss(fake, target)
        total = adversarial + self.l1_weight * l1
        self._adam_generator.zero_grad()
        self._fabric.backward(total)
        self._adam_generator.step()
        return {
            "generator": total.item(),
            "l1": l1.item(),
            "adversarial": adversarial.item(),
            "critic": loss_critic,
        }


class ResidualAdversarial:
    """Differences, edges and structure first; the critic joins late and with a small voice.

    Until `adversarial_from` of the run the loss is L1 + Sobel + (1 − SSIM), so that a run stopped early is still a usable
    model; from then on the critic learns and its doubt is added.

    Parameters
    ----------
    fabric : Fabric
        Device and precision.
    config : TrainingConfig
        Settings of the run.

    References
    ----------
    Zhao et al. 2017, IEEE Trans. Comput. Imaging 3 (L1 and structure mixed); Isola et al. 2017, CVPR (critic).
    """

    scheduled = ("generator",)  # a critic that starts late would otherwise never learn

    def __init__(self, fabric: Fabric, config: TrainingConfig) -> None:
        self._fabric = fabric
        self._config = config
        generator = build_generator(config.architecture, **config.generator)
        critic = build_discriminator(config.architecture, **config.discriminator)
        adamw = torch.optim.AdamW(generator.parameters(), lr=config.learning_rate, weight_decay=1e-4)
        adam_critic = torch.optim.Adam(critic.parameters(), lr=CRITIC_LEARNING_RATE, betas=(0.5, 0.999))
        self.generator, self._adamw = fabric.setup(generator, adamw)
        self._critic, self._adam_critic = fabric.setup(critic, adam_critic)
        self.modules = {"generator": self.generator, "critic": self._critic}
        self.optimisers = {"generator": self._adamw, "critic": self._adam_critic}

    def step(self, raw: torch.Tensor, target: torch.Tensor, *, progress: float) -> dict[str, float]:
        """Take one optimisation step on a batch and return its losses by name."""
        config = self._config
        fake = self.generator(raw)
        terms = {"l1": functional.l1_loss(fake, target)}
        total = terms["l1"]
        if config.sobel_weight:
            terms["sobel"] = sobel_loss(fake, target)
            total = total + config.sobel_weight * terms["sobel"]
        if config.ssim_weight:
            terms["ssim"] = 1 - structural_similarity(fake, target)
            total = total + config.ssim_weight * terms["ssim"]
        losses = {}
        if config.adversarial_weight and progress >= config.adversarial_from:
            losses["critic"] = critic_step(
                self._fabric, self._critic, self._adam_critic, raw=raw, fake=fake, target=target
            )
            self._critic.requires_grad_(requires_grad=False)
            terms["adversarial"] = adversarial_loss(self._critic(torch.cat([raw, fake], dim=1)), real=True)
            total = total + config.adversarial_weight * terms["adversarial"]
        self._adamw.zero_grad()
        self._fabric.backward(total)
        self._fabric.clip_gradients(
            self.generator,
            self._adamw,
            max_norm=1.0,
            error_if_nonfinite=False,  # the loop refuses losses that are no numbers
        )
        self._adamw.step()
        return {"generator": total.item(), **{name: term.item() for name, term in terms.items()}, **losses}


def critic_step(
    fabric: Fabric,
    critic: nn.Module,
    optimiser: torch.optim.Optimizer,
    *,
    raw: torch.Tensor,
    fake: torch.Tensor,
    target: torch.Tensor,
) -> float:
    """Teach the critic to tell acquired from restored, without touching the generator.

    Parameters
    ----------
    fabric : Fabric
        Device and precision.
    critic : torch.nn.Module
        The critic, changed in place.
    optimiser : torch.optim.Optimizer
        Its optimiser.
    raw, fake, target : (N, 1, Y, X) tensors
        The degraded, the restored and the acquired good image.

    Returns
    -------
    float
        ½ (BCE(D(raw, fake), 0) + BCE(D(raw, target), 1)) before the step [nat].

    References
    ----------
    Isola et al. 2017, CVPR, section 3.3: the objective is halved to slow the critic.
    """
    critic.requires_grad_(requires_grad=True)
    optimiser.zero_grad()
    on_fake = adversarial_loss(critic(torch.cat([raw, fake.detach()], dim=1)), real=False)
    on_real = adversarial_loss(critic(torch.cat([raw, target], dim=1)), real=True)
    loss = 0.5 * (on_fake + on_real)
    fabric.backward(loss)
    optimiser.step()
    return float(loss.item())
