"""The process in which files are parsed: reads what it is told, keeps nothing, and dies with its parent.

Started as `python -m metrology.imaging.confined.child FD FD BYTES`: a connection for questions and answers, an anonymous
file for pixels, and the memory that it may have. Questions and answers are JSON; pickles of a process that may have been
turned by a hostile file are never read.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import StrehlError, TooLargeError

if TYPE_CHECKING:
    from metrology.imaging.stack import ImageStack

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


def confine(memory_bytes: int) -> None:
    """Limit this process: memory, no core dump, no privileges to gain, and an end with its parent.

    Parameters
    ----------
    memory_bytes : int
        Address space [bytes].
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def answer(question: dict[str, Any], stacks: dict[int, ImageStack], pixels_fd: int) -> dict[str, Any]:
    """Do what is asked.

    Parameters
    ----------
    question : dict
        `{"do": "open", "id": …, "path": …, "max_pixels": …}` or `{"do": "plane", "id": …, "t": …, "c": …, "z": …}`; each
        with `"close": [ids]` of files that nobody needs any more.
    stacks : dict of int to ImageStack
        Files that are open, by the number that the parent gave them.
    pixels_fd : int
        Anonymous file into which the pixels of a plane are written.

    Returns
    -------
    dict
        What the file says; nothing for a plane.

    Raises
    ------
    StrehlError
        As `metrology.imaging.readers.read`.
    """
    for number in question["close"]:
        stacks.pop(number, None)
    if question["do"] == "plane":
        plane = stacks[question["id"]].plane(t=question["t"], c=question["c"], z=question["z"])
        _write(pixels_fd, plane.data.cast("B"))
        return {}
    from metrology.imaging.readers import read

    stack = read(Path(question["path"]), max_pixels=question["max_pixels"])
    stacks[question["id"]] = stack
    grid = stack.tile_grid
    return {
        "shape_tczyx": stack.shape_tczyx,
        "dtype": stack.dtype.str,
        "metadata": stack.metadata.as_json(),
        "file_format": stack.file_format,
        "tile_grid": grid and [grid.rows, grid.columns, grid.tile_shape, grid.overlap_yx],
        "slice_means": [[t, c, means.tolist()] for (t, c), means in stack.slice_means.items()],
    }


def main() -> None:
    """Answer until the parent hangs up."""
    questions, pixels_fd, memory_bytes = Connection(int(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
    import metrology.imaging.readers  # noqa: F401 - the libraries' own memory is taken before it is limited

    confine(memory_bytes)
    questions.send_bytes(b"{}")
    stacks: dict[int, ImageStack] = {}
    while True:
        try:
            question = json.loads(questions.recv_bytes())
        except EOFError:
            return
        try:
            said: dict[str, Any] = {"answer": answer(question, stacks, pixels_fd)}
        except StrehlError as error:
            said = _refusal(error)
        except MemoryError:
            stacks.clear()
            said = _refusal(
                TooLargeError(
                    "The file needs more memory to be read than a reader may have.",
                    hint="Export fewer slices, channels or tiles, or ask your administrator to raise the limit.",
                )
            )
        questions.send_bytes(json.dumps(said).encode())


def _refusal(error: StrehlError) -> dict[str, Any]:
    details = {name: value for name, value in error.details.items() if isinstance(value, str | int | float | list)}
    return {"error": type(error).__name__, "problem": error.problem, "hint": error.hint, "details": details}


def _write(pixels_fd: int, pixels: memoryview) -> None:
    """Write all of a plane at the beginning of the anonymous file."""
    os.ftruncate(pixels_fd, len(pixels))
    at = 0
    while at < len(pixels):
        at += os.pwrite(pixels_fd, pixels[at:], at)


if __name__ == "__main__":
    main()
