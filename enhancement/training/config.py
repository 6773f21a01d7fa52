"""The settings of a training run; importable without torch."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Self

from common.errors import InputError

Precision = Literal["auto", "fp32", "bf16"]
Schedule = Literal["constant_linear", "cosine", "plateau"]


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Everything a training run depends on besides its pairs.

    Attributes
    ----------
    architecture : str
        Id in the catalogue of networks.
    generator, discriminator : dict
        Hyper-parameters that replace the catalogue's defaults.
    epochs : int
        Planned number of epochs.
    steps_per_epoch : int or None
        Optimisation steps per epoch; None covers the area of the training fields once.
    batch : int
        Patches per step.
    patch_px : int
        Side of a square patch [px].
    learning_rate : float
        Step size of the optimiser at the start.
    schedule : str
        "constant_linear" (reference: constant for half of the epochs, then linearly to 0), "cosine" or "plateau".
    patience : int or None
        Epochs without a better validation PSNR before stopping; None never stops early.
    adversarial_weight : float
        Weight of the critic in the loss of the residual network; 0 trains without one. Ignored by the reference.
    adversarial_from : float
        Fraction of the run after which the critic joins in.
    sobel_weight, ssim_weight : float
        Weights of edges and structure beside the absolute difference. Ignored by the reference.
    seed : int
        Seed of weights, patches, augmentation and split.
    precision : str
        "auto" takes bfloat16 where the processor computes it natively (AMX or AVX-512 BF16, or a GPU), else float32.
    channels_last : bool or None
        Memory order of the features; None decides with the precision.
    threads : int or None
        Processor threads of torch; None leaves torch's own choice.
    max_seconds : float or None
        Time budget [s]. The learning rate then follows the larger of work done and time used, so that a run that ends by its
        budget has still been annealed; such a run is not repeatable bit for bit.
    split : (float, float, float)
        Fractions of fields for training, validation and test.
    """

    architecture: str = "residual_unet_gan"
    generator: dict[str, Any] = field(default_factory=dict)
    discriminator: dict[str, Any] = field(default_factory=dict)
    epochs: int = 60
    steps_per_epoch: int | None = None
    batch: int = 8
    patch_px: int = 128
    learning_rate: float = 1e-3
    schedule: Schedule = "cosine"
    patience: int | None = 15
    adversarial_weight: float = 0.005
    adversarial_from: float = 0.5
    sobel_weight: float = 0.1
    ssim_weight: float = 0.1
    seed: int = 0
    precision: Precision = "auto"
    channels_last: bool | None = None
    threads: int | None = None
    max_seconds: float | None = None
    split: tuple[float, float, float] = (0.7, 0.15, 0.15)

    def __post_init__(self) -> None:
        """Refuse settings that cannot be trained with."""
        positive = (
            "epochs",
            "batch",
            "patch_px",
            "learning_rate",
            "steps_per_epoch",
            "patience",
            "threads",
            "max_seconds",
        )
        for name in positive:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise InputError(
                    f"The training setting {name} is {value}.",
                    hint="Give a number above zero.",
                    setting=name,
                    value=value,
                )

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """Return one of the named settings, with changes.

        Parameters
        ----------
        name : str
            "quick" (minutes on two cores), "standard" (about an hour on two cores) or "reference" (Pix2Pix as published).
        **changes
            Settings to replace.

        Returns
        -------
        TrainingConfig
            The settings.

        Raises
        ------
        InputError
            If no preset has this name, or a setting is not a positive number.
        """
        if name not in PRESETS:
            raise InputError(
                f"No training preset is called {name!r}.", hint=f"Choose one of {', '.join(PRESETS)}.", preset=name
            )
        return replace(cls(), **{**PRESETS[name], **changes})

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-serialisable values, to be stored with the run."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {**values, "split": list(self.split)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the settings that `as_dict` wrote.

        Parameters
        ----------
        values : dict
            Stored settings.

        Returns
        -------
        TrainingConfig
            The same settings.
        """
        train, validation, test = values["split"]
        return cls(**{**values, "split": (float(train), float(validation), float(test))})


PRESETS: dict[str, dict[str, Any]] = {
    "quick": {
        "generator": {"filters": 24, "levels": 2, "entry_stride": 2},
        "discriminator": {"filters": 16},
        "epochs": 40,
        "steps_per_epoch": 60,
        "batch": 4,
        "patch_px": 64,
        "learning_rate": 2e-3,
        "max_seconds": 210.0,
        "patience": None,
        "adversarial_weight": 0.001,
        "adversarial_from": 0.9,
    },
    "standard": {
        "epochs": 100,
        "steps_per_epoch": 50,
        "max_seconds": 3600.0,
        "patience": 30,
    },
    "reference": {
        "architecture": "pix2pix_reference",
        "epochs": 200,
        "batch": 1,
        "patch_px": 256,
        "learning_rate": 2e-4,
        "schedule": "constant_linear",
        "patience": None,
    },
}
