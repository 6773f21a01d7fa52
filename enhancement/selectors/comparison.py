"""The comparison of a training as a table that a page can show, and its losses as a chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metrology.attributes.registry import attribute
from metrology.charts.training_curve import training_curve, training_summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from enhancement.models import TrainingRun

BETTER = {"low": "lower is better", "high": "higher is better", "target": "nearest the target", "one": "nearest 1"}
ENDED_BY = {
    "epochs": "all epochs done",
    "time": "time budget used up",
    "patience": "no better for many epochs",
    "cancelled": "cancelled",
}
CHECK_NAMES = {
    "held_out_fields": "tested on enough fields",
    "beats_filter_psnr": "beats the best filter, PSNR",
    "beats_filter_ssim": "beats the best filter, SSIM",
    "photometry": "keeps intensities",
    "not_sharper_than_target": "not sharper than the target",
}
"""What each check of the gate asks, by its id."""
POLL_SECONDS = 3


@dataclass(frozen=True, slots=True)
class NamedRange:
    """Two figures of an attribute, by its name and unit: raw and restored, or lowest and highest."""

    name: str
    unit: str
    first: float
    second: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One score."""

    value: float | None
    is_best: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate."""

    name: str
    parameters: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """All candidates on the fields kept aside."""

    columns: tuple[tuple[str, str], ...]
    """Name, and which way is better."""
    rows: tuple[Row, ...]
    fields: tuple[str, ...]


def comparison_table(run: TrainingRun) -> Table | None:
    """Return the comparison's rows: raw, the target, each tuned filter, the network; None before there is one."""
    stored: dict[str, Any] = run.comparison
    if not stored:
        return None
    columns = stored["columns"]
    rows = [*stored["rows"]]
    rows.insert(1, stored["target"])
    return Table(
        columns=tuple((column["name"], BETTER[column["better"]]) for column in columns),
        rows=tuple(_row(row, columns, stored["best"]) for row in rows),
        fields=tuple(stored["fields"]),
    )


def gate_checks(run: TrainingRun) -> list[dict[str, Any]]:
    """Return the checks of the gate, each with the name a page shows; none before there is a verdict."""
    return [{**check, "name": CHECK_NAMES[check["id"]]} for check in run.gate.get("checks", [])]


def training_figure(run: TrainingRun) -> dict[str, Any]:
    """Return the losses over epochs as a figure; it asks to be read again while the training runs."""
    figure = training_curve(
        [row["train_losses"]["l1"] for row in run.history],
        [row["validation_losses"]["l1"] for row in run.history],
        best_epoch=run.best_epoch,
        loss_name="mean absolute difference [network's units]",
    )
    if run.is_active:
        figure["layout"]["meta"] = {**figure["layout"].get("meta", {}), "poll_s": POLL_SECONDS}
    figure["layout"]["shapes"] = [shape | {"meta": {"role": "best"}} for shape in figure["layout"]["shapes"]]
    return figure


def training_sentence(run: TrainingRun) -> str:
    """Say in one sentence how the training goes."""
    return training_summary(
        [row["train_losses"]["l1"] for row in run.history],
        [row["validation_losses"]["l1"] for row in run.history],
        best_epoch=run.best_epoch,
    )


def named_ranges(pairs: Mapping[str, Sequence[float]]) -> list[NamedRange]:
    """Return pairs of figures with the names and units of their attributes."""
    named = []
    for attribute_id, (first, second) in pairs.items():
        entry = attribute(attribute_id)
        named.append(NamedRange(entry.name, "" if entry.unit == "1" else entry.unit, first, second))
    return named


def parameters_text(parameters: Mapping[str, float]) -> str:
    """Write a filter's parameters: ``sigma 1.25 px, strength 0.8``."""
    words = []
    for name, value in parameters.items():
        in_pixels = name.endswith("_px")
        words.append(f"{name.removesuffix('_px').replace('_', ' ')} {value:g}{' px' if in_pixels else ''}")
    return ", ".join(words)


def _row(row: dict[str, Any], columns: list[dict[str, str]], best: dict[str, str]) -> Row:
    cells = tuple(Cell(row["mean"][column["id"]], best[column["id"]] == row["id"]) for column in columns)
    return Row(name=row["name"], parameters=parameters_text(row["parameters"]), cells=cells)
