"""The whole way on real pairs: train briefly, tune the filters, and let the gate judge on fields kept aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from enhancement.evaluation.gate import judge
from enhancement.evaluation.scores import affine_fit, compare
from enhancement.filters.conventional import apply, tune
from enhancement.inference.predict import load_model, restore
from enhancement.training.config import TrainingConfig
from enhancement.training.dataset import TrainingPair
from enhancement.training.loop import train

if TYPE_CHECKING:
    from pathlib import Path

FILTERS = ("gaussian", "mean", "median")


def _pairs(folder: Path, count: int) -> list[TrainingPair]:
    """Middle 256² of W2S fields; each file was stretched on its own, so the target is put on the raw plane's scale."""
    middle = (slice(128, 384), slice(128, 384))
    pairs = []
    for path in sorted((folder / "clean").glob("*.tif"))[:count]:
        target = tifffile.imread(path).astype(np.float64)
        raw = tifffile.imread(folder / "noisy" / path.name)
        fitted = affine_fit(target, raw).apply(target).astype(np.float32)
        pairs.append(TrainingPair(path.stem, raw[middle], fitted[middle]))
    return pairs


@pytest.mark.slow
@pytest.mark.real_data
def test_a_few_hundred_steps_on_twenty_w2s_fields_beat_every_tuned_filter_on_fields_kept_aside(
    real_data: Path, tmp_path: Path
) -> None:
    pairs = _pairs(real_data / "paired" / "w2s", 20)
    config = TrainingConfig.preset("quick", epochs=10, max_seconds=None, adversarial_weight=0, threads=1)
    result = train(pairs, config=config, checkpoint_path=tmp_path / "run.ckpt")
    by_id = {pair.field_id: pair for pair in pairs}
    tuning = [(by_id[name].raw, by_id[name].target) for name in (*result.split.train, *result.split.validation)]
    tuned = [tune(name, tuning) for name in FILTERS]
    test = [by_id[name] for name in result.split.test]
    restorer = load_model(result.weights_path, sha256=result.weights_sha256, threads=1)
    predictions = {entry.id: [apply(entry.id, pair.raw, entry.parameters) for pair in test] for entry in tuned}
    predictions["network_tta"] = [restore(restorer, pair.raw).image for pair in test]
    comparison = compare(
        predictions, [pair.target for pair in test], field_ids=result.split.test, full_scale_counts=255
    )
    verdict = judge(comparison, filters=FILTERS)
    assert verdict.passed, "\n".join(check.sentence for check in verdict.checks)
