from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from common.errors import AxesError, CheckpointError, InputError
from enhancement.inference.predict import Restorer, load_model, restore
from enhancement.networks.catalogue import build_generator
from enhancement.training.checkpoints import save_weights
from enhancement.training.normalisation import Normalisation

if TYPE_CHECKING:
    from pathlib import Path

SCALE = Normalisation(offset=100, scale=2000, slope=0.5, intercept=20)
SMALL = {"filters": 4, "levels": 1, "entry_stride": 1, "smoothing_px": 0.0}


def _weights(folder: Path, *, trained: bool = False, **changes: object) -> Path:
    torch.manual_seed(0)
    network = build_generator("residual_unet_gan", **SMALL)
    if trained:
        nn.init.normal_(network.last.weight, 0, 0.05)
    metadata = {"architecture": "residual_unet_gan", "generator": SMALL, "normalisation": SCALE.as_dict(), **changes}
    save_weights(folder / "model.safetensors", network.state_dict(), metadata=metadata)
    return folder / "model.safetensors"


@pytest.fixture
def plane() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4096, size=(150, 170)).astype(np.uint16)


def _identity(folder: Path) -> Restorer:
    return load_model(_weights(folder), threads=1)


@pytest.mark.parametrize("tta", [True, False])
def test_an_untrained_network_only_changes_the_detectors_scale(tmp_path: Path, plane: np.ndarray, tta: bool) -> None:
    before = plane.copy()
    restored = restore(_identity(tmp_path), plane, tile_px=64, overlap_px=16, tta=tta)
    np.testing.assert_allclose(restored.image, (plane - 20.0) / 0.5, rtol=1e-4, atol=0.05)
    np.testing.assert_array_equal(restored.spread, 0)
    assert restored.image.dtype == restored.spread.dtype == np.float32
    np.testing.assert_array_equal(plane, before)


def test_counts_above_and_below_all_training_data_are_not_clipped(tmp_path: Path) -> None:
    plane = np.array([[0, 65535]] * 8, np.uint16).repeat(8, axis=1)
    restored = restore(_identity(tmp_path), plane, tile_px=32, overlap_px=8, tta=False)
    assert restored.image.max() == pytest.approx((65535 - 20) / 0.5, rel=1e-4)
    assert restored.image.min() == pytest.approx(-40, abs=0.5)


def test_a_trained_network_restores_by_tiles_what_it_restores_in_one_piece(tmp_path: Path, plane: np.ndarray) -> None:
    restorer = load_model(_weights(tmp_path, trained=True), threads=1)
    whole = restore(restorer, plane[:128, :128], tile_px=128, tta=False)
    tiles = restore(restorer, plane[:128, :128], tile_px=96, overlap_px=40, tta=False)
    np.testing.assert_allclose(tiles.image, whole.image, rtol=1e-4, atol=0.1)


def test_the_eight_fold_mean_has_the_symmetry_a_single_pass_lacks(tmp_path: Path, plane: np.ndarray) -> None:
    restorer = load_model(_weights(tmp_path, trained=True), threads=1)
    square = plane[:64, :64]
    restored = restore(restorer, square, tile_px=64, overlap_px=16)
    turned = restore(restorer, np.rot90(square), tile_px=64, overlap_px=16)
    np.testing.assert_allclose(np.rot90(restored.image), turned.image, rtol=1e-4, atol=0.1)
    assert restored.spread.min() > 0
    single = restore(restorer, square, tile_px=64, overlap_px=16, tta=False).image
    assert np.abs(single - restored.image).max() > 1


def test_progress_is_told_once_for_each_tile(tmp_path: Path, plane: np.ndarray) -> None:
    seen: list[tuple[int, int]] = []
    restore(_identity(tmp_path), plane, tile_px=128, overlap_px=16, on_progress=lambda *at: seen.append(at))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_weights_of_an_unknown_or_another_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="unknown network"):
        load_model(_weights(tmp_path, architecture="perceptron"))
    with pytest.raises(CheckpointError, match="do not fit"):
        load_model(_weights(tmp_path, generator={**SMALL, "filters": 8}))


def test_what_is_not_a_finite_plane_is_refused(tmp_path: Path, plane: np.ndarray) -> None:
    restorer = _identity(tmp_path)
    with pytest.raises(AxesError, match="one channel and one slice"):
        restore(restorer, np.zeros((3, 32, 32)))
    with pytest.raises(InputError, match="not numbers"):
        restore(restorer, np.full((32, 32), np.nan))
    with pytest.raises(InputError, match="multiple of 2"):
        restore(restorer, plane, tile_px=33)
