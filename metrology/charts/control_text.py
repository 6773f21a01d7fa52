"""The control chart without a picture: one sentence, a table, a CSV file."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from metrology.charts.control_data import ControlChart, finite, is_uncertain, is_valid, with_unit, z_words

COLUMNS: Final = ("date", "value", "uncertainty", "z", "ewma", "statuses", "verdict", "acquisition", "note")
MEASURED: Final = frozenset({"value", "uncertainty", "ewma"})
"""Columns in the unit of the chart."""


def summary(chart: ControlChart) -> str:
    """Say in one sentence what the chart shows.

    Parameters
    ----------
    chart : ControlChart
        What is drawn.

    Returns
    -------
    str
        One sentence.
    """
    valid = [point for point in chart.points if is_valid(point)]
    if not valid:
        return f"{chart.title} has not been measured yet."
    last = valid[-1]
    plural = "" if len(valid) == 1 else "s"
    text = (
        f"{chart.title}: {len(valid)} valid point{plural} from {valid[0].date[:10]} to {last.date[:10]}, "
        f"last {with_unit(f'{last.value:.4g}', chart.unit, brackets=False)}"
    )
    z = finite(last.z)
    if z is not None:
        text += f" ({z_words(z, chart.harmful)})"
    unsure = sum(is_uncertain(point) for point in valid)
    if unsure:
        which = "1 is" if unsure == 1 else f"{unsure} are"
        text += f"; {which} too uncertain to tell whether beyond the limits of the day"
    if chart.flags:
        flag = chart.flags[-1]
        text += f"; flagged on {flag.date[:10]}, changed since {flag.since[:10]}"
        text += f" (between {flag.since_low[:10]} and {flag.since_high[:10]})"
    else:
        text += "; no flag"
    return text + "."


def rows(chart: ControlChart) -> list[dict[str, Any]]:
    """List the points of the chart for its data table.

    Parameters
    ----------
    chart : ControlChart
        What is drawn.

    Returns
    -------
    list[dict]
        One row for each point, with the keys of `COLUMNS`; numbers that do not exist are None.
    """
    return [
        {
            "date": point.date,
            "value": finite(point.value),
            "uncertainty": finite(point.uncertainty),
            "z": finite(point.z),
            "ewma": finite(point.ewma),
            "statuses": " ".join(point.statuses),
            "verdict": point.verdict,
            "acquisition": point.acquisition,
            "note": point.note,
        }
        for point in chart.points
    ]


def csv_text(chart: ControlChart) -> str:
    """Write the chart's data table as CSV.

    Parameters
    ----------
    chart : ControlChart
        What is drawn.

    Returns
    -------
    str
        Comma-separated, one header line with the unit of the values, full precision. Text that a spreadsheet would
        run as a formula is preceded by an apostrophe.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=COLUMNS, lineterminator="\r\n")
    writer.writerow({name: with_unit(name, chart.unit if name in MEASURED else "") for name in COLUMNS})
    writer.writerows({key: _harmless(value) for key, value in row.items()} for row in rows(chart))
    return buffer.getvalue()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value
