"""How the learning rate falls during a run: pure functions of the past, so that a resumed run goes on exactly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from enhancement.training.config import Schedule

PLATEAU_EPOCHS = 5
PLATEAU_FACTOR = 0.5


def constant_then_linear(epoch: int, *, epochs: int) -> float:
    """Return the reference's factor: 1 for the first half of the epochs, then falling linearly.

    Parameters
    ----------
    epoch : int
        Epoch, counted from 1.
    epochs : int
        Planned epochs; half of them (rounded up) are constant, the rest decay.

    Returns
    -------
    float
        Factor on the learning rate, 1 − max(0, epoch − n) / (n_decay + 1).

    References
    ----------
    junyanz/pytorch-CycleGAN-and-pix2pix, `get_scheduler`, policy "linear" (there the epoch counts from 0, with
    epoch_count 1).
    """
    constant = math.ceil(epochs / 2)
    return 1.0 - max(0, epoch - constant) / (epochs - constant + 1)


def cosine(progress: float, *, warmup: float = 0.02) -> float:
    """Return a factor that rises briefly and then falls to almost nothing along half a cosine.

    Parameters
    ----------
    progress : float
        Fraction of the run done, 0…1.
    warmup : float
        Fraction of the run spent rising from a tenth to 1.

    Returns
    -------
    float
        Factor on the learning rate, at least 0.001.

    References
    ----------
    Loshchilov & Hutter 2017, SGDR, ICLR.
    """
    if progress < warmup:
        return 0.1 + 0.9 * progress / warmup
    done = min(1.0, (progress - warmup) / (1 - warmup))
    return max(0.001, 0.5 * (1 + math.cos(math.pi * done)))


def plateau(scores: Sequence[float]) -> float:
    """Return a factor halved each time five epochs bring no better validation score.

    Parameters
    ----------
    scores : sequence of float
        Validation scores of the epochs so far, higher is better.

    Returns
    -------
    float
        Factor on the learning rate.
    """
    factor, best, waited = 1.0, -math.inf, 0
    for score in scores:
        if score > best:
            best, waited = score, 0
        else:
            waited += 1
        if waited == PLATEAU_EPOCHS:
            factor, waited = factor * PLATEAU_FACTOR, 0
    return factor


def learning_rate_factor(
    schedule: Schedule, *, epoch: int, epochs: int, progress: float, scores: Sequence[float]
) -> float:
    """Return the factor on the learning rate for the next step.

    Parameters
    ----------
    schedule : str
        "constant_linear", "cosine" or "plateau".
    epoch, epochs : int
        Present epoch, counted from 1, and planned epochs.
    progress : float
        Fraction of the run done, 0…1.
    scores : sequence of float
        Validation scores so far, higher is better.

    Returns
    -------
    float
        Factor, 0…1.
    """
    if schedule == "constant_linear":
        return constant_then_linear(epoch, epochs=epochs)
    if schedule == "cosine":
        return cosine(progress)
    return plateau(scores)
