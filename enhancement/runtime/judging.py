"""Raw, every tuned filter and the network, side by side on the fields nobody learned from."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from enhancement.evaluation.gate import best_filter, judge
from enhancement.evaluation.scores import compare
from enhancement.filters.conventional import FILTERS, apply, tune
from enhancement.inference.predict import restore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from enhancement.evaluation.gate import GateVerdict
    from enhancement.evaluation.scores import CandidateScores, Comparison
    from enhancement.filters.conventional import TunedFilter
    from enhancement.inference.predict import Restorer
    from enhancement.training.dataset import TrainingPair

NETWORK = "network"
NETWORK_TTA = "network_tta"
COLUMNS = (
    {"id": "mse", "name": "MSE", "better": "low"},
    {"id": "msemg", "name": "MSEMG", "better": "low"},
    {"id": "ssim", "name": "SSIM", "better": "high"},
    {"id": "psnr", "name": "PSNR [dB]", "better": "high"},
    {"id": "cv", "name": "CV", "better": "target"},
    {"id": "sharpness", "name": "Sharpness", "better": "target"},
    {"id": "glcm_homogeneity", "name": "GLCM homogeneity", "better": "target"},
    {"id": "photometric_slope", "name": "Photometric slope", "better": "one"},
)
"""Columns of the founding report, and the slope of restored against target counts."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """All candidates on the held-out fields, and the gate's verdict on the network."""

    comparison: Comparison
    verdict: GateVerdict
    tuned: tuple[TunedFilter, ...]

    @property
    def best_filter(self) -> TunedFilter:
        """The tuned filter with the highest PSNR on the held-out fields."""
        best = best_filter(self.comparison, [entry.id for entry in self.tuned], column="psnr").candidate
        return next(entry for entry in self.tuned if entry.id == best)

    def comparison_json(self) -> dict[str, Any]:
        """Return the table as JSON-serialisable values, the best of each column marked."""
        tuned = {entry.id: entry for entry in self.tuned}
        rows = [
            {
                "id": name,
                "name": _name(name),
                "parameters": tuned[name].parameters if name in tuned else {},
                **_scores_json(scores),
            }
            for name, scores in self.comparison.candidates.items()
        ]
        target = {"id": "target", "name": "Target", "parameters": {}, **_scores_json(self.comparison.target)}
        best = {str(column["id"]): _best(column, rows, target) for column in COLUMNS}
        return {
            "fields": list(self.comparison.field_ids),
            "columns": list(COLUMNS),
            "rows": rows,
            "target": target,
            "best": best,
        }

    def gate_json(self) -> dict[str, Any]:
        """Return the verdict as JSON-serialisable values."""
        return {
            "passed": self.verdict.passed,
            "recommended": self.verdict.recommended,
            "recommended_name": _name(self.verdict.recommended),
            "checks": [
                {**asdict(check), "value": _finite(check.value), "bound": _finite(check.bound)}
                for check in self.verdict.checks
            ],
        }


def tune_filters(
    pairs: Sequence[TrainingPair], *, on_progress: Callable[[float], None] | None = None
) -> tuple[TunedFilter, ...]:
    """Tune every conventional filter on the fields a network may learn from.

    Parameters
    ----------
    pairs : sequence of TrainingPair
        Training and validation fields.
    on_progress : callable, optional
        Called with the share that is tuned.

    Returns
    -------
    tuple of TunedFilter
        One a filter of the catalogue.
    """
    planes = [(pair.raw, pair.target) for pair in pairs]
    tuned = []
    for index, filter_id in enumerate(FILTERS):
        tuned.append(tune(filter_id, planes))
        if on_progress is not None:
            on_progress((index + 1) / len(FILTERS))
    return tuple(tuned)


def judge_candidates(
    restorer: Restorer,
    tuned: Sequence[TunedFilter],
    test: Sequence[TrainingPair],
    *,
    bit_depth: int,
    tile_px: int,
    seed: int,
    on_progress: Callable[[float], None] | None = None,
) -> Judgement:
    """Restore the held-out fields with every candidate, score them, and ask the gate.

    Raw and filtered planes are first put on the target detector's scale by the training fields' straight line, so that the
    photometric slope means the same for all.

    Parameters
    ----------
    restorer : Restorer
        The trained network.
    tuned : sequence of TunedFilter
        Its competitors.
    test : sequence of TrainingPair
        Fields nobody learned from.
    bit_depth : int
        Effective bits of the target [bit].
    tile_px : int
        Side of the network's tiles [px].
    seed : int
        Seed of the gate's bootstrap.
    on_progress : callable, optional
        Called with the share that is restored.

    Returns
    -------
    Judgement
        Table and verdict.
    """
    planes: dict[str, list[Any]] = {name: [] for name in ("raw", *(entry.id for entry in tuned), NETWORK, NETWORK_TTA)}
    scale = restorer.normalisation
    for index, pair in enumerate(test):
        planes["raw"].append(scale.unit_to_target(scale.raw_to_unit(pair.raw)))
        for entry in tuned:
            filtered = apply(entry.id, pair.raw, entry.parameters)
            planes[entry.id].append(scale.unit_to_target(scale.raw_to_unit(filtered)))
        planes[NETWORK].append(restore(restorer, pair.raw, tile_px=tile_px, tta=False).image)
        planes[NETWORK_TTA].append(restore(restorer, pair.raw, tile_px=tile_px, tta=True).image)
        if on_progress is not None:
            on_progress((index + 1) / len(test))
    comparison = compare(
        planes,
        [pair.target for pair in test],
        field_ids=[pair.field_id for pair in test],
        full_scale_counts=2**bit_depth - 1,
    )
    verdict = judge(comparison, network=NETWORK_TTA, filters=[entry.id for entry in tuned], seed=seed)
    return Judgement(comparison=comparison, verdict=verdict, tuned=tuple(tuned))


def _name(candidate: str) -> str:
    if candidate in FILTERS:
        return FILTERS[candidate].name
    return {"raw": "Raw", NETWORK: "Network", NETWORK_TTA: "Network, 8-fold"}.get(candidate, candidate)


def _scores_json(scores: CandidateScores) -> dict[str, Any]:
    return {
        "mean": {name: _finite(value) for name, value in asdict(scores.mean).items()},
        "per_field": [{name: _finite(value) for name, value in asdict(entry).items()} for entry in scores.fields],
    }


def _finite(value: float) -> float | None:
    """Return the value, or None where JSON has no word for it (the PSNR of identical planes)."""
    return float(value) if math.isfinite(value) else None


def _best(column: Mapping[str, str], rows: list[dict[str, Any]], target: dict[str, Any]) -> str:
    """Return the id of the best candidate: lowest, highest, or nearest to the target's own figure.

    Raw is no candidate where nearness to the target's own figure counts: its noise passes for sharpness, and it is on the
    target's scale by construction.
    """
    name = column["id"]
    goals = {"low": 0.0, "high": math.inf, "one": 1.0, "target": target["mean"][name]}
    goal = goals[column["better"]]

    def distance(row: dict[str, Any]) -> float:
        value = row["mean"][name]
        if value is None:  # infinite: identical to the target
            return -math.inf
        return float(-value if goal == math.inf else abs(value - goal))

    entered = rows if column["better"] in {"low", "high"} else [row for row in rows if row["id"] != "raw"]
    return str(min(entered, key=distance)["id"])
