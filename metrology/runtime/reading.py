"""Files are read by a confined process of each worker, never by the worker itself."""

from __future__ import annotations

import math
import os
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from common.errors import StrehlError
from metrology.imaging.confined.reader import Limits, Reader
from metrology.imaging.registration import overview_bytes
from metrology.imaging.stack import ImageStack, Sourced
from metrology.models import Acquisition

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_KEPT_BYTES = 64 * 1024**2
"""A reference up to this size, with what a registration keeps of it, stays in the worker's memory: a mosaic of 5120 × 5120
of 16 bit does [byte]."""


def read_file(path: Path) -> ImageStack:
    """Read a file within the limits of this installation.

    Raises
    ------
    StrehlError
        As `metrology.imaging.confined.reader.Reader.read`.
    """
    return _reader(os.getpid()).read(path, max_pixels=settings.MAX_PIXELS)


def read_original(acquisition: Acquisition) -> ImageStack:
    """Read the original of an acquisition; what is wrong with it is said with the name that people know it by.

    Raises
    ------
    StrehlError
        As `read_file`.
    """
    path = acquisition.stored_file.path
    try:
        return read_file(path)
    except StrehlError as error:
        details = {**error.details, "file": acquisition.original_name}
        problem = error.problem.replace(path.name, acquisition.original_name)
        raise type(error)(problem, hint=error.hint, **details) from error


def read_reference(acquisition: Acquisition) -> ImageStack:
    """Read an acquisition that others are compared with: once for the many scans that follow, where it is small.

    Raises
    ------
    StrehlError
        As `read_file`.
    """
    return _kept(acquisition.pk) or read_original(acquisition)


def read_dark(acquisition: Acquisition) -> ImageStack:
    """Read a scan of dark frames, all of them: once for the many scans that follow, where it is small.

    Raises
    ------
    StrehlError
        As `read_file`.
    """
    return _kept(acquisition.pk, all_times=True) or read_original(acquisition)


@lru_cache(maxsize=4)
def _kept(acquisition_id: int, *, all_times: bool = False) -> ImageStack | None:
    """Return an image whose first, or every, time point is in memory, None where that is large; originals never change."""
    stack = read_original(Acquisition.objects.select_related("stored_file").get(pk=acquisition_id))
    times, channels, *sizes = stack.shape_tczyx
    kept = times if all_times else 1
    overviews = 0 if all_times else channels * overview_bytes((sizes[1], sizes[2]))
    if float(kept) * channels * math.prod(sizes) * stack.dtype.itemsize + overviews > LARGEST_KEPT_BYTES:
        return None
    pixels = np.stack([[stack.z_stack(t=t, c=channel) for channel in range(channels)] for t in range(kept)])
    means = {(t, c): pixels[t, c].mean(axis=(1, 2), dtype=np.float64) for t in range(kept) for c in range(channels)}
    image = ImageStack(pixels, stack.metadata, stack.file_format, stack.tile_grid, MappingProxyType(means))
    if stack.metadata.value("bit_depth") is None:
        return image.with_fields(bit_depth=Sourced(image.bit_depth, "largest count"))
    return image


@cache
def _reader(_process_id: int) -> Reader:
    """Return this process's own reader: one that was started before a fork belongs to the parent."""
    return Reader(Limits(memory_bytes=settings.READER_MEMORY_BYTES, seconds=settings.READER_SECONDS))
