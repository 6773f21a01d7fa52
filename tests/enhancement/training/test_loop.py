from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy import ndimage

from common.errors import CheckpointError, DivergedError, TrainingDataError
from enhancement.training.config import TrainingConfig
from enhancement.training.dataset import TrainingPair
from enhancement.training.loop import train
from enhancement.training.normalisation import fit_normalisation

if TYPE_CHECKING:
    from pathlib import Path

    from enhancement.training.reports import EpochReport

TINY = TrainingConfig(
    generator={"filters": 4, "levels": 1, "entry_stride": 1},
    discriminator={"filters": 2},
    epochs=4,
    steps_per_epoch=4,
    batch=2,
    patch_px=32,
    patience=None,
    adversarial_from=0.5,
    precision="fp32",
    threads=1,
)


class KilledError(Exception):
    """Stands for a kill -9 between two epochs."""


def _pairs(count: int = 5, *, size: int = 48) -> list[TrainingPair]:
    pairs = []
    for index in range(count):
        generator = np.random.default_rng(index)
        cells = ndimage.gaussian_filter(generator.normal(size=(size, size)), 3) > 0  # edges, which no Gaussian keeps
        target = (200 + 800 * ndimage.gaussian_filter(cells.astype(float), 0.7)).astype(np.float32)
        raw = (0.5 * target + 30 + generator.normal(0, 120, size=(size, size))).astype(np.float32)
        pairs.append(TrainingPair(f"field {index}", raw, target))
    return pairs


def test_an_epoch_reports_losses_scores_time_left_and_an_image_in_counts(tmp_path: Path) -> None:
    reports: list[EpochReport] = []
    pairs = _pairs()
    result = train(pairs, config=TINY, checkpoint_path=tmp_path / "run.ckpt", on_epoch=reports.append)
    assert [report.epoch for report in reports] == [1, 2, 3, 4]
    assert [report.without_image() for report in reports] == list(result.history)
    first, last = reports[0], reports[-1]
    assert set(first.train_losses) == {"generator", "l1", "sobel", "ssim"}
    assert {"adversarial", "critic"} <= set(last.train_losses)
    assert first.eta_s > 0
    assert last.eta_s == 0
    assert 5 < first.validation_psnr_db < 40
    assert 0 < first.validation_ssim < 1
    shown = {pair.field_id: pair for pair in pairs}[first.image.field_id]
    np.testing.assert_array_equal(first.image.raw, shown.raw)
    np.testing.assert_array_equal(first.image.target, shown.target)
    assert first.image.prediction.mean() == pytest.approx(shown.target.mean(), rel=0.1)
    assert result.stopped_by == "epochs"


def test_training_brings_the_prediction_nearer_to_the_target(tmp_path: Path) -> None:
    identity = {"filters": 8, "levels": 1, "smoothing_px": 0.0}
    config = replace(TINY, generator=identity, epochs=1, steps_per_epoch=40, learning_rate=5e-3, adversarial_weight=0)
    still = replace(config, steps_per_epoch=1, learning_rate=1e-12)
    trained = train(_pairs(8), config=config, checkpoint_path=tmp_path / "run.ckpt").history[0]
    untrained = train(_pairs(8), config=still, checkpoint_path=tmp_path / "untrained.ckpt").history[0]
    assert trained.validation_psnr_db > untrained.validation_psnr_db + 2
    assert trained.validation_ssim > untrained.validation_ssim


