"""Where a residual network starts from: the Gaussian that serves its training fields best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from enhancement.filters.conventional import tune
from enhancement.networks.catalogue import architecture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from enhancement.training.config import TrainingConfig
    from enhancement.training.dataset import TrainingPair


def starting_hyperparameters(pairs: Sequence[TrainingPair], config: TrainingConfig) -> dict[str, Any]:
    """Return the generator's hyper-parameters, with the smoothing it starts from tuned where nobody chose it.

    A network that begins level with the best Gaussian spends a short run on what the Gaussian cannot do.

    Parameters
    ----------
    pairs : sequence of TrainingPair
        The training fields.
    config : TrainingConfig
        Settings of the run.

    Returns
    -------
    dict
        The hyper-parameters of `config.generator`, plus `smoothing_px` [px] for architectures that know it.
    """
    chosen = dict(config.generator)
    if "smoothing_px" in chosen or "smoothing_px" not in architecture(config.architecture).generator_defaults:
        return chosen
    tuned = tune("gaussian", [(pair.raw, pair.target) for pair in pairs])
    return {**chosen, "smoothing_px": tuned.parameters["sigma_px"]}
