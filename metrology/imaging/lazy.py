"""Planes that are decoded when somebody asks for them."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from metrology.imaging.trust import damaged, saying_damage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from metrology.imaging.mosaics import TileGrid
    from metrology.imaging.stack import Metadata

RECENT_BYTES = 64 * 1024**2
"""Planes decoded last that an open file keeps, so that the next pass over them need not decode again [bytes]."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class LazyPlanes:
    """The planes of an open file, which is closed when nobody holds them any more.

    Parameters
    ----------
    path : Path
        The file, for the sentences of errors.
    kind : str
        Its format, for the same.
    shape_tczyx : tuple of int
        Number of time points, channels, slices, rows and columns.
    dtype : dtype
        Type of number of a decoded pixel.
    decode : callable (t, c, z) -> ndarray, shape (Y, X)
        Reads one plane.
    release : callable () -> None
        Closes the file.

    Notes
    -----
    Not for several threads at a time: the readers' libraries share one position in the file.
    """

    path: Path
    kind: str
    shape_tczyx: tuple[int, int, int, int, int]
    dtype: np.dtype
    decode: Callable[[int, int, int], np.ndarray]
    release: Callable[[], object]
    _recent: OrderedDict[tuple[int, int, int], np.ndarray] = field(default_factory=OrderedDict, repr=False)

    def __post_init__(self) -> None:
        weakref.finalize(self, self.release)

    def plane(self, t: int, c: int, z: int) -> np.ndarray:
        """Return one plane as a read-only array, decoded now unless it was among the last ones.

        Raises
        ------
        IndexError
            There is no such plane.
        UnreadableImageError
            The plane is damaged.
        TooLargeError
            The machine has not enough memory for it.
        """
        where = (range(self.shape_tczyx[0])[t], range(self.shape_tczyx[1])[c], range(self.shape_tczyx[2])[z])
        if where in self._recent:
            self._recent.move_to_end(where)
            return self._recent[where]
        with saying_damage(self.path, kind=self.kind):
            plane = np.ascontiguousarray(self.decode(*where), dtype=self.dtype)
        if plane.shape != self.shape_tczyx[3:]:
            raise damaged(self.path, f"a plane of {plane.shape} instead of {self.shape_tczyx[3:]}", kind=self.kind)
        plane.flags.writeable = False
        self._keep(where, plane)
        return plane

    def _keep(self, where: tuple[int, int, int], plane: np.ndarray) -> None:
        room = RECENT_BYTES - plane.nbytes
        while self._recent and sum(kept.nbytes for kept in self._recent.values()) > room:
            self._recent.popitem(last=False)
        if room >= 0:
            self._recent[where] = plane

    def converted(self, dtype: np.dtype) -> LazyPlanes:
        """Return the same planes in another type of number, which must hold every pixel."""
        if dtype == self.dtype:
            return self

        def decode(t: int, c: int, z: int) -> np.ndarray:
            return self.decode(t, c, z).astype(dtype)  # holding on to `self` holds the file open

        return LazyPlanes(self.path, self.kind, self.shape_tczyx, dtype, decode, _nothing)


def _nothing() -> None:
    """Leave the file to whoever opened it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a reader of one format makes of a file.

    Parameters
    ----------
    planes : LazyPlanes
        Its planes, in the type of number that the file has.
    metadata : Metadata
        What the file says.
    file_format : str
        Such as "Zeiss CZI".
    tile_grid : TileGrid, optional
        How the fields of a tile scan lie in each plane.
    """

    planes: LazyPlanes
    metadata: Metadata
    file_format: str
    tile_grid: TileGrid | None = None
