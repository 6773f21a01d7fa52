"""From a frozen manifest to planes in memory: read, checked, registered."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.errors import ConstantImageError, InputError, RegistrationError, TrainingDataError
from enhancement.models import PairSource
from enhancement.training.dataset import TrainingPair
from metrology.imaging.planes import brightest_slice
from metrology.imaging.registration import crop_to_overlap, register
from metrology.models import StoredFile
from metrology.runtime.reading import read_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from enhancement.models import TrainingSet
    from metrology.imaging.stack import ImageStack

STACKS_KEPT = 2


@dataclass(frozen=True, slots=True)
class LoadedPairs:
    """The pairs of a training set, by the part they play."""

    train: tuple[TrainingPair, ...]
    validation: tuple[TrainingPair, ...]
    test: tuple[TrainingPair, ...]
    bit_depth: int
    """Effective bits of the raw planes [bit]."""
    pixel_size_um: float | None
    """Side of a pixel of the first pair [µm]; None where the file does not say."""

    @property
    def all(self) -> tuple[TrainingPair, ...]:
        """Every pair."""
        return self.train + self.validation + self.test


def load_pairs(frozen: TrainingSet, *, on_progress: Callable[[float], None] | None = None) -> LoadedPairs:
    """Read the pairs that a manifest names.

    Parameters
    ----------
    frozen : TrainingSet
        The frozen choice.
    on_progress : callable, optional
        Called with the share that is read.

    Returns
    -------
    LoadedPairs
        Registered planes of equal shape [counts].

    Raises
    ------
    TrainingDataError
        If a file is missing or unreadable, or the two images of a pair have different shapes or do not show the same field.
    """
    files = _Files()
    parts: dict[str, list[TrainingPair]] = {"train": [], "validation": [], "test": []}
    entries: list[dict[str, Any]] = frozen.manifest["pairs"]
    for index, entry in enumerate(entries):
        parts[entry["part"]].append(_load(entry, files, simultaneous=frozen.source == PairSource.CHANNELS))
        if on_progress is not None:
            on_progress((index + 1) / len(entries))
    return LoadedPairs(
        train=tuple(parts["train"]),
        validation=tuple(parts["validation"]),
        test=tuple(parts["test"]),
        bit_depth=files.bit_depth,
        pixel_size_um=files.pixel_size_um,
    )


class _Files:
    """Reads originals, keeping the last two, because both sides of a pair are often in one file."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, ImageStack] = OrderedDict()
        self.bit_depth = 0
        self.pixel_size_um: float | None = None

    def stack(self, sha256: str, *, field: str) -> ImageStack:
        if sha256 not in self._kept:
            try:
                stack = read_file(StoredFile(sha256=sha256).path)
            except InputError as error:
                raise TrainingDataError(
                    f"An image of field {field} cannot be read: {error.problem}",
                    hint="Restore the media folder from its backup, or start a training without this field.",
                    field=field,
                    sha256=sha256,
                ) from error
            self._kept[sha256] = stack
            if len(self._kept) > STACKS_KEPT:
                self._kept.popitem(last=False)
            self.bit_depth = max(self.bit_depth, stack.bit_depth)
            self.pixel_size_um = self.pixel_size_um or stack.metadata.value("pixel_size_um")
        return self._kept[sha256]


def _load(entry: dict[str, Any], files: _Files, *, simultaneous: bool) -> TrainingPair:
    field = entry["field"]
    raw, z = _plane(entry["raw"], files, field=field)
    target, _ = _plane({**entry["target"], "z": z} if simultaneous else entry["target"], files, field=field)
    if raw.shape != target.shape:
        raise TrainingDataError(
            f"The images of field {field} have different sizes, {_size(raw)} and {_size(target)}.",
            hint="Scan both with the same number of pixels, or start a training without this field.",
            field=field,
            raw_shape=list(raw.shape),
            target_shape=list(target.shape),
        )
    if not simultaneous:
        raw, target = _registered(raw, target, field=field)
    return TrainingPair(field_id=field, raw=raw.copy(), target=target.copy())


def _plane(side: dict[str, Any], files: _Files, *, field: str) -> tuple[NDArray, int]:
    stack = files.stack(side["sha256"], field=field)
    _, channels, slices, _, _ = stack.shape_tczyx
    channel = int(side["channel"])
    if channel >= channels:
        raise TrainingDataError(
            f"The image of field {field} has no channel {channel}.",
            hint="Start a training without this field.",
            field=field,
            channels=channels,
        )
    z = side["z"] if side["z"] is not None and side["z"] < slices else brightest_slice(stack, channel)
    return stack.plane(c=channel, z=int(z)), int(z)


def _registered(raw: NDArray, target: NDArray, *, field: str) -> tuple[NDArray, NDArray]:
    try:
        found = register(raw, target)
    except (RegistrationError, ConstantImageError) as error:
        raise TrainingDataError(
            f"The two images of field {field} cannot be laid over each other: {error.problem}",
            hint="Scan the field again without moving the stage, or start a training without it.",
            field=field,
        ) from error
    return crop_to_overlap(raw, target, found.shift_yx_px)


def _size(plane: NDArray) -> str:
    return f"{plane.shape[1]} × {plane.shape[0]} px"
