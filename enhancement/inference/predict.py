"""Load released weights and restore a plane of counts with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from common.errors import AxesError, CheckpointError, InputError
from enhancement.inference.tiling import map_tiles
from enhancement.inference.tta import eight_fold
from enhancement.networks.catalogue import ARCHITECTURES, build_generator
from enhancement.training.checkpoints import load_weights
from enhancement.training.devices import private_state
from enhancement.training.normalisation import Normalisation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn


@dataclass(frozen=True, slots=True)
class Restorer:
    """A trained generator ready to be applied, with the scale it was trained on."""

    generator: nn.Module
    normalisation: Normalisation
    architecture: str
    size_multiple: int
    """Tile sides must be multiples of this [px]."""
    metadata: dict[str, Any]
    """What was stored beside the weights: settings, split, best epoch."""
    threads: int | None


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored plane, and where the network contradicts itself."""

    image: NDArray[np.float32]
    """(Y, X) [counts of the target detector]."""
    spread: NDArray[np.float32]
    """(Y, X) standard deviation over the eight orientations; 0 everywhere without test-time augmentation [counts]."""


def load_model(weights_path: Path, *, sha256: str | None = None, threads: int | None = None) -> Restorer:
    """Load a trained generator from its released weights.

    Parameters
    ----------
    weights_path : Path
        A safetensors file written by training.
    sha256 : str, optional
        The hash the file must have.
    threads : int, optional
        Processor threads of torch while restoring; None leaves torch's own choice.

    Returns
    -------
    Restorer
        Ready for `restore`.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, not the one that was released, or of an architecture Strehl does not know.
    """
    weights, metadata = load_weights(weights_path, sha256=sha256)
    name = metadata.get("architecture")
    if name not in ARCHITECTURES:
        raise CheckpointError(
            f"The weights {weights_path.name} are of an unknown network ({name}).",
            hint="Train the model again with a network of the catalogue.",
            architecture=str(name),
        )
    with private_state(threads=None):
        generator = build_generator(name, **metadata["generator"])
    try:
        generator.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(
            f"The weights {weights_path.name} do not fit the network they name.",
            hint="Restore the file from a backup, or train the model again.",
            architecture=name,
        ) from error
    generator.eval()
    return Restorer(
        generator=generator,
        normalisation=Normalisation.from_dict(metadata["normalisation"]),
        architecture=name,
        size_multiple=int(generator.size_multiple),  # type: ignore[arg-type]  # torch types attributes as tensors
        metadata=metadata,
        threads=threads,
    )


def restore(
    restorer: Restorer,
    plane: NDArray[Any],
    *,
    tile_px: int = 256,
    overlap_px: int = 32,
    tta: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
) -> Restored:
    """Restore a plane of any size, tile by tile.

    Parameters
    ----------
    restorer : Restorer
        The model.
    plane : (Y, X) array
        Intensities of the raw detector [counts].
    tile_px : int
        Side of a tile [px], a multiple of the network's own.
    overlap_px : int
        Width of the band neighbouring tiles share [px].
    tta : bool
        Whether to average the eight orientations (eight times slower, a little better, and the source of `spread`).
    on_progress : callable, optional
        Called with (tiles done, tiles in all).

    Returns
    -------
    Restored
        Image and spread [counts of the target detector]. Nothing is clipped.

    Raises
    ------
    AxesError
        If the plane is not (Y, X).
    InputError
        If it holds pixels that are not numbers, or the tile does not fit the network.
    """
    _check(restorer, plane, tile_px)
    scale = restorer.normalisation
    spread = np.zeros(plane.shape, np.float32)
    with private_state(threads=restorer.threads), torch.inference_mode():
        unit = scale.raw_to_unit(plane)
        if not tta:
            image = map_tiles(
                unit,
                lambda tile: _forward(restorer, tile),
                tile_px=tile_px,
                overlap_px=overlap_px,
                on_progress=on_progress,
            )
        else:
            image, spread = _restore_eight_fold(
                restorer, unit, tile_px=tile_px, overlap_px=overlap_px, on_progress=on_progress
            )
    return Restored(image=scale.unit_to_target(image), spread=scale.unit_spread_to_target(spread))


def _restore_eight_fold(
    restorer: Restorer,
    unit: NDArray[np.float32],
    *,
    tile_px: int,
    overlap_px: int,
    on_progress: Callable[[int, int], None] | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the joined means and spreads; the spreads wait for a second joining of the same tiles."""
    spreads: list[NDArray[np.float32]] = []

    def mean_of_tile(tile: NDArray[np.float32]) -> NDArray[np.float32]:
        mean, spread = eight_fold(tile, lambda turned: _forward(restorer, turned))
        spreads.append(spread)
        return mean

    image = map_tiles(unit, mean_of_tile, tile_px=tile_px, overlap_px=overlap_px, on_progress=on_progress)
    waiting = iter(spreads)
    spread = map_tiles(unit, lambda _: next(waiting), tile_px=tile_px, overlap_px=overlap_px)
    return image, spread


def _forward(restorer: Restorer, tile: NDArray[np.float32]) -> NDArray[np.float32]:
    device = next(restorer.generator.parameters()).device
    output: NDArray[np.float32] = restorer.generator(torch.from_numpy(tile)[None, None].to(device))[0, 0].cpu().numpy()
    return output


def _check(restorer: Restorer, plane: NDArray[Any], tile_px: int) -> None:
    if plane.ndim != 2 or plane.size == 0:
        raise AxesError(
            f"A plane (Y, X) can be restored, not an array of shape {plane.shape}.",
            hint="Restore one channel and one slice at a time.",
            shape=list(plane.shape),
        )
    if not np.isfinite(plane).all():
        raise InputError(
            "The plane holds pixels that are not numbers.", hint="Acquire or export the image again, then restore it."
        )
    if tile_px % restorer.size_multiple:
        raise InputError(
            f"Tiles of {tile_px} px do not fit the network.",
            hint=f"Choose a multiple of {restorer.size_multiple} px.",
            tile_px=tile_px,
        )
