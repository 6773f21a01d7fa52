"""Pairs of planes, checked, and split by field so that no field teaches and examines at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from common.errors import TrainingDataError
from enhancement.training.augment import SYMMETRIES, apply_symmetry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MINIMUM_FIELDS = 3


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """One field of view seen twice: as the flagged instrument sees it, and as it should be."""

    field_id: str
    raw: NDArray
    """(Y, X) plane of the flagged instrument [counts]."""
    target: NDArray
    """(Y, X) plane to be reached, registered to `raw` [counts]."""


@dataclass(frozen=True, slots=True)
class Split:
    """Which fields teach, which decide when to stop, and which judge."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def as_dict(self) -> dict[str, list[str]]:
        """Return the three lists of field ids by name."""
        return {"train": list(self.train), "validation": list(self.validation), "test": list(self.test)}


def split_fields(
    field_ids: Sequence[str], *, fractions: tuple[float, float, float] = (0.7, 0.15, 0.15), seed: int = 0
) -> Split:
    """Divide fields into training, validation and test; a field is never in two parts.

    Parameters
    ----------
    field_ids : sequence of str
        Ids of fields or mosaics; repeated ids (several planes of one field) stay together.
    fractions : (float, float, float)
        Shares of training, validation and test, scaled to sum 1. Each part gets at least one field, and the test at
        least three
        when there are nine or more, because fewer cannot carry a verdict.
    seed : int
        Seed of the shuffle; the order of `field_ids` does not matter.

    Returns
    -------
    Split
        Sorted field ids of each part.

    Raises
    ------
    TrainingDataError
        If there are fewer than three fields.
    """
    unique = sorted(set(field_ids))
    count = len(unique)
    if count < MINIMUM_FIELDS:
        raise TrainingDataError(
            f"{count} field{'s are' if count != 1 else ' is'} too few to train on.",
            hint="Acquire pairs of at least three fields of view: to learn from, to decide when to stop, to judge.",
            fields=count,
        )
    total = sum(fractions)
    test = max(3 if count >= 9 else 1, round(count * fractions[2] / total))
    validation = max(1, round(count * fractions[1] / total))
    test = min(test, count - validation - 1) if count - validation - 1 >= 1 else 1
    validation = min(validation, count - test - 1)
    shuffled = [str(name) for name in np.random.default_rng(seed).permutation(np.array(unique, dtype=object))]
    return Split(
        train=tuple(sorted(shuffled[test + validation :])),
        validation=tuple(sorted(shuffled[test : test + validation])),
        test=tuple(sorted(shuffled[:test])),
    )


def check_pairs(pairs: Sequence[TrainingPair], *, patch_px: int) -> None:
    """Refuse pairs that cannot be trained on, naming the field.

    Parameters
    ----------
    pairs : sequence of TrainingPair
        The pairs.
    patch_px : int
        Side of the patches to be cut [px].

    Raises
    ------
    TrainingDataError
        If there are fewer than three fields, a plane is not (Y, X), the two planes of a pair differ in shape, a
        plane is smaller
        than a patch, holds NaN or infinities, or is constant.
    """
    split_fields([pair.field_id for pair in pairs])
    for pair in pairs:
        _check_shapes(pair, patch_px)
        for name, plane in (("raw", pair.raw), ("target", pair.target)):
            _check_values(pair.field_id, name, plane)


def _check_shapes(pair: TrainingPair, patch_px: int) -> None:
    shapes = {"raw_shape": list(pair.raw.shape), "target_shape": list(pair.target.shape)}
    if pair.raw.ndim != 2 or pair.raw.shape != pair.target.shape:
        raise TrainingDataError(
            f"The raw plane of field {pair.field_id} has shape {pair.raw.shape}, its target {pair.target.shape}.",
            hint="Pair planes (Y, X) of the same field and the same size.",
            field=pair.field_id,
            **shapes,
        )
    if min(pair.raw.shape) < patch_px:
        raise TrainingDataError(
            f"Field {pair.field_id} of {pair.raw.shape[0]}×{pair.raw.shape[1]} px is smaller than a patch of {patch_px} px.",
            hint="Choose a smaller patch or larger fields.",
            field=pair.field_id,
            **shapes,
        )


def _check_values(field_id: str, name: str, plane: NDArray) -> None:
    if not np.isfinite(plane).all():
        raise TrainingDataError(
            f"The {name} plane of field {field_id} holds pixels that are not numbers.",
            hint="Acquire the field again, or leave it out.",
            field=field_id,
            plane=name,
        )
    if float(np.min(plane)) == float(np.max(plane)):
        raise TrainingDataError(
            f"The {name} plane of field {field_id} is constant.",
            hint="Leave the field out: there is nothing to learn from it.",
            field=field_id,
            plane=name,
        )


class PatchSampler:
    """Draw batches of random patches, each turned by one of the eight symmetries of the square.

    Parameters
    ----------
    planes : sequence of ((Y, X) array, (Y, X) array)
        Normalised raw and target planes of the training fields.
    patch_px : int
        Side of a patch [px].
    batch : int
        Patches per batch.
    seed : int
        Seed of the draw.
    """

    def __init__(self, planes: Sequence[tuple[NDArray, NDArray]], *, patch_px: int, batch: int, seed: int) -> None:
        self._planes = list(planes)
        self._patch_px = patch_px
        self._batch = batch
        self.generator = np.random.default_rng(seed)
        areas = np.array([raw.size for raw, _ in self._planes], dtype=np.float64)
        self._weights = areas / areas.sum()
        self.steps_per_pass = max(1, int(np.ceil(areas.sum() / (patch_px**2 * batch))))

    def draw(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (N, 1, Y, X) raw and target patches; larger fields are drawn more often."""
        raws, targets = [], []
        size = self._patch_px
        for index in self.generator.choice(len(self._planes), size=self._batch, p=self._weights):
            raw, target = self._planes[index]
            top = int(self.generator.integers(raw.shape[0] - size + 1))
            left = int(self.generator.integers(raw.shape[1] - size + 1))
            symmetry = int(self.generator.integers(SYMMETRIES))
            window = (slice(top, top + size), slice(left, left + size))
            raws.append(apply_symmetry(raw[window], symmetry))
            targets.append(apply_symmetry(target[window], symmetry))
        return np.stack(raws)[:, None].astype(np.float32), np.stack(targets)[:, None].astype(np.float32)
