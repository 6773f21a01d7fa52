"""The parent's side: asks a confined process to open files and to decode their planes."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pipe
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from common import errors
from common.errors import StrehlError, TooLargeError, UnreadableImageError
from metrology.imaging.lazy import LazyPlanes
from metrology.imaging.mosaics import TileGrid
from metrology.imaging.stack import ImageStack, Metadata, Sourced
from metrology.imaging.trust import MAX_PIXELS, check_pixels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection

START_SECONDS = 60.0
MOST_FILES = 500
"""After so many a fresh process takes over, so that what the libraries leak does not add up."""
ENVIRONMENT = {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""All that the process knows of its surroundings: no address or password of a database goes into it."""
HINT = "Copy or export it again from the acquisition computer, as OME-TIFF if it happens again."


@dataclass(frozen=True, slots=True)
class Limits:
    """What the parsing of one file may cost.

    Parameters
    ----------
    memory_bytes : int
        Address space of the reading process [bytes].
    seconds : float
        For the header, and again for each plane [s].
    """

    memory_bytes: int = 6 * 1024**3
    seconds: float = 60.0


class Reader:
    """A confined process and the files that it has open; started when it is first asked, and again when it has died.

    Parameters
    ----------
    limits : Limits
        Of each question.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._questions: Connection
        self._pixels_fd = -1
        self._opened = 0
        self._unneeded: deque[int] = deque()  # told with the next question: a stack may be forgotten at any moment

    def read(self, path: Path | str, *, max_pixels: int = MAX_PIXELS) -> ImageStack:
        """Read a file as `metrology.imaging.readers.read` does, in the confined process.

        Parameters
        ----------
        path : Path or str
            The file.
        max_pixels : int
            Largest z-stack of one channel [px].

        Returns
        -------
        ImageStack
            Its planes are decoded in the confined process when they are asked for.

        Raises
        ------
        UnreadableImageError
            As the reader says, or the process died or took too long on the file.
        AxesError, TooLargeError
            As the reader says.
        """
        path = Path(path)
        with self._lock:
            if self._opened >= MOST_FILES:
                self._end()
            number = next(self._ids)
            question = {"do": "open", "id": number, "path": str(path.absolute()), "max_pixels": max_pixels}
            said = self._ask(question, path)
            self._opened += 1
            process = self._process
        return self._stack(said, path, number, process, max_pixels)

    def close(self) -> None:
        """End the process; stacks that it has opened give no more planes."""
        with self._lock:
            self._end()

    def _stack(
        self,
        said: Mapping[str, Any],
        path: Path,
        number: int,
        process: subprocess.Popen[bytes] | None,
        max_pixels: int,
    ) -> ImageStack:
        """Make the stack of what the process said, trusting none of its sizes."""
        shape = _five(said["shape_tczyx"])
        check_pixels(shape, max_pixels=max_pixels)
        dtype = np.dtype(str(said["dtype"]))
        if dtype.kind not in "uf" or dtype.itemsize > 8:
            raise UnreadableImageError(f"The pixels of {path.name} are of type {dtype}.", hint=HINT, file=path.name)

        def decode(t: int, c: int, z: int) -> np.ndarray:
            with self._lock:
                self._same(process, path)
                self._ask({"do": "plane", "id": number, "t": t, "c": c, "z": z}, path)
                return _pixels(self._pixels_fd, shape[3:], dtype)

        grid = said["tile_grid"]
        return ImageStack(
            LazyPlanes(path, str(said["file_format"]), shape, dtype, decode, partial(self._unneeded.append, number)),
            _metadata(said["metadata"]),
            str(said["file_format"]),
            None if grid is None else TileGrid(int(grid[0]), int(grid[1]), _two(grid[2]), _two(grid[3])),
            MappingProxyType({(t, c): np.asarray(means, np.float64) for t, c, means in said["slice_means"]}),
        )

    def _same(self, process: subprocess.Popen[bytes] | None, path: Path) -> None:
        if self._process is not process:
            raise UnreadableImageError(
                f"The reader of {path.name} has ended.", hint="Measure it again.", file=path.name
            )

    def _ask(self, question: dict[str, Any], path: Path) -> Mapping[str, Any]:
        """Ask, wait, and return the answer; a process that dies or hangs is replaced and the file refused."""
        if self._process is None:
            self._start()
        try:
            close = [self._unneeded.popleft() for _ in range(len(self._unneeded))]
            self._questions.send_bytes(json.dumps({**question, "close": close}).encode())
            if not self._questions.poll(self.limits.seconds):
                self._end()
                raise UnreadableImageError(
                    f"Reading {path.name} took longer than {self.limits.seconds:g} s.", hint=HINT, file=path.name
                )
            said = json.loads(self._questions.recv_bytes())
        except (EOFError, OSError, ValueError) as error:
            code = self._end()
            raise UnreadableImageError(
                f"The reader died on {path.name}.", hint=HINT, file=path.name, exit_code=code
            ) from error
        if "error" in said:
            raise _error(said)
        answer: Mapping[str, Any] = said["answer"]
        return answer

    def _start(self) -> None:
        ours, theirs = Pipe()
        self._pixels_fd = os.memfd_create("strehl-pixels")
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [
                    *(sys.executable, "-m", "metrology.imaging.confined.child"),
                    *(str(theirs.fileno()), str(self._pixels_fd), str(self.limits.memory_bytes)),
                ],
                cwd=Path(__file__).parents[3],
                env=ENVIRONMENT,
                pass_fds=(theirs.fileno(), self._pixels_fd),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._questions, self._opened = ours, 0
        self._unneeded.clear()
        if not ours.poll(START_SECONDS):
            self._end()
            raise TooLargeError(
                "The process that reads files does not start.",
                hint="Give the machine more memory, or tell your administrator.",
            )
        try:
            ours.recv_bytes()
        except EOFError as error:
            self._end()
            raise TooLargeError(
                "The process that reads files does not start with the memory that it is allowed.",
                hint="Ask your administrator to raise the limit.",
                memory_bytes=self.limits.memory_bytes,
            ) from error

    def _end(self) -> int | None:
        """End the process, if it has not ended by itself, and return with what code it did."""
        if self._process is None:
            return None
        self._process.kill()
        code = self._process.wait()
        self._questions.close()
        os.close(self._pixels_fd)
        self._process = None
        return code


def _pixels(fd: int, shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    """Copy a plane out of the anonymous file; mapped into memory, it would still be the other process's to change."""
    plane = np.empty(shape, dtype)
    room, at = plane.data.cast("B"), 0
    while at < len(room):
        read = os.preadv(fd, [room[at:]], at)  # at most 2 GiB a call
        if not read:
            raise ValueError("fewer pixels than the reader promised")
        at += read
    return plane


