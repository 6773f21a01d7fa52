"""Thousands of broken files through the confined reader: each is read, or refused by an `InputError`, in its time.

`python -m tests.fuzz.readers --files 10000` (`make fuzz`). The seed decides every file; a file that fails can be made again
with `--only NUMBER`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from common.errors import InputError
from metrology.imaging.confined.reader import Limits, Reader
from tests.fuzz.corpus import corpus
from tests.fuzz.mutations import mutated

MOST_PLANES = 24
LIMITS = Limits(memory_bytes=2 * 1024**3, seconds=10.0)
MOST_PIXELS = 20_000_000


@dataclass
class Outcome:
    """What became of the files of one kind."""

    read: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0


def look_at(reader: Reader, path: Path) -> str:
    """Read a file and some of its planes; return "read" or the class of its refusal."""
    try:
        stack = reader.read(path, max_pixels=MOST_PIXELS)
        shape = stack.shape_tczyx
        for t, c, z in itertools.islice(np.ndindex(shape[:3]), MOST_PLANES):
            plane = stack.plane(t=t, c=c, z=z)
            if plane.shape != shape[3:] or plane.dtype != stack.dtype:
                return "WRONG SHAPE"
    except InputError as error:
        words = str(error)
        return "died" if "died on" in words else "took too long" if "took longer" in words else type(error).__name__
    return "read"


def _is_good(reader: Reader, path: Path, content: bytes) -> bool:
    """Say whether a file is read before anything is wrong with it."""
    path.write_bytes(content)
    became = look_at(reader, path)
    path.unlink()
    return became == "read"


def fuzz(
    files: int, *, seed: int, real_data: Path | None, only: int | None = None
) -> tuple[dict[str, Outcome], list[str]]:
    """Look at so many broken files; return what became of each kind, and what should never happen."""
    outcomes: dict[str, Outcome] = {}
    failures: list[str] = []
    before = set(psutil.Process(os.getpid()).children(recursive=True))
    with tempfile.TemporaryDirectory(prefix="strehl-fuzz-") as name:
        folder = Path(name)
        good = corpus(folder, real_data)
        kinds = sorted(good)
        reader = Reader(LIMITS)
        failures += [f"good file not read: {kind}" for kind in kinds if not _is_good(reader, folder / kind, good[kind])]
        for number in [only] if only is not None else range(files):
            kind = kinds[number % len(kinds)]
            path = folder / f"{number}-{kind.split()[-1]}"
            path.write_bytes(mutated(good[kind], np.random.default_rng([seed, number])))
            one = outcomes.setdefault(kind, Outcome())
            began = time.perf_counter()
            try:
                became = look_at(reader, path)
            except Exception as error:  # noqa: BLE001 - what must never come out is what this looks for
                became = f"ESCAPED {type(error).__name__}: {error}"
            one.slowest_s = max(one.slowest_s, time.perf_counter() - began)
            one.read += became == "read"
            one.refused[became] += became != "read"
            if became.startswith("ESCAPED") or became == "WRONG SHAPE":
                failures.append(f"file {number} ({kind}): {became}")
            path.unlink()
        reader.close()
        left = [one.name for one in folder.iterdir()]
        failures += [f"left behind: {one}" for one in left]
    children = set(psutil.Process(os.getpid()).children(recursive=True)) - before
    return outcomes, failures + [f"process left behind: {child.pid}" for child in children]


def main() -> None:
    """Run it and print the table; exit 1 if anything came out that must not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, default=None)
    parser.add_argument("--real-data", type=Path, default=None)
    options = parser.parse_args()
    real = options.real_data if options.real_data and options.real_data.is_dir() else None
    began = time.perf_counter()
    outcomes, failures = fuzz(options.files, seed=options.seed, real_data=real, only=options.only)
    table = Table("good file", "read", "refused", "reader died", "too long", "slowest [s]")
    for kind, one in sorted(outcomes.items()):
        refused = sum(one.refused.values()) - one.refused["died"] - one.refused["took too long"]
        row = (one.read, refused, one.refused["died"], one.refused["took too long"])
        table.add_row(kind, *map(str, row), f"{one.slowest_s:.2f}")
    console = Console()
    console.print(table)
    for failure in failures:
        console.print(f"[red]{failure}[/]")
    total = sum(one.read + sum(one.refused.values()) for one in outcomes.values())
    console.print(f"{total} files in {time.perf_counter() - began:.0f} s, {len(failures)} failures")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
