"""What can be trained: declarations only, so that the web process may list them without importing torch."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One choice of an architecture: its name, default and what it means."""

    name: str
    default: int | float | bool
    description: str


@dataclass(frozen=True, slots=True)
class Architecture:
    """A generator, its critic and the way they are trained, by dotted names."""

    id: str
    name: str
    description: str
    generator: str
    discriminator: str
    objective: str
    generator_defaults: Mapping[str, Any]
    discriminator_defaults: Mapping[str, Any]
    hyperparameters: tuple[Hyperparameter, ...]
    bounded_output: bool
    """Whether the generator ends in a tanh, so that data must lie in [−1, 1]."""


PIX2PIX_REFERENCE = Architecture(
    id="pix2pix_reference",
    name="Pix2Pix (reference)",
    description=(
        "The conditional adversarial network of the founding report, layer for layer: U-Net-256 generator with 54 million "
        "parameters and a 70×70 PatchGAN. Large and slow on a CPU; the yardstick for the others."
    ),
    generator="enhancement.networks.unet.ReferenceUNet256",
    discriminator="enhancement.networks.patchgan.PatchGAN",
    objective="enhancement.training.objectives.ReferencePix2Pix",
    generator_defaults={"filters": 64, "dropout": True},
    discriminator_defaults={"filters": 64},
    hyperparameters=(
        Hyperparameter("filters", 64, "Features of the outermost level of the generator."),
        Hyperparameter("dropout", True, "Dropout of 0.5 in the three inner blocks."),  # noqa: FBT003 - a value, not a flag
    ),
    bounded_output=True,
)

RESIDUAL_UNET_GAN = Architecture(
    id="residual_unet_gan",
    name="Residual U-Net with PatchGAN",
    description=(
        "A small network that learns what to add to the image: starts as the identity, keeps the photometry, joins tiles "
        "without seams. Learns from absolute differences, edges and structure first, from the critic last, so that a run "
        "stopped early is still a usable model."
    ),
    generator="enhancement.networks.unet.ResidualUNet",
    discriminator="enhancement.networks.patchgan.PatchGAN",
    objective="enhancement.training.objectives.ResidualAdversarial",
    generator_defaults={"filters": 24, "levels": 3, "entry_stride": 1, "smoothing_px": 0.0},
    discriminator_defaults={"filters": 32, "spectral": True},
    hyperparameters=(
        Hyperparameter("filters", 24, "Features of the outermost level."),
        Hyperparameter("levels", 3, "How many times the image is halved inside the network."),
        Hyperparameter(
            "entry_stride", 1, "2 works at half resolution inside: four times faster, slightly less detail."
        ),
        Hyperparameter(
            "smoothing_px", 0.0, "Gaussian the network starts from [px]; tuned on the training fields if not given."
        ),
    ),
    bounded_output=False,
)

ARCHITECTURES: dict[str, Architecture] = {entry.id: entry for entry in (PIX2PIX_REFERENCE, RESIDUAL_UNET_GAN)}


def architecture(architecture_id: str) -> Architecture:
    """Return the declaration of one architecture.

    Parameters
    ----------
    architecture_id : str
        For example "residual_unet_gan".

    Returns
    -------
    Architecture
        The declaration; importing it needs no torch.

    Raises
    ------
    NotFoundError
        If no architecture has this id.
    """
    if architecture_id not in ARCHITECTURES:
        raise NotFoundError(
            f"No network is called {architecture_id!r}.",
            hint=f"Choose one of {', '.join(sorted(ARCHITECTURES))}.",
            architecture=architecture_id,
        )
    return ARCHITECTURES[architecture_id]


def load_object(dotted_name: str) -> Any:
    """Import what a dotted name of a declaration points to.

    Parameters
    ----------
    dotted_name : str
        Module and attribute, for example "enhancement.networks.unet.ResidualUNet".

    Returns
    -------
    object
        The class or function of that name.
    """
    module_name, _, attribute = dotted_name.rpartition(".")
    return getattr(importlib.import_module(module_name), attribute)


def build_generator(architecture_id: str, **hyperparameters: Any) -> nn.Module:
    """Build the generator of an architecture with freshly drawn weights.

    Parameters
    ----------
    architecture_id : str
        Id in the catalogue.
    **hyperparameters
        Replace the defaults of the declaration.

    Returns
    -------
    torch.nn.Module
        The network.

    Raises
    ------
    NotFoundError
        If no architecture has this id.
    """
    entry = architecture(architecture_id)
    network: nn.Module = load_object(entry.generator)(**{**entry.generator_defaults, **hyperparameters})
    return network


def build_discriminator(architecture_id: str, **hyperparameters: Any) -> nn.Module:
    """Build the critic of an architecture with freshly drawn weights.

    Parameters
    ----------
    architecture_id : str
        Id in the catalogue.
    **hyperparameters
        Replace the defaults of the declaration.

    Returns
    -------
    torch.nn.Module
        The network; its input is the raw image and the image to judge, concatenated.

    Raises
    ------
    NotFoundError
        If no architecture has this id.
    """
    entry = architecture(architecture_id)
    network: nn.Module = load_object(entry.discriminator)(**{**entry.discriminator_defaults, **hyperparameters})
    return network
