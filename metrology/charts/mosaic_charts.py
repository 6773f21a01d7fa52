"""The chart of a mosaic: its tiles, each in the colour of its mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.templatetags.formatting import quantity_text
from metrology.charts.drawing import Column, Drawing, heat_map, picture_axes

if TYPE_CHECKING:
    from collections.abc import Mapping


def mosaic_drawings(numbers: Mapping[str, Any]) -> list[Drawing]:
    """Draw how bright the tiles of a mosaic are.

    Parameters
    ----------
    numbers : mapping
        As `metrology.runtime.figures_mosaic.mosaic_numbers` writes them.

    Returns
    -------
    list of Drawing
        One.
    """
    tiles, counts = numbers["relative_percent"], numbers["tile_mean_counts"]
    rows, columns = range(1, len(tiles) + 1), range(1, len(tiles[0]) + 1)
    hover = "row %{y}, column %{x}<br>%{z:.2f} % of the mean"
    trace = heat_map(list(columns), list(rows), tiles, role="map", hover=hover, bar="% of the mean of the tiles")
    axes = picture_axes("column of tiles", "row of tiles")
    for name in ("xaxis", "yaxis"):
        axes[name] |= {"dtick": 1}
    return [
        Drawing(
            "tiles",
            "Brightness of the tiles",
            _said(numbers),
            {"data": [{**trace, "xgap": 1, "ygap": 1}], "layout": axes},
            (
                Column("row", tuple(row for row in rows for _ in columns)),
                Column("column", tuple(column for _ in rows for column in columns)),
                Column("mean [counts]", tuple(value for row in counts for value in row)),
                Column("of the mean of the tiles [%]", tuple(value for row in tiles for value in row)),
            ),
        )
    ]


def _said(numbers: Mapping[str, Any]) -> str:
    values = [value for row in numbers["relative_percent"] for value in row]
    said = [f"Means of {len(values)} tiles, from {min(values):.4g} to {max(values):.4g} % of their mean."]
    if (tilt := numbers["tilt"]) is not None:
        down = quantity_text(tilt["down"], "%/mm", tilt["down_error"])
        right = quantity_text(tilt["right"], "%/mm", tilt["right_error"])
        said.append(f"The plane through them rises by {down} downwards and by {right} to the right.")
    if (seams := numbers["seams"]) is not None:
        step = quantity_text(100 * seams["value"], "%", _percent(seams["uncertainty"]))
        said.append(f"Step across the seams, beyond chance: {step}.")
    return " ".join(said)


def _percent(part: float | None) -> float | None:
    return None if part is None else 100 * part
