"""Everything a run needs to go on after a kill, and the weights it leaves, written so that no half file ever stays."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from common.errors import CheckpointError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

METADATA_KEY = "strehl"


def write_atomically(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file so that a reader finds the old one or the new one, never a part.

    Parameters
    ----------
    path : Path
        Where the file goes.
    write : callable
        Writes the content to an open binary file.

    Raises
    ------
    StorageError
        If the disk refuses; the old file, if any, is untouched.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StorageError(
            f"{path.name} could not be written ({error.strerror or error}).",
            hint="Free space on the disk of the media folder, then start the run again: it resumes.",
            file=path.name,
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state of a run.

    Parameters
    ----------
    path : Path
        Where the checkpoint goes.
    state : mapping
        Tensors, numbers, strings, and lists and dicts of them.

    Raises
    ------
    StorageError
        If the disk refuses.
    """

    def write(file: BinaryIO) -> None:
        try:
            torch.save(dict(state), file)
        except RuntimeError as error:  # torch's zip writer hides the OSError of a full disk
            raise OSError(0, str(error).splitlines()[0]) from error

    write_atomically(path, write)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read the state of a run.

    Parameters
    ----------
    path : Path
        A checkpoint written by `save_checkpoint`.

    Returns
    -------
    dict
        What was saved, on the CPU.

    Raises
    ------
    CheckpointError
        If the file is not such a checkpoint.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, KeyError, ValueError, UnpicklingError) as error:
        raise CheckpointError(
            f"The checkpoint {path.name} cannot be read.",
            hint="Remove it to start the training from the beginning.",
            file=path.name,
        ) from error
    return state


def save_weights(path: Path, weights: Mapping[str, torch.Tensor], *, metadata: Mapping[str, Any]) -> str:
    """Write a generator's weights as safetensors, which hold no code.

    Parameters
    ----------
    path : Path
        Where the weights go.
    weights : mapping
        Tensors by name.
    metadata : mapping
        JSON-serialisable facts needed to apply the weights: architecture, hyper-parameters, normalisation.

    Returns
    -------
    str
        SHA-256 of the file, in hexadecimal.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
    content = save(tensors, metadata={METADATA_KEY: json.dumps(dict(metadata), sort_keys=True)})

    def write(file: BinaryIO) -> None:
        file.write(content)

    write_atomically(path, write)
    return hashlib.sha256(content).hexdigest()


def load_weights(path: Path, *, sha256: str | None = None) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read a generator's weights and what was written beside them.

    Parameters
    ----------
    path : Path
        A file written by `save_weights`.
    sha256 : str, optional
        The hash the file must have.

    Returns
    -------
    weights : dict
        Tensors by name.
    metadata : dict
        Architecture, hyper-parameters, normalisation.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, not Strehl's, or not the one that was released.
    """
    hint = "Restore the file from a backup, or train the model again."
    try:
        if sha256 is not None and hashlib.sha256(Path(path).read_bytes()).hexdigest() != sha256:
            raise CheckpointError(f"The weights {path.name} are not those that were stored.", hint=hint, file=path.name)
        with safe_open(str(path), framework="pt") as file:
            stored = (file.metadata() or {}).get(METADATA_KEY)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"The weights {path.name} cannot be read.", hint=hint, file=path.name) from error
    if stored is None:
        raise CheckpointError(f"The weights {path.name} do not say how to apply them.", hint=hint, file=path.name)
    return weights, json.loads(stored)
