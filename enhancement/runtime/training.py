"""A training, from the frozen manifest to candidates with a verdict."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from django.conf import settings

from common import jobs
from common.errors import StorageError, TrainingDataError
from enhancement.inference.predict import load_model
from enhancement.models import RestorationModel, TrainingRun
from enhancement.networks.catalogue import architecture
from enhancement.runtime.judging import NETWORK_TTA, judge_candidates, tune_filters
from enhancement.runtime.looks import envelope_of
from enhancement.runtime.pairs import load_pairs
from enhancement.runtime.pictures import write_panels
from enhancement.runtime.telling import CancelWatch, patiently
from enhancement.selectors.comparison import parameters_text
from enhancement.services.cases import case_settle
from enhancement.services.records import NewModel, epoch_record, training_record, verdict_record
from enhancement.training.config import TrainingConfig
from enhancement.training.dataset import check_pairs, split_fields
from enhancement.training.loop import train
from enhancement.training.normalisation import fit_normalisation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from enhancement.inference.predict import Restorer
    from enhancement.runtime.judging import Judgement
    from enhancement.runtime.pairs import LoadedPairs
    from enhancement.training.normalisation import Normalisation
    from enhancement.training.reports import EpochReport, TrainingResult

READ, TUNED, TRAINED = 0.03, 0.08, 0.88  # shares of the progress bar
CHECKPOINT = "checkpoint.pt"
WEIGHTS = "weights.safetensors"
VALIDATION = "validation"
PACKAGES = ("torch", "lightning", "numpy", "scipy", "scikit-image")


def train_run(run: TrainingRun) -> None:
    """Do a training: read, tune filters, train, compare, judge, offer candidates.

    Goes on from the checkpoint in the run's folder if there is one; ends early and quietly where the end was asked for.

    Parameters
    ----------
    run : TrainingRun
        A row this worker has claimed.

    Raises
    ------
    TrainingDataError
        If the pairs cannot be trained on.
    EnhancementError
        If the training diverged or its checkpoint cannot be used.
    StorageError
        If the disk refuses.
    """
    try:
        _train(run)
    finally:
        # a run in its last moments is still "running": the case is settled as if it had ended
        patiently(lambda: case_settle(run.case_id, ended=run.pk))


def _train(run: TrainingRun) -> None:
    config = replace(TrainingConfig.from_dict(run.config), threads=settings.TORCH_THREADS)
    watch = CancelWatch(run)
    run.progress = _done_before(run)
    _tell(run, 0.0, "reading the pairs")
    pairs = load_pairs(run.training_set, on_progress=lambda share: _tell(run, READ * share, "reading the pairs"))
    _refuse_other_split(pairs, config)
    check_pairs(pairs.all, patch_px=config.patch_px)
    learning = pairs.train + pairs.validation
    tuned = tune_filters(
        learning, on_progress=lambda share: _tell(run, READ + (TUNED - READ) * share, "tuning the filters")
    )
    if watch():
        return
    _tell(run, TUNED, "preparing the network")
    result = train(
        pairs.all,
        config=config,
        checkpoint_path=run.folder / CHECKPOINT,
        weights_path=run.folder / WEIGHTS,
        on_epoch=partial(_tell_epoch, run, config, _picture_scale(pairs, config)),
        should_stop=watch,
    )
    history = [report.as_dict() for report in result.history]
    patiently(lambda: training_record(run, history=history, best_epoch=result.best_epoch, stopped_by=result.stopped_by))
    if result.stopped_by == "cancelled":
        return
    _tell(run, TRAINED, "comparing on the fields kept aside")
    restorer = load_model(result.weights_path, sha256=result.weights_sha256, threads=settings.TORCH_THREADS)
    judgement = judge_candidates(
        restorer,
        tuned,
        pairs.test,
        bit_depth=pairs.bit_depth,
        tile_px=tile_size_px(restorer),
        seed=run.seed,
        on_progress=lambda share: _tell(run, TRAINED + (0.98 - TRAINED) * share, "comparing on the fields kept aside"),
    )
    _keep_weights(result)
    patiently(
        lambda: verdict_record(
            run,
            comparison=judgement.comparison_json(),
            gate=judgement.gate_json(),
            envelope=envelope_of([pair.raw for pair in pairs.train], bit_depth=pairs.bit_depth),
            models=_candidates(run, result, judgement, pairs),
        )
    )


def tile_size_px(restorer: Restorer) -> int:
    """Return the side of a tile that suits the network: 256 px, or its own multiple where that is larger."""
    multiple = restorer.size_multiple
    return max(1, 256 // multiple) * multiple


def _refuse_other_split(pairs: LoadedPairs, config: TrainingConfig) -> None:
    """Make sure that the parts frozen in the manifest are those that the training will use."""
    split = split_fields([pair.field_id for pair in pairs.all], fractions=config.split, seed=config.seed)
    frozen = {
        "train": {pair.field_id for pair in pairs.train},
        "validation": {pair.field_id for pair in pairs.validation},
        "test": {pair.field_id for pair in pairs.test},
    }
    if {part: set(names) for part, names in split.as_dict().items()} != frozen:
        raise TrainingDataError(
            "The manifest was frozen with another way of splitting fields than this version of Strehl uses.",
            hint="Start a new training on this case; it freezes a new manifest.",
        )


def _picture_scale(pairs: LoadedPairs, config: TrainingConfig) -> Normalisation:
    """Return the straight line that puts raw counts on the target's scale, for pictures at one contrast."""
    bounded = architecture(config.architecture).bounded_output
    return fit_normalisation([pair.raw for pair in pairs.train], [pair.target for pair in pairs.train], bounded=bounded)


