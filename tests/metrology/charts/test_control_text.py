from __future__ import annotations

import csv
import io
from dataclasses import replace

from metrology.charts.control_data import ChartPoint, ControlChart, FlagSpan
from metrology.charts.control_text import COLUMNS, csv_text, rows, summary

CHART = ControlChart(
    "Lateral width",
    "µm",
    [
        ChartPoint("2026-01-05", 0.3, float("nan"), None, (), "a1"),
        ChartPoint("2026-01-12", 1 / 3, 2.14, 0.31, ("ewma", "flag"), "a2", "=HYPERLINK(1)"),
        ChartPoint("2026-01-19", 9.0, None, None, ("invalid",), "a3", "out of focus"),
    ],
    harmful="up",
)
FLAG = FlagSpan("2026-01-12", "2026-01-08", "2026-01-06", "2026-01-10")


def test_the_sentence_counts_valid_points_and_names_the_last():
    assert summary(CHART) == (
        "Lateral width: 2 valid points from 2026-01-05 to 2026-01-12, last 0.3333 µm (2.1 σ towards harm); no flag."
    )


def test_the_sentence_names_the_flag_and_its_dates():
    text = summary(replace(CHART, flags=[FLAG]))
    assert "flagged on 2026-01-12, changed since 2026-01-08 (between 2026-01-06 and 2026-01-10)." in text


def test_the_table_has_one_row_for_each_point_and_no_nan():
    table = rows(CHART)
    assert [tuple(row) for row in table] == [COLUMNS] * 3
    assert table[0]["z"] is None
    assert table[1]["statuses"] == "ewma flag"


def test_the_csv_keeps_full_precision_and_starts_no_formula():
    lines = list(csv.DictReader(io.StringIO(csv_text(CHART))))
    assert float(lines[1]["value [µm]"]) == 1 / 3
    assert lines[1]["note"] == "'=HYPERLINK(1)"
    assert lines[0]["z"] == ""


def test_the_csv_names_the_unit_where_there_is_one():
    assert (
        csv_text(CHART).splitlines()[0]
        == "date,value [µm],uncertainty [µm],z,ewma [µm],statuses,verdict,acquisition,note"
    )
    assert csv_text(replace(CHART, unit="")).splitlines()[0] == ",".join(COLUMNS)


def test_the_sentence_counts_points_that_are_too_uncertain_to_tell():
    unsure = ChartPoint("2026-02-09", 0.39, uncertainty=0.05, verdict="cannot tell")
    assert "; 1 is too uncertain to tell whether beyond the limits of the day;" in summary(
        replace(CHART, points=[unsure])
    )
    assert "; 2 are too uncertain to tell" in summary(replace(CHART, points=[unsure, unsure]))
    assert rows(replace(CHART, points=[unsure]))[0]["uncertainty"] == 0.05
