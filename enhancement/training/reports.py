"""What a training run tells while it runs and when it ends; importable without torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from enhancement.training.dataset import Split
    from enhancement.training.normalisation import Normalisation

StoppedBy = Literal["epochs", "patience", "time", "cancelled"]


@dataclass(frozen=True, slots=True)
class ValidationImage:
    """The middle of one validation field as it is, as the network sees it now, and as it should be."""

    field_id: str
    raw: NDArray[np.float32]
    """(Y, X) [counts of the raw detector]."""
    prediction: NDArray[np.float32]
    """(Y, X) [counts of the target detector]."""
    target: NDArray[np.float32]
    """(Y, X) [counts of the target detector]."""


@dataclass(frozen=True, slots=True)
class EpochReport:
    """One epoch of a training run."""

    epoch: int
    """Counted from 1."""
    epochs_planned: int
    seconds: float
    """Time this epoch took, validation included [s]."""
    elapsed_s: float
    """Time the whole run took so far, over all resumptions [s]."""
    eta_s: float
    """Time expected until the end of the run [s]."""
    learning_rate: float
    train_losses: dict[str, float]
    """Mean of each loss over the epoch's steps, in the network's numbers."""
    validation_losses: dict[str, float]
    validation_psnr_db: float
    """Mean over validation fields; the peak is the range of each target [dB]."""
    validation_ssim: float
    is_best: bool
    image: ValidationImage | None

    def without_image(self) -> Self:
        """Return the same report without pixels, to be kept in a history."""
        return replace(self, image=None)

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON-serialisable values, without the image."""
        return {name: value for name, value in asdict(self.without_image()).items() if name != "image"}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the report that `as_dict` wrote.

        Parameters
        ----------
        values : dict
            Stored figures.

        Returns
        -------
        EpochReport
            The same report, without an image.
        """
        return cls(**values, image=None)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training run leaves behind."""

    weights_path: Path
    """The best generator as safetensors, with everything needed to apply it."""
    weights_sha256: str
    history: tuple[EpochReport, ...]
    best_epoch: int
    """Epoch whose weights were kept; 0 if the run was stopped before its first epoch ended."""
    stopped_by: StoppedBy
    normalisation: Normalisation
    split: Split
    seconds: float
    """Time of the whole run, over all resumptions [s]."""
