"""How good the generator is on fields it does not learn from, after every epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from enhancement.training.losses import structural_similarity
from enhancement.training.reports import ValidationImage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import nn

    from enhancement.training.dataset import TrainingPair
    from enhancement.training.normalisation import Normalisation

CROP_PX = 256


@dataclass(frozen=True, slots=True)
class ValidationScores:
    """Means over the validation fields."""

    l1: float
    psnr_db: float
    ssim: float
    image: ValidationImage


class Validator:
    """Judge a generator on the middle of each validation field, in float32 and without augmentation.

    Parameters
    ----------
    pairs : sequence of TrainingPair
        The validation fields [counts].
    normalisation : Normalisation
        The data set's scale.
    size_multiple : int
        Sides the generator accepts are multiples of this [px].
    """

    def __init__(self, pairs: Sequence[TrainingPair], *, normalisation: Normalisation, size_multiple: int) -> None:
        self._normalisation = normalisation
        self._multiple = size_multiple
        self._pairs = [(pair.field_id, centre(pair.raw, CROP_PX), centre(pair.target, CROP_PX)) for pair in pairs]

    def validate(self, generator: nn.Module) -> ValidationScores:
        """Return the scores of the generator as it is now.

        Parameters
        ----------
        generator : torch.nn.Module
            The network; its training mode is restored afterwards.

        Returns
        -------
        ValidationScores
            Means over fields, and the first field's images.
        """
        was_training = generator.training
        generator.eval()
        try:
            with torch.no_grad():
                scored = [self._score(generator, raw, target) for _, raw, target in self._pairs]
        finally:
            generator.train(was_training)
        l1, psnr_db, ssim = np.mean([scores for scores, _ in scored], axis=0)
        field_id, raw, target = self._pairs[0]
        image = ValidationImage(
            field_id=field_id,
            raw=np.array(raw, np.float32),
            prediction=self._normalisation.unit_to_target(scored[0][1]),
            target=np.array(target, np.float32),
        )
        return ValidationScores(l1=float(l1), psnr_db=float(psnr_db), ssim=float(ssim), image=image)

    def _score(
        self, generator: nn.Module, raw: NDArray, target: NDArray
    ) -> tuple[tuple[float, float, float], NDArray[np.float32]]:
        device = next(generator.parameters()).device
        truth = torch.from_numpy(self._normalisation.target_to_unit(target))[None, None].to(device)
        image = torch.from_numpy(self._normalisation.raw_to_unit(raw))[None, None].to(device)
        height, width = image.shape[-2:]
        padding = (0, -width % self._multiple, 0, -height % self._multiple)
        mode = "reflect" if max(padding) < min(height, width) else "replicate"
        prediction = generator(functional.pad(image, padding, mode=mode))[..., :height, :width].float()
        data_range = float(truth.max() - truth.min())
        mse = float(functional.mse_loss(prediction, truth))
        psnr_db = 10 * np.log10(data_range**2 / max(mse, np.finfo(np.float64).tiny))
        ssim = float(structural_similarity(prediction, truth, data_range=data_range))
        return (float(functional.l1_loss(prediction, truth)), psnr_db, ssim), prediction[0, 0].cpu().numpy()


def centre(plane: NDArray, size_px: int) -> NDArray:
    """Return the middle of a plane.

    Parameters
    ----------
    plane : (Y, X) array
        Any plane.
    size_px : int
        Largest side of what is returned [px].

    Returns
    -------
    (Y, X) array
        A view, at most `size_px` on each side.
    """
    top, left = (max(0, (side - size_px) // 2) for side in plane.shape)
    return plane[top : top + size_px, left : left + size_px]
