"""A series as a word-sized drawing: SVG text with classes only, so that the page's style sheet colours it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

MARGIN = 3.0


@dataclass(frozen=True, slots=True)
class SparklinePoint:
    """One point of a sparkline.

    Parameters
    ----------
    value : float or None
        Measured value; None leaves a gap.
    role : str
        "points", "flag" or "invalid".
    """

    value: float | None
    role: str = "points"


def sparkline(
    points: Sequence[SparklinePoint], *, title: str, summary: str, band: tuple[float, float] | None = None,
    width: int = 120, height: int = 28,
) -> str:  # fmt: skip
    """Draw a series in the size of a word.

    Parameters
    ----------
    points : sequence of SparklinePoint
        In time order, drawn at equal distances.
    title, summary : str
        What it is and what it shows, for screen readers.
    band : tuple[float, float], optional
        Low and high limit, drawn behind the line [unit of the values].
    width, height : int
        Size [px].

    Returns
    -------
    str
        An `<svg>` element with the classes `sparkline`, `sparkline-band`, `sparkline-line`, `sparkline-flag`,
        `sparkline-invalid`, `sparkline-last`; no inline style and no ids.
    """
    finite = [point.value for point in points if point.value is not None and math.isfinite(point.value)]
    levels = [*finite, *(band or ())]
    low, high = (min(levels), max(levels)) if levels else (0.0, 1.0)
    if low == high:
        low, high = low - 1.0, high + 1.0

    def y(value: float) -> float:
        return MARGIN + (height - 2 * MARGIN) * (high - value) / (high - low)

    def x(index: int) -> float:
        return MARGIN + (width - 2 * MARGIN) * (index / (len(points) - 1) if len(points) > 1 else 1.0)

    drawn = [
        (x(index), y(point.value), point.role)
        for index, point in enumerate(points)
        if point.value is not None and math.isfinite(point.value)
    ]
    parts = [f"<title>{escape(title)}</title>", f"<desc>{escape(summary)}</desc>"]
    if band is not None and levels:
        top, bottom = y(max(band)), y(min(band))
        parts.append(f'<rect class="sparkline-band" x="0" y="{top:.1f}" width="{width}" height="{bottom - top:.1f}"/>')
    line = [(left, top) for left, top, role in drawn if role != "invalid"]
    if line:
        path = " ".join(f"{left:.1f},{top:.1f}" for left, top in line)
        parts.append(f'<polyline class="sparkline-line" fill="none" points="{path}"/>')
        parts.append(f'<circle class="sparkline-last" cx="{line[-1][0]:.1f}" cy="{line[-1][1]:.1f}" r="2"/>')
    parts += [
        f'<circle class="sparkline-{role}" cx="{left:.1f}" cy="{top:.1f}" r="2"/>'
        for left, top, role in drawn
        if role in {"flag", "invalid"}
    ]
    label = escape(f"{title}. {summary}", {'"': "&quot;"})
    return (
        f'<svg class="sparkline" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">{"".join(parts)}</svg>'
    )
