"""What happened at each arrow of the loop, as a table."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.table import Table

from common.errors import StrehlError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console


@dataclass
class Arrow:
    """One step of the loop: what went in, what came out, how long it took."""

    name: str
    what: str = ""
    seconds: float = 0.0
    ok: bool = False


class LoopFailedError(StrehlError):
    """An arrow of the loop did not lead anywhere."""


@dataclass
class Report:
    """All arrows so far."""

    console: Console
    arrows: list[Arrow] = field(default_factory=list)

    @contextmanager
    def arrow(self, name: str) -> Iterator[Arrow]:
        """Time a step; it counts as done when the block sets `what` and does not raise."""
        arrow = Arrow(name)
        self.arrows.append(arrow)
        began = time.monotonic()
        try:
            yield arrow
            arrow.ok = bool(arrow.what)
        except StrehlError as error:
            arrow.what = str(error)
            raise
        finally:
            arrow.seconds = time.monotonic() - began
            mark = "[green]done[/]" if arrow.ok else "[red]failed[/]"
            self.console.print(f"  [bold]{name}[/] {mark} {arrow.what} ({arrow.seconds:.1f} s)", highlight=False)

    @property
    def ok(self) -> bool:
        """Whether every arrow led somewhere."""
        return bool(self.arrows) and all(arrow.ok for arrow in self.arrows)

    def print(self, comparisons: list[tuple[str, dict[str, Any]]]) -> None:
        """Print the arrows, and the scores of each training's candidates."""
        table = Table(title="What happened at each arrow")
        for heading in ("arrow", "what happened", "seconds", ""):
            table.add_column(heading, justify="right" if heading == "seconds" else "left")
        for arrow in self.arrows:
            table.add_row(arrow.name, arrow.what, f"{arrow.seconds:.1f}", "ok" if arrow.ok else "FAILED")
        self.console.print(table)
        for title, comparison in comparisons:
            self.console.print(_scores_table(title, comparison))


def _scores_table(title: str, comparison: dict[str, Any]) -> Table:
    table = Table(title=title)
    columns = comparison["columns"]
    table.add_column("candidate")
    for column in columns:
        table.add_column(column["name"], justify="right")
    for row in [comparison["rows"][0], comparison["target"], *comparison["rows"][1:]]:
        settings = ", ".join(f"{name} {value:g}" for name, value in row["parameters"].items())
        values = [row["mean"].get(column["id"]) for column in columns]
        name = f"{row['name']} ({settings})" if settings else row["name"]
        table.add_row(name, *("–" if value is None else f"{value:.4g}" for value in values))
    return table
