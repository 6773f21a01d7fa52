"""The training loop: pairs in, the best generator's weights out; stoppable, resumable, told epoch by epoch."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from common.errors import CheckpointError, DivergedError
from enhancement.networks.catalogue import architecture, load_object
from enhancement.training.checkpoints import load_checkpoint, save_checkpoint, save_weights
from enhancement.training.dataset import PatchSampler, TrainingPair, check_pairs, split_fields
from enhancement.training.devices import make_fabric, private_state, resolve_precision
from enhancement.training.normalisation import fit_normalisation
from enhancement.training.reports import EpochReport, TrainingResult
from enhancement.training.schedules import learning_rate_factor
from enhancement.training.start import starting_hyperparameters
from enhancement.training.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from enhancement.training.config import TrainingConfig
    from enhancement.training.normalisation import Normalisation
    from enhancement.training.objectives import Objective
    from enhancement.training.reports import StoppedBy


def train(
    pairs: Sequence[TrainingPair],
    *,
    config: TrainingConfig,
    checkpoint_path: Path,
    weights_path: Path | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> TrainingResult:
    """Train a network to turn raw planes into target planes, and keep its best weights.

    Fields are split into training, validation and test before anything else; the test fields are not looked at. If
    `checkpoint_path` exists, the run goes on from there, bit for bit (float32 on a CPU, same threads, no time budget).

    Parameters
    ----------
    pairs : sequence of TrainingPair
        Registered (Y, X) planes [counts].
    config : TrainingConfig
        Settings of the run.
    checkpoint_path : Path
        Where the state is kept after every epoch; written atomically.
    weights_path : Path, optional
        Where the best weights go at the end; beside the checkpoint with the suffix .safetensors by default.
    on_epoch : callable, optional
        Called with an EpochReport after each epoch, once its checkpoint is safe.
    should_stop : callable, optional
        Asked between steps; when it says True the run ends with the best weights so far.

    Returns
    -------
    TrainingResult
        Weights, history, and why the run ended.

    Raises
    ------
    TrainingDataError
        If the pairs cannot be trained on.
    DivergedError
        If the loss is no longer a number.
    CheckpointError
        If the checkpoint is damaged or belongs to other pairs or settings.
    StorageError
        If the disk refuses a checkpoint.
    NotFoundError
        If no architecture has the id in the settings.
    """
    check_pairs(pairs, patch_px=config.patch_px)
    weights_path = weights_path or checkpoint_path.with_suffix(".safetensors")
    with private_state(threads=config.threads, seed=config.seed):
        run = _Run(pairs, config=config)
        if checkpoint_path.exists():
            run.restore(load_checkpoint(checkpoint_path))
        stopped_by = run.stopped_by()
        while stopped_by is None:
            finished = run.train_epoch(should_stop or (lambda: False))
            if not finished:
                stopped_by = "cancelled"
                break
            report = run.close_epoch()
            save_checkpoint(checkpoint_path, run.state())
            if on_epoch is not None:
                on_epoch(report)
            stopped_by = run.stopped_by()
        return run.result(weights_path, stopped_by)


@dataclass(slots=True)
class _Clock:
    """Time used by a run over all its resumptions [s]."""

    before_s: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def elapsed_s(self) -> float:
        return self.before_s + time.monotonic() - self.started


class _Run:
    """The state of one training run."""

    def __init__(self, pairs: Sequence[TrainingPair], *, config: TrainingConfig) -> None:
        entry = architecture(config.architecture)
        self.config = config
        self.split = split_fields([pair.field_id for pair in pairs], fractions=config.split, seed=config.seed)
        train_pairs = [pair for pair in pairs if pair.field_id in self.split.train]
        self.normalisation = fit_normalisation(
            [pair.raw for pair in train_pairs], [pair.target for pair in train_pairs], bounded=entry.bounded_output
        )
        self._generator_settings = starting_hyperparameters(train_pairs, config)
        precision, channels_last = resolve_precision(config)
        self._memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self._fabric = make_fabric(precision)
        self._objective: Objective = load_object(entry.objective)(
            self._fabric, replace(config, generator=self._generator_settings)
        )
        for module in self._objective.modules.values():
            module.to(memory_format=self._memory_format)
        self._sampler = PatchSampler(
            [self._normalised(pair) for pair in train_pairs],
            patch_px=config.patch_px,
            batch=config.batch,
            seed=config.seed,
        )
        self._validator = Validator(
            [pair for pair in pairs if pair.field_id in self.split.validation],
            normalisation=self.normalisation,
            size_multiple=int(self._objective.generator.module.size_multiple),
        )
        self._fingerprint = _fingerprint(pairs, config, self.normalisation)
        self.steps_per_epoch = config.steps_per_epoch or self._sampler.steps_per_pass
        self.history: list[EpochReport] = []
        self._best: dict[str, torch.Tensor] = self._generator_weights()
        self._clock = _Clock()
        self._epoch_started_s = 0.0
        self._epoch_losses: list[dict[str, float]] = []
        self._base_rates = {
            name: [group["lr"] for group in optimiser.param_groups]
            for name, optimiser in self._objective.optimisers.items()
        }
        self._factor = 1.0

    def _normalised(self, pair: TrainingPair) -> tuple[np.ndarray, np.ndarray]:
        return self.normalisation.raw_to_unit(pair.raw), self.normalisation.target_to_unit(pair.target)

    # -- one epoch ---------------------------------------------------------------------------------------------------

    def train_epoch(self, should_stop: Callable[[], bool]) -> bool:
        """Take the steps of one epoch; return False if the caller wanted to stop."""
        self._epoch_started_s = self._clock.elapsed_s()
        self._epoch_losses = []
        self._objective.generator.train()
        for step in range(self.steps_per_epoch):
            if should_stop():
                return False
            if self._out_of_time():
                break
            self._set_learning_rate(step)
            raw, target = (self._to_device(patches) for patches in self._sampler.draw())
            losses = self._objective.step(raw, target, progress=self._progress(step))
            self._refuse_divergence(losses)
            self._epoch_losses.append(losses)
        return True

    def close_epoch(self) -> EpochReport:
        """Validate, remember the weights if they are the best so far, and tell how it went."""
        scores = self._validator.validate(self._objective.generator)
        is_best = not self.history or scores.psnr_db > max(report.validation_psnr_db for report in self.history)
        if is_best:
            self._best = self._generator_weights()
        elapsed_s = self._clock.elapsed_s()
        report = EpochReport(
            epoch=len(self.history) + 1,
            epochs_planned=self.config.epochs,
            seconds=elapsed_s - self._epoch_started_s,
            elapsed_s=elapsed_s,
            eta_s=self._eta_s(elapsed_s),
            learning_rate=self.config.learning_rate * self._factor,
            train_losses=_mean_losses(self._epoch_losses),
            validation_losses={"l1": scores.l1},
            validation_psnr_db=scores.psnr_db,
            validation_ssim=scores.ssim,
            is_best=is_best,
            image=scores.image,
        )
        self.history.append(report.without_image())
        return report

    def _progress(self, step: int) -> float:
        done = (len(self.history) * self.steps_per_epoch + step) / (self.config.epochs * self.steps_per_epoch)
        if self.config.max_seconds is None:
            return done
        return min(1.0, max(done, self._clock.elapsed_s() / self.config.max_seconds))

    def _set_learning_rate(self, step: int) -> None:
        self._factor = learning_rate_factor(
            self.config.schedule,
            epoch=len(self.history) + 1,
            epochs=self.config.epochs,
            progress=self._progress(step),
            scores=[report.validation_psnr_db for report in self.history],
        )
        for name in self._objective.scheduled:
            groups = self._objective.optimisers[name].param_groups
            for group, rate in zip(groups, self._base_rates[name], strict=True):
                group["lr"] = rate * self._factor

    def _refuse_divergence(self, losses: dict[str, float]) -> None:
        if all(math.isfinite(value) for value in losses.values()):
            return
        raise DivergedError(
            f"The loss is no longer a number in epoch {len(self.history) + 1}.",
            hint="Train again with a smaller learning rate, or look for fields with extreme pixels.",
            epoch=len(self.history) + 1,
            losses={name: str(value) for name, value in losses.items()},
        )

    def _to_device(self, patches: np.ndarray) -> torch.Tensor:
        tensor: torch.Tensor = self._fabric.to_device(torch.from_numpy(patches))
        return tensor.contiguous(memory_format=self._memory_format)

    # -- when to stop ------------------------------------------------------------------------------------------------

    def stopped_by(self) -> StoppedBy | None:
        """Return why the run is over, or None while it goes on."""
        if len(self.history) >= self.config.epochs:
            return "epochs"
        if self._out_of_time():
            return "time"
        patience = self.config.patience
        if patience is not None and len(self.history) - self.best_epoch >= patience:
            return "patience"
        return None

    def _out_of_time(self) -> bool:
        return self.config.max_seconds is not None and self._clock.elapsed_s() >= self.config.max_seconds

    def _eta_s(self, elapsed_s: float) -> float:
        done = len(self.history) + 1
        by_epochs = elapsed_s / done * (self.config.epochs - done)
        if self.config.max_seconds is None:
            return by_epochs
        return max(0.0, min(by_epochs, self.config.max_seconds - elapsed_s))

    @property
    def best_epoch(self) -> int:
        """Epoch with the best validation score, 0 before the first."""
        return max((report.epoch for report in self.history if report.is_best), default=0)

    # -- state -------------------------------------------------------------------------------------------------------

    def _generator_weights(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().cpu().clone() for name, value in self._objective.generator.state_dict().items()}

    def state(self) -> dict[str, Any]:
        """Return everything needed to go on."""
        return {
            "fingerprint": self._fingerprint,
            "modules": {name: module.state_dict() for name, module in self._objective.modules.items()},
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self._objective.optimisers.items()},
            "best": self._best,
            "history": [report.as_dict() for report in self.history],
            "elapsed_s": self._clock.elapsed_s(),
            "torch_random": torch.get_rng_state(),
            "patch_random": json.dumps(self._sampler.generator.bit_generator.state),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state."""
        if state.get("fingerprint") != self._fingerprint:
            raise CheckpointError(
                "The checkpoint belongs to a run with other pairs or other settings.",
                hint="Remove it to start the training from the beginning.",
            )
        for name, module in self._objective.modules.items():
            module.load_state_dict(state["modules"][name])
        for name, optimiser in self._objective.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self._best = state["best"]
        self.history = [EpochReport.from_dict(values) for values in state["history"]]
        self._clock = _Clock(before_s=state["elapsed_s"])
        torch.set_rng_state(state["torch_random"])
        self._sampler.generator.bit_generator.state = json.loads(state["patch_random"])

    def result(self, weights_path: Path, stopped_by: StoppedBy) -> TrainingResult:
        """Write the best weights and return what the run leaves behind."""
        best = self._best if self.history else self._generator_weights()
        sha256 = save_weights(
            weights_path,
            best,
            metadata={
                "architecture": self.config.architecture,
                "generator": self._generator_settings,
                "normalisation": self.normalisation.as_dict(),
                "config": self.config.as_dict(),
                "split": self.split.as_dict(),
                "best_epoch": self.best_epoch,
            },
        )
        return TrainingResult(
            weights_path=weights_path,
            weights_sha256=sha256,
            history=tuple(self.history),
            best_epoch=self.best_epoch,
            stopped_by=stopped_by,
            normalisation=self.normalisation,
            split=self.split,
            seconds=self._clock.elapsed_s(),
        )


def _mean_losses(steps: list[dict[str, float]]) -> dict[str, float]:
    names = sorted({name for losses in steps for name in losses})
    return {name: float(np.mean([losses[name] for losses in steps if name in losses])) for name in names}


def _fingerprint(pairs: Sequence[TrainingPair], config: TrainingConfig, normalisation: Normalisation) -> str:
    """Return a hash of pairs, intensity scale and the settings that change the result (not threads or the time budget)."""
    settings = {name: value for name, value in config.as_dict().items() if name not in {"threads", "max_seconds"}}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(",".join(f"{value:.6g}" for value in normalisation.as_dict().values()).encode())
    for pair in sorted(pairs, key=lambda entry: entry.field_id):
        digest.update(pair.field_id.encode())
        digest.update(np.ascontiguousarray(pair.raw).tobytes())
        digest.update(np.ascontiguousarray(pair.target).tobytes())
    return digest.hexdigest()
