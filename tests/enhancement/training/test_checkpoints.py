from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import save_file

from common.errors import CheckpointError, StorageError
from enhancement.training.checkpoints import (
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
    write_atomically,
)

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS = {"layer.weight": torch.arange(6.0).reshape(2, 3)}


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    state = {"epoch": 3, "weights": WEIGHTS, "history": [{"loss": 0.5}], "big": "9" * 40}
    save_checkpoint(tmp_path / "run.ckpt", state)
    loaded = load_checkpoint(tmp_path / "run.ckpt")
    assert torch.equal(loaded.pop("weights")["layer.weight"], WEIGHTS["layer.weight"])
    assert loaded == {"epoch": 3, "history": [{"loss": 0.5}], "big": "9" * 40}


def test_a_write_cut_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    path.write_bytes(b"old")

    def write_half(file) -> None:
        file.write(b"ne")
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space left on device"):
        write_atomically(path, write_half)
    assert [file.name for file in tmp_path.iterdir()] == ["run.ckpt"]
    assert path.read_bytes() == b"old"


def test_a_disk_that_refuses_more_bytes_is_a_storage_error_and_the_old_checkpoint_stays(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    save_checkpoint(path, {"epoch": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageError, match="it resumes"):
            save_checkpoint(path, {"epoch": 2, "weights": torch.zeros(1_000_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [file.name for file in tmp_path.iterdir()] == ["run.ckpt"]
    assert load_checkpoint(path) == {"epoch": 1}


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04broken"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.ckpt").write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(tmp_path / "run.ckpt")


def test_weights_come_back_with_what_was_written_beside_them(tmp_path: Path) -> None:
    sha256 = save_weights(tmp_path / "model.safetensors", WEIGHTS, metadata={"architecture": "residual_unet_gan"})
    weights, metadata = load_weights(tmp_path / "model.safetensors", sha256=sha256)
    assert torch.equal(weights["layer.weight"], WEIGHTS["layer.weight"])
    assert metadata == {"architecture": "residual_unet_gan"}


def test_weights_that_are_not_those_released_are_refused(tmp_path: Path) -> None:
    save_weights(tmp_path / "model.safetensors", WEIGHTS, metadata={})
    with pytest.raises(CheckpointError, match="not those that were stored"):
        load_weights(tmp_path / "model.safetensors", sha256="0" * 64)


def test_missing_damaged_or_foreign_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_weights(tmp_path / "absent.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(b"\x08\x00")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_weights(tmp_path / "damaged.safetensors")
    save_file(WEIGHTS, tmp_path / "foreign.safetensors")
    with pytest.raises(CheckpointError, match="do not say how to apply them"):
        load_weights(tmp_path / "foreign.safetensors")