def _error(said: Mapping[str, Any]) -> StrehlError:
    """Make the error again that the process raised; a class that is none of the tree's becomes "unreadable"."""
    known = getattr(errors, str(said["error"]), None)
    cls = known if isinstance(known, type) and issubclass(known, StrehlError) else UnreadableImageError
    details = {str(name): value for name, value in said["details"].items() if name not in {"problem", "hint"}}
    return cls(str(said["problem"]), hint=str(said["hint"]), **details)


def _metadata(said: Mapping[str, Any]) -> Metadata:
    fields = {name: found for name, found in said.items() if name != "channels"}
    return Metadata(MappingProxyType(_fields(fields)), tuple(_fields(one) for one in said["channels"]))


def _fields(said: Mapping[str, Any]) -> dict[str, Sourced]:
    found = {name: Sourced(one["value"], str(one["source"])) for name, one in said.items()}
    if "acquired_at" in found:
        found["acquired_at"] = Sourced(
            dt.datetime.fromisoformat(found["acquired_at"].value), found["acquired_at"].source
        )
    return found


def _five(sizes: list[Any]) -> tuple[int, int, int, int, int]:
    times, channels, slices, rows, columns = (max(int(size), 0) for size in sizes)
    return times, channels, slices, rows, columns


def _two(sizes: list[Any]) -> tuple[int, int]:
    return int(sizes[0]), int(sizes[1])
