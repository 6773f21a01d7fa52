"""How a training goes: losses over epochs, as a plain figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def training_curve(
    train_losses: Sequence[float], validation_losses: Sequence[float | None], *, best_epoch: int | None = None,
    loss_name: str = "loss",
) -> dict[str, Any]:  # fmt: skip
    """Draw training and validation losses over epochs.

    Parameters
    ----------
    train_losses : sequence of float
        One loss for each epoch, from epoch 1.
    validation_losses : sequence of float or None
        The same on the validation fields, from which the kept epoch is chosen; None or not a number leaves a gap.
    best_epoch : int, optional
        Epoch whose weights are kept, from 1.
    loss_name : str
        Name of the vertical axis.

    Returns
    -------
    dict
        `{"data": […], "layout": {…}}` without colours; roles "train", "validation" and "best" in `meta` and `name`.
    """
    traces = [
        {
            "type": "scatter", "mode": "lines+markers", "name": name,
            "x": list(range(1, len(losses) + 1)), "y": [_finite(loss) for loss in losses],
            "line": {"dash": dash}, "hovertemplate": "epoch %{x}<br>%{y:.4g}<extra></extra>", "meta": {"role": role},
        }
        for role, name, losses, dash in (
            ("train", "training", train_losses, "dot"), ("validation", "validation", validation_losses, "solid"),
        )
        if losses
    ]  # fmt: skip
    best = [] if best_epoch is None else [_best(best_epoch)]
    return {
        "data": traces,
        "layout": {
            "meta": {"summary": training_summary(train_losses, validation_losses, best_epoch=best_epoch)},
            "xaxis": {"title": {"text": "epoch"}, "rangemode": "tozero"},
            "yaxis": {"title": {"text": loss_name}, "automargin": True},
            "hovermode": "x unified",
            "showlegend": True,
            "legend": {"orientation": "h", "y": -0.25},
            "margin": {"l": 56, "r": 16, "t": 16, "b": 40},
            "shapes": best,
        },
    }


def training_summary(
    train_losses: Sequence[float], validation_losses: Sequence[float | None], *, best_epoch: int | None = None
) -> str:
    """Say in one sentence how the training goes.

    Parameters
    ----------
    train_losses, validation_losses : sequences of float
        One loss for each epoch, from epoch 1.
    best_epoch : int, optional
        Epoch whose weights are kept, from 1.

    Returns
    -------
    str
        One sentence.
    """
    if not train_losses:
        return "No epoch is finished yet."
    text = f"{len(train_losses)} epoch{'' if len(train_losses) == 1 else 's'}, training loss {train_losses[-1]:.4g}"
    if validation_losses and (last := _finite(validation_losses[-1])) is not None:
        text += f", validation loss {last:.4g}"
    return text + (f"; best epoch {best_epoch}." if best_epoch is not None else ".")


def _finite(loss: float | None) -> float | None:
    return None if loss is None or not math.isfinite(loss) else float(loss)


def _best(epoch: int) -> dict[str, Any]:
    return {
        "type": "line", "name": "best", "xref": "x", "yref": "paper", "x0": epoch, "x1": epoch, "y0": 0, "y1": 1,
        "line": {"width": 1, "dash": "dash"},
    }  # fmt: skip
