"""One form for all benchmarks: print an aligned table, write `var/bench/<name>.json`."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(__file__).resolve().parents[1] / "var" / "bench"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison, made in one run.

    Parameters
    ----------
    what : str
        What was done, with its unit.
    ours, peer : float or None
        Both figures, in the same unit; None where there is no peer.
    peer_name : str
        Who the peer is.
    ratio : float or None
        How many times better ours is; None where there is no peer.
    target : float or None
        Ratio (or figure, without a peer) that is aimed at; None where none was set.
    met : bool or None
        Whether the target is reached; None without a target.
    two_threads : float or None
        Ours with two threads where `ours` is with one; None where that was not measured.
    """

    what: str
    ours: float
    peer: float | None = None
    peer_name: str = ""
    ratio: float | None = None
    target: float | None = None
    met: bool | None = None
    two_threads: float | None = None


def compared(what: str, *, ours: float, peer: float, peer_name: str, target: float | None = None) -> Row:
    """Return the row of two times in the same run; the ratio is peer over ours."""
    ratio = peer / ours
    return Row(what, ours, peer, peer_name, ratio, target, None if target is None else ratio >= target)


def write(name: str, rows: Sequence[Row]) -> Path:
    """Print the table of a benchmark and write it as JSON.

    Parameters
    ----------
    name : str
        Name of the benchmark.
    rows : sequence of Row
        What was measured.

    Returns
    -------
    Path
        The file written.
    """
    print(_table(rows))
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    content = {"commit": _commit(), "cores": os.cpu_count(), "rows": [asdict(row) for row in rows]}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _table(rows: Sequence[Row]) -> str:
    head = ("what", "ours", "2 threads", "peer", "ratio", "target", "met", "peer's name")
    lines = [head, *(_cells(row) for row in rows)]
    lines = list(zip(*(cells for cells in zip(*lines, strict=True) if any(cells[1:])), strict=True))  # no empty columns
    widths = [max(len(cell) for cell in cells) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    met = {None: "", True: "yes", False: "NO"}[row.met]
    figures = (row.ours, row.two_threads, row.peer, row.ratio, row.target)
    return (row.what, *(_number(figure) for figure in figures), met, row.peer_name)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _commit() -> str:
    """Return the commit that was measured; a changed working tree says so."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607 (the git of whoever runs the benchmark)
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"