def test_two_epochs_a_kill_and_two_more_give_the_weights_of_four_straight_epochs(tmp_path: Path) -> None:
    straight = train(_pairs(), config=TINY, checkpoint_path=tmp_path / "straight.ckpt")

    def kill_after_two(report: EpochReport) -> None:
        if report.epoch == 2:
            raise KilledError

    with pytest.raises(KilledError):
        train(_pairs(), config=TINY, checkpoint_path=tmp_path / "killed.ckpt", on_epoch=kill_after_two)
    seen: list[int] = []
    resumed = train(
        _pairs(),
        config=TINY,
        checkpoint_path=tmp_path / "killed.ckpt",
        on_epoch=lambda report: seen.append(report.epoch),
    )
    assert seen == [3, 4]
    assert resumed.weights_sha256 == straight.weights_sha256
    ends = [
        torch.load(tmp_path / name, weights_only=True)["modules"]["generator"]
        for name in ("straight.ckpt", "killed.ckpt")
    ]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    scores = [[report.validation_psnr_db for report in result.history] for result in (straight, resumed)]
    assert scores[0] == scores[1]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    config = replace(TINY, epochs=1)
    hashes = [
        train(_pairs(), config=replace(config, seed=seed), checkpoint_path=tmp_path / f"{index}.ckpt").weights_sha256
        for index, seed in enumerate((3, 3, 4))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_cancelled_run_leaves_the_best_weights_so_far(tmp_path: Path) -> None:
    asked = 0

    def stop_in_second_epoch() -> bool:
        nonlocal asked
        asked += 1
        return asked > 6

    result = train(_pairs(), config=TINY, checkpoint_path=tmp_path / "run.ckpt", should_stop=stop_in_second_epoch)
    assert result.stopped_by == "cancelled"
    assert len(result.history) == result.best_epoch == 1
    assert load_file(result.weights_path)


def test_a_run_cancelled_at_once_leaves_the_network_it_started_from(tmp_path: Path) -> None:
    result = train(_pairs(), config=TINY, checkpoint_path=tmp_path / "run.ckpt", should_stop=lambda: True)
    assert (result.best_epoch, result.stopped_by, result.history) == (0, "cancelled", ())
    assert not load_file(result.weights_path)["last.weight"].any()


def test_a_run_ends_when_its_time_is_used_up_and_still_validates(tmp_path: Path) -> None:
    config = replace(TINY, epochs=10_000, max_seconds=1.0)
    result = train(_pairs(), config=config, checkpoint_path=tmp_path / "run.ckpt")
    assert result.stopped_by == "time"
    assert result.history
    assert result.seconds < 10


def test_a_run_stops_when_patience_is_over_and_keeps_the_best_epoch(tmp_path: Path) -> None:
    config = replace(
        TINY,
        epochs=50,
        steps_per_epoch=1,
        learning_rate=0.5,
        patience=3,
        generator={**TINY.generator, "smoothing_px": 1.5},
    )
    result = train(_pairs(), config=config, checkpoint_path=tmp_path / "run.ckpt")
    scores = [report.validation_psnr_db for report in result.history]
    assert result.stopped_by == "patience"
    assert len(scores) == result.best_epoch + 3
    assert max(scores) == scores[result.best_epoch - 1]


def test_the_reference_trains_on_its_own_losses(tmp_path: Path) -> None:
    config = TrainingConfig.preset(
        "reference", epochs=1, steps_per_epoch=2, generator={"filters": 2}, discriminator={"filters": 2}, threads=1
    )
    result = train(_pairs(3, size=256), config=config, checkpoint_path=tmp_path / "run.ckpt")
    losses = result.history[0].train_losses
    assert set(losses) == {"generator", "l1", "adversarial", "critic"}
    assert losses["generator"] == pytest.approx(losses["adversarial"] + 100 * losses["l1"], rel=1e-5)


def test_a_loss_that_is_no_number_is_an_error_and_the_last_checkpoint_stays(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    config = replace(TINY, learning_rate=1e30, schedule="constant_linear")
    with pytest.raises(DivergedError, match="smaller learning rate"):
        train(_pairs(), config=config, checkpoint_path=path)
    assert list(tmp_path.glob("*.part")) == []


def test_a_checkpoint_of_other_settings_or_pairs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    train(_pairs(), config=replace(TINY, epochs=1), checkpoint_path=path)
    with pytest.raises(CheckpointError, match="other pairs or other settings"):
        train(_pairs(), config=TINY, checkpoint_path=path)
    with pytest.raises(CheckpointError, match="other pairs or other settings"):
        train(_pairs(6), config=replace(TINY, epochs=1), checkpoint_path=path)


def test_a_checkpoint_of_another_intensity_scale_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, config = tmp_path / "run.ckpt", replace(TINY, epochs=1)
    train(_pairs(), config=config, checkpoint_path=path)
    monkeypatch.setattr(
        "enhancement.training.loop.fit_normalisation",
        lambda *planes, bounded: replace(fit_normalisation(*planes, bounded=bounded), slope=1.4),
    )
    with pytest.raises(CheckpointError, match="other pairs or other settings"):
        train(_pairs(), config=config, checkpoint_path=path)


def test_one_pair_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="at least three fields"):
        train(_pairs(1), config=TINY, checkpoint_path=tmp_path / "run.ckpt")


def test_training_changes_neither_its_input_nor_the_random_numbers_and_threads_of_the_process(tmp_path: Path) -> None:
    pairs = _pairs()
    before = [(pair.raw.copy(), pair.target.copy()) for pair in pairs]
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    train(pairs, config=replace(TINY, epochs=1), checkpoint_path=tmp_path / "run.ckpt")
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    for pair, (raw, target) in zip(pairs, before, strict=True):
        np.testing.assert_array_equal(pair.raw, raw)
        np.testing.assert_array_equal(pair.target, target)