def _tell_epoch(run: TrainingRun, config: TrainingConfig, scale: Normalisation, report: EpochReport) -> None:
    if report.image is not None:
        raw = scale.unit_to_target(scale.raw_to_unit(report.image.raw))
        path = run.folder / VALIDATION / f"{report.epoch:04d}.webp"
        write_panels([raw, report.image.prediction, report.image.target], path)
    row = report.as_dict()
    patiently(lambda: epoch_record(run, row, progress=_share_after(row, config.max_seconds)))


def _tell(run: TrainingRun, share: float, stage: str) -> None:
    """Say how far the training is, and never less than where it went on from."""
    jobs.beat(run, max(run.progress, share), stage)


def _done_before(run: TrainingRun) -> float:
    """Return the share of the whole that was done when the training was left, if there is a checkpoint to go on from."""
    if not run.history or not (run.folder / CHECKPOINT).exists():
        return 0.0
    return _share_after(run.history[-1], run.config["max_seconds"])


def _share_after(row: Mapping[str, Any], max_seconds: float | None) -> float:
    """Return the share of the whole that is done after an epoch, by epochs or by time, whichever is further."""
    done = row["epoch"] / row["epochs_planned"]
    if max_seconds is not None:
        done = max(done, min(1.0, row["elapsed_s"] / max_seconds))
    return float(TUNED + (TRAINED - TUNED) * done)


def _keep_weights(result: TrainingResult) -> None:
    """Copy the weights to where models find them by their hash."""
    target = RestorationModel(weights_sha256=result.weights_sha256).weights_path
    if target.exists():
        return
    unfinished = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(result.weights_path, unfinished)
        unfinished.replace(target)
    except OSError as error:
        raise StorageError(
            f"The weights could not be kept: {error.strerror or error}.",
            hint="Free space on the disk of the media folder, then resume the training: it goes on from its checkpoint.",
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _candidates(run: TrainingRun, result: TrainingResult, judgement: Judgement, pairs: LoadedPairs) -> list[NewModel]:
    gate = judgement.gate_json()
    common: dict[str, Any] = {
        "data": {
            "manifest_sha256": run.training_set.sha256,
            "source": run.training_set.source,
            "pairs": run.training_set.pair_count,
            "split": result.split.as_dict(),
            "bit_depth": pairs.bit_depth,
            "pixel_size_um": pairs.pixel_size_um,
        },
        "normalisation": result.normalisation.as_dict(),
        "versions": {name: version(name) for name in PACKAGES},
    }
    table = {row["id"]: row["mean"] for row in judgement.comparison_json()["rows"]}
    entry = architecture(run.architecture)
    network = NewModel(
        kind=RestorationModel.Kind.NETWORK,
        name=f"{entry.name}, run {run.pk}",
        weights_sha256=result.weights_sha256,
        gate_passed=judgement.verdict.passed,
        card={
            **common,
            "architecture": {"id": entry.id, "name": entry.name, "description": entry.description},
            "config": run.config,
            "seed": run.seed,
            "epochs": len(result.history),
            "best_epoch": result.best_epoch,
            "stopped_by": result.stopped_by,
            "seconds": result.seconds,
            "scores": table[NETWORK_TTA],
            "gate": gate,
        },
    )
    best = judgement.best_filter
    name = next(row["name"] for row in judgement.comparison_json()["rows"] if row["id"] == best.id)
    conventional = NewModel(
        kind=RestorationModel.Kind.FILTER,
        name=f"{name} filter ({parameters_text(best.parameters)}), run {run.pk}",
        gate_passed=not judgement.verdict.passed,
        card={
            **common,
            "filter": {"id": best.id, "name": name, "parameters": best.parameters},
            "scores": table[best.id],
            "gate": {"recommended": gate["recommended"], "checks": []},
        },
    )
    return [network, conventional]
