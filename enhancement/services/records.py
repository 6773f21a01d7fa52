"""What a worker writes about a training and a restoration; called by the runtime only, so no user is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction

from enhancement.models import ModelState, RestorationModel, RestoredImage, TrainingRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class NewModel:
    """What a training offers: the network, or the best tuned filter."""

    kind: str
    name: str
    card: dict[str, Any]
    gate_passed: bool
    weights_sha256: str = ""


@dataclass(frozen=True, slots=True)
class NewRestoration:
    """What a restoration left in its folder, and what was seen on the way."""

    sha256: str
    size_bytes: int
    slice_z: int
    scores: dict[str, Any]
    preview_window: list[list[float]]
    warnings: list[str] = field(default_factory=list)


def epoch_record(run: TrainingRun, row: Mapping[str, Any], *, progress: float) -> None:
    """Keep the figures of an epoch; an epoch that is trained again after a kill replaces itself.

    Parameters
    ----------
    run : TrainingRun
        The training, changed in place too.
    row : mapping
        The epoch's report as JSON-serialisable values.
    progress : float
        Share of the whole run that is done.
    """
    run.history = [*(earlier for earlier in run.history if earlier["epoch"] < row["epoch"]), dict(row)]
    best = max((entry["epoch"] for entry in run.history if entry["is_best"]), default=None)
    run.epoch, run.best_epoch, run.eta_seconds = int(row["epoch"]), best, float(row["eta_s"])
    run.progress = max(run.progress, progress)
    run.stage = f"epoch {run.epoch} of {row['epochs_planned']}"
    run.save(update_fields=["history", "epoch", "best_epoch", "eta_seconds", "progress", "stage"])


def training_record(
    run: TrainingRun, *, history: Sequence[Mapping[str, Any]], best_epoch: int, stopped_by: str
) -> None:
    """Keep the whole history of a training that has ended, and why it did."""
    run.history = [dict(row) for row in history]
    run.epoch, run.best_epoch = len(run.history), best_epoch or None
    run.stopped_by, run.eta_seconds = stopped_by, None
    run.save(update_fields=["history", "epoch", "best_epoch", "stopped_by", "eta_seconds"])


@transaction.atomic
def verdict_record(
    run: TrainingRun,
    *,
    comparison: dict[str, Any],
    gate: dict[str, Any],
    envelope: dict[str, list[float]],
    models: Sequence[NewModel],
) -> list[RestorationModel]:
    """Keep the comparison and the gate's verdict, and offer the candidates; a repeated run replaces its undecided ones.

    Returns
    -------
    list of RestorationModel
        The candidates, in the order given.
    """
    run.comparison, run.gate = comparison, gate
    run.save(update_fields=["comparison", "gate"])
    run.models.filter(state=ModelState.CANDIDATE).delete()
    manifest = run.training_set.manifest
    return [
        RestorationModel.objects.create(
            case=run.case,
            run=run,
            instrument=run.case.instrument,
            optical_path_id=manifest.get("optical_path"),
            input_channel=manifest.get("input_channel", 0),
            kind=entry.kind,
            name=entry.name[:120],
            card=entry.card,
            gate_passed=entry.gate_passed,
            weights_sha256=entry.weights_sha256,
            envelope=envelope,
        )
        for entry in models
    ]


def restoration_record(image: RestoredImage, made: NewRestoration) -> None:
    """Keep what a restoration made."""
    image.sha256, image.size_bytes, image.slice_z = made.sha256, made.size_bytes, made.slice_z
    image.scores, image.preview_window, image.warnings = made.scores, made.preview_window, made.warnings
    image.save(update_fields=["sha256", "size_bytes", "slice_z", "scores", "preview_window", "warnings"])
