"""The restoration of one acquisition: its brightest slice through a released model, into a file that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from common import jobs
from common.errors import CheckpointError
from enhancement.filters.conventional import apply
from enhancement.inference.predict import load_model, restore
from enhancement.models import RestorationModel, RestoredImage
from enhancement.runtime.looks import looks_of
from enhancement.runtime.pictures import write_picture
from enhancement.runtime.restored_file import Provenance, write_restored
from enhancement.runtime.telling import CancelWatch, patiently
from enhancement.runtime.training import tile_size_px
from enhancement.selectors.comparison import parameters_text
from enhancement.services.applicability import judge_applicability
from enhancement.services.records import NewRestoration, restoration_record
from enhancement.training.normalisation import Normalisation
from metrology.imaging.planes import brightest_slice
from metrology.imaging.previews import ContrastWindow, contrast_window
from metrology.runtime.reading import read_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE_NAME = "restored.ome.tif"
PICTURES = ("raw", "restored", "difference", "spread")
DOUBTFUL_SHARE = 0.1
"""Spread above a tenth of the signal: do not quantify there."""
SAME_SCALE = Normalisation(offset=0.0, scale=1.0, slope=1.0, intercept=0.0)


class _CancelledError(Exception):
    """Somebody wanted the end between two tiles."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A restored plane, its spread, and how raw counts come onto its scale."""

    image: NDArray[np.float32]
    spread: NDArray[np.float32] | None
    scale: Normalisation
    method: str


def restore_image(row: RestoredImage) -> None:
    """Restore the brightest slice of an acquisition and write file, pictures and figures into the row's folder.

    Parameters
    ----------
    row : RestoredImage
        A row this worker has claimed.

    Raises
    ------
    InputError
        If the original cannot be read.
    OutOfDomainError
        If the image is far from those the model learned from.
    CheckpointError
        If the weights are missing or not those that were released.
    StorageError
        If the disk refuses.
    """
    acquisition, used = row.acquisition, row.model
    jobs.beat(row, 0.02, "reading the original")
    stack = read_file(acquisition.stored_file.path)
    z = brightest_slice(stack, used.input_channel)
    raw = stack.plane(c=used.input_channel, z=z)
    warnings = [text for text in row.warnings if text.startswith("It was taken through")]
    warnings += judge_applicability(looks_of(raw, bit_depth=stack.bit_depth), used.envelope)
    try:
        made = _filtered(raw, used) if used.kind == RestorationModel.Kind.FILTER else _by_network(raw, row)
    except _CancelledError:
        return
    jobs.beat(row, 0.92, "writing the file")
    saturated = float(np.mean(raw >= 2**stack.bit_depth - 1))
    doubtful = _doubtful_fraction(made)
    provenance = Provenance(
        model_name=used.name,
        model_id=used.pk,
        method=made.method,
        original_name=acquisition.original_name,
        original_sha256=acquisition.stored_file.sha256,
        channel=used.input_channel,
        slice_z=z,
        caution=_caution(doubtful, saturated),
    )
    pixel_size_um = acquisition.pixel_size_um or stack.metadata.value("pixel_size_um")
    sha256, size_bytes = write_restored(
        row.folder / FILE_NAME, made.image, spread=made.spread, pixel_size_um=pixel_size_um, provenance=provenance
    )
    raw_on_scale = made.scale.unit_to_target(made.scale.raw_to_unit(raw))
    window = _write_pictures(row, raw_on_scale, made)
    before, after = (looks_of(plane, bit_depth=stack.bit_depth) for plane in (raw_on_scale, made.image))
    patiently(
        lambda: restoration_record(
            row,
            NewRestoration(
                sha256=sha256,
                size_bytes=size_bytes,
                slice_z=z,
                scores={
                    "attributes": {name: {"raw": before[name], "restored": after[name]} for name in before},
                    "doubtful_fraction": doubtful,
                    "saturated_fraction": saturated,
                    "caution": provenance.caution,
                    "sentence": provenance.sentence,
                },
                preview_window=_windows(window, made.scale),
                warnings=warnings,
            ),
        )
    )


def _filtered(raw: NDArray, used: RestorationModel) -> _Made:
    chosen = used.card["filter"]
    image = apply(chosen["id"], raw, chosen["parameters"]).astype(np.float32)
    return _Made(image, None, SAME_SCALE, f"{chosen['id']} filter, {parameters_text(chosen['parameters'])}")


def _by_network(raw: NDArray, row: RestoredImage) -> _Made:
    used = row.model
    if not used.weights_sha256:
        raise CheckpointError(f"{used.name} has no weights.", hint="Train the model again.", model=used.pk)
    restorer = load_model(used.weights_path, sha256=used.weights_sha256, threads=settings.TORCH_THREADS)
    watch = CancelWatch(row)

    def tell(done: int, tiles: int) -> None:
        if watch():
            raise _CancelledError
        jobs.beat(row, 0.05 + 0.85 * done / tiles, f"tile {done} of {tiles}")

    restored = restore(restorer, raw, tile_px=tile_size_px(restorer), tta=True, on_progress=tell)
    method = f"{restorer.architecture}, weights sha256 {used.weights_sha256}"
    return _Made(restored.image, restored.spread, restorer.normalisation, method)


def _doubtful_fraction(made: _Made) -> float | None:
    """Return the share of pixels whose spread exceeds a tenth of the signal above the image's first percentile."""
    if made.spread is None:
        return None
    signal = made.image - np.percentile(made.image, 1.0)
    return float(np.mean(made.spread > DOUBTFUL_SHARE * np.maximum(signal, 0)))


def _caution(doubtful: float | None, saturated: float) -> str:
    where = f"where the original is saturated ({saturated:.2%} of pixels)"
    if doubtful is None:
        return f"do not quantify details finer than the filter's width, nor {where}."
    return f"do not quantify where the spread exceeds a tenth of the signal ({doubtful:.1%} of pixels), nor {where}."


def _write_pictures(row: RestoredImage, raw: NDArray, made: _Made) -> ContrastWindow:
    window = contrast_window(made.image)
    write_picture(raw, row.folder / "raw.webp", window=window)
    write_picture(made.image, row.folder / "restored.webp", window=window)
    half = (window.white - window.black) / 2
    write_picture(made.image - raw, row.folder / "difference.webp", window=ContrastWindow(-half, half))
    if made.spread is not None:
        spread_window = ContrastWindow(0.0, (window.white - window.black) / 10)
        write_picture(made.spread, row.folder / "spread.webp", window=spread_window)
    return window


def _windows(window: ContrastWindow, scale: Normalisation) -> list[list[float]]:
    """Return the counts shown as black and white: of the restored image, and of the raw one on its own scale."""
    restored = [window.black, window.white]
    return [restored, [scale.slope * count + scale.intercept for count in restored]]
