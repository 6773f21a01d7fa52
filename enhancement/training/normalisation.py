"""One intensity scale for a whole data set, stored with the model and undone on its output."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from common.errors import TrainingDataError
from enhancement.evaluation.scores import affine_fit, block_means

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from enhancement.evaluation.scores import AffineFit


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How counts become numbers of order one, and how the network's numbers become counts of the target again.

    `(raw − offset) / scale` for the raw plane; the target is first put on the raw detector's scale by `slope · target +
    intercept`. Nothing is clipped, and no image is stretched by its own extremes, so photometry survives.
    """

    offset: float
    """Raw counts that become 0 [counts]."""
    scale: float
    """Raw counts per unit of the network's numbers [counts]."""
    slope: float
    """Raw counts per target count."""
    intercept: float
    """Raw counts where the target has none [counts]."""

    def raw_to_unit(self, plane: NDArray) -> NDArray[np.float32]:
        """Return a raw (Y, X) plane [counts] in the network's numbers."""
        return ((np.asarray(plane, np.float32) - np.float32(self.offset)) / np.float32(self.scale)).astype(np.float32)

    def target_to_unit(self, plane: NDArray) -> NDArray[np.float32]:
        """Return a target (Y, X) plane [counts] in the network's numbers."""
        on_raw_scale = np.asarray(plane, np.float32) * np.float32(self.slope) + np.float32(self.intercept)
        return self.raw_to_unit(on_raw_scale)

    def unit_to_target(self, plane: NDArray) -> NDArray[np.float32]:
        """Return the network's output (Y, X) as counts of the target detector."""
        on_raw_scale = np.asarray(plane, np.float32) * np.float32(self.scale) + np.float32(self.offset)
        return ((on_raw_scale - np.float32(self.intercept)) / np.float32(self.slope)).astype(np.float32)

    def unit_spread_to_target(self, spread: NDArray) -> NDArray[np.float32]:
        """Return a (Y, X) standard deviation of outputs as counts of the target detector."""
        return np.asarray(spread, np.float32) * np.float32(self.scale / self.slope)

    def as_dict(self) -> dict[str, float]:
        """Return the four numbers by name, to be stored with the weights."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> Self:
        """Return the normalisation that `as_dict` wrote.

        Parameters
        ----------
        values : mapping
            The four numbers by name.

        Returns
        -------
        Normalisation
            The same normalisation.
        """
        return cls(**{name: float(value) for name, value in values.items()})


def fit_normalisation(raws: Sequence[NDArray], targets: Sequence[NDArray], *, bounded: bool = False) -> Normalisation:
    """Measure the intensity scale of the training fields.

    The raw counts are regressed on the target's, on means over blocks: pixel by pixel the noise of the target would shrink
    the slope, and a network that learned on that scale would restore contrast that is not there.

    Parameters
    ----------
    raws, targets : sequences of (Y, X) arrays
        Pairs of the training fields [counts].
    bounded : bool
        For networks that end in a tanh: the extremes of the data set become −1 and 1. Otherwise the 1st and 99.8th
        percentiles
        of the raw planes become 0 and 1.

    Returns
    -------
    Normalisation
        The data set's scale.

    Raises
    ------
    TrainingDataError
        If raw and target do not rise together, or nearly all raw pixels are equal.
    ConstantImageError
        If the targets are equally bright everywhere.

    References
    ----------
    Percentiles as in Weigert et al. 2018, Nature Methods 15 (CARE), here over the data set instead of each image.
    Noise on the horizontal axis: Fuller 1987, Measurement Error Models.
    """
    raw = np.concatenate([np.asarray(plane, np.float64).ravel() for plane in raws])
    target = np.concatenate([np.asarray(plane, np.float64).ravel() for plane in targets])
    low, high = np.percentile(raw, [1.0, 99.8])
    if high <= low:
        raise TrainingDataError(
            "Nearly all pixels of the raw training planes are equal.",
            hint="Train on fields that show structure.",
            percentile_1=float(low),
        )
    line = _line_of_blocks(raws, targets)
    slope, intercept = line.slope, line.offset
    if slope <= 0:
        raise TrainingDataError(
            "The target does not get brighter where the raw image does.",
            hint="Check that each raw plane is paired with the target of the same field.",
            slope=slope,
        )
    if bounded:
        on_raw_scale = slope * target + intercept
        low = min(raw.min(), on_raw_scale.min())
        half = (max(raw.max(), on_raw_scale.max()) - low) / 2
        return Normalisation(offset=float(low + half), scale=float(half), slope=slope, intercept=intercept)
    return Normalisation(offset=float(low), scale=float(high - low), slope=slope, intercept=intercept)


def _line_of_blocks(raws: Sequence[NDArray], targets: Sequence[NDArray]) -> AffineFit:
    raw, target = (np.concatenate([block_means(plane).ravel() for plane in planes]) for planes in (raws, targets))
    return affine_fit(target, raw)
