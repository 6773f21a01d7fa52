"""What each attribute sees: real and simulated images, harmed by known amounts, and the least harm seen at 2σ.

Run `python -m benchmarks.bench_sensitivity [--repeats 8] [--samples beads,slide]`. Prints every response curve with its
repeatability, writes `var/bench/sensitivity.json` and, if nothing was left out, the tables of `docs/sensitivity.md`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numba
import numpy as np
import threadpoolctl

from benchmarks.degradations import DEGRADATIONS, OPTICS, SAMPLES, Degradation, Sample, image
from benchmarks.report import FOLDER
from metrology.attributes.measure import Beside, measure_stack
from metrology.attributes.registry import ATTRIBUTES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "sensitivity.md"
BEGIN, END = "<!-- begin: written by make bench-sensitivity -->", "<!-- end -->"
SIGMAS = 2.0
REFERENCE_SEED = 2**20
_SUMMARY = (
    "The three attributes that see the least harm, each on the sample where it sees best, and the one that sees this harm "
    "and the fewest others on its sample."
)


@dataclass(frozen=True, slots=True)
class Response:
    """How an attribute answers one kind of harm.

    Parameters
    ----------
    sample, harm, unit, attribute : str
        What was measured.
    amounts, means : tuple of float
        Harm, and mean of the attribute over the noise realisations; nan where it cannot be measured.
    deviation : float
        Standard deviation from one undamaged image to the next.
    smallest : float or None
        Least harm that moves the attribute by two of these, interpolated; None if no amount does.
    """

    sample: str
    harm: str
    unit: str
    attribute: str
    amounts: tuple[float, ...]
    means: tuple[float, ...]
    deviation: float
    smallest: float | None


def values(sample: Sample, harm: str, amount: float, seeds: list[tuple[int, ...]]) -> list[dict[str, float]]:
    """Measure all attributes that apply, once a seed."""
    reference = image(sample, "none", 0, seed=(REFERENCE_SEED,))
    found = []
    for seed in seeds:
        stack = image(sample, harm, amount, seed=seed)
        beside = Beside(reference=reference, optics=(OPTICS,))
        measured = measure_stack(stack, standard_kind=sample.standard, beside=beside)
        found.append({one.attribute_id: one.value for one in measured.readings})
    return found


@lru_cache(maxsize=8)
def undamaged(sample: Sample, repeats: int) -> list[dict[str, float]]:
    """Measure a sample without harm: the same images for every kind of harm."""
    return values(sample, "none", 0, [(len(DEGRADATIONS), 0, k) for k in range(repeats)])


def responses(sample: Sample, harm: Degradation, repeats: int) -> list[Response]:
    """Measure the response curves of all attributes to one kind of harm."""
    numba.set_num_threads(1)
    with threadpoolctl.threadpool_limits(1):
        measured = [undamaged(sample, repeats)]
        for level, amount in enumerate(harm.amounts[1:], 1):
            seeds = [(DEGRADATIONS.index(harm), level, k) for k in range(repeats // 2)]
            measured.append(values(sample, harm.name, amount, seeds))
    found = []
    for attribute in ATTRIBUTES:
        clean = [one[attribute] for one in measured[0] if attribute in one]
        if len(clean) < repeats or not np.isfinite(clean).all():
            continue
        means = tuple(float(np.mean([one.get(attribute, math.nan) for one in level])) for level in measured)
        deviation = float(np.std(clean, ddof=1))
        smallest = least_seen(harm.amounts, means, deviation)
        found.append(Response(sample.name, harm.name, harm.unit, attribute, harm.amounts, means, deviation, smallest))
    return found


def _job(sample: int, harm: int, repeats: int) -> list[Response]:
    """Measure in a process of its own, which finds the sample by its number and so keeps its images."""
    return responses(SAMPLES[sample], DEGRADATIONS[harm], repeats)


def least_seen(amounts: tuple[float, ...], means: tuple[float, ...], deviation: float) -> float | None:
    """Return the harm at which an attribute has moved by two standard deviations, on straight lines between amounts.

    Parameters
    ----------
    amounts, means : tuple of float
        Harm, none first, and the attribute's mean at each.
    deviation : float
        Of one undamaged image; 0 where all were equal, so that the first amount that moves it at all counts.

    Returns
    -------
    float or None
        None if no amount moves it so far for good: every larger amount must move it too.
    """
    moves = np.abs(np.array(means) - means[0])
    threshold = SIGMAS * deviation if deviation > 0 else 1e-9 * max(1.0, abs(means[0]))
    level = len(amounts)
    while level > 1 and not moves[level - 1] < threshold:  # what cannot be measured any more does not hide the rest
        level -= 1
    if level == len(amounts) or not np.isfinite(moves[level]):
        return None
    before, after, step = moves[level - 1], moves[level], amounts[level] - amounts[level - 1]
    return float(
        amounts[level] if deviation == 0 else amounts[level - 1] + (threshold - before) / (after - before) * step
    )


def page_tables(found: list[Response]) -> str:
    """Return the summary and one table a sample, in Markdown."""
    lines = ["### Which attribute watches what", "", _SUMMARY, ""]
    lines += ["| harm | sees least | second | third | tells it best from other harm |", "|---|---|---|---|---|"]
    for harm in DEGRADATIONS:
        seen = best(found, harm.name)
        cells = [f"`{one.attribute}` {_amount(one)} ({one.sample.split(' (')[0]})" for one in seen] + ["–"] * (
            3 - len(seen)
        )
        lines.append(f"| {harm.name} [{harm.unit}] | " + " | ".join([*cells, most_specific(found, harm.name)]) + " |")
    for sample in dict.fromkeys(one.sample for one in found):
        here = [one for one in found if one.sample == sample]
        harms = list(dict.fromkeys((one.harm, one.unit) for one in here))
        lines += ["", f"### Least harm seen: {sample}", ""]
        lines += ["| attribute | undamaged | repeatability (SD) | " + " | ".join(f"{a} [{b}]" for a, b in harms) + " |"]
        lines += ["|---" * (len(harms) + 3) + "|"]
        for attribute in dict.fromkeys(one.attribute for one in here):
            rows = {one.harm: one for one in here if one.attribute == attribute}
            first = next(iter(rows.values()))
            cells = [_amount(rows[harm]) if harm in rows else "" for harm, _ in harms]
            lines.append(
                f"| `{attribute}` | {first.means[0]:.4g} | {first.deviation:.2g} | " + " | ".join(cells) + " |"
            )
    return "\n".join(lines)


def best(found: list[Response], harm: str) -> list[Response]:
    """Return the three attributes that see the least of one kind of harm, each on the sample where it sees best."""
    seen = sorted((one for one in found if one.harm == harm and one.smallest is not None), key=_least)
    first: dict[str, Response] = {}
    for one in seen:
        first.setdefault(one.attribute, one)
    return list(first.values())[:3]


def most_specific(found: list[Response], harm: str) -> str:
    """Name the attributes that see this kind of harm and the fewest others, the one that sees the least harm first."""
    others = Counter((one.sample, one.attribute) for one in found if one.smallest is not None)
    seen = [one for one in found if one.harm == harm and one.smallest is not None]
    ranked = sorted(seen, key=lambda one: (others[one.sample, one.attribute], _least(one)))
    return f"`{ranked[0].attribute}` {_amount(ranked[0])} ({ranked[0].sample.split(' (')[0]})" if ranked else "–"


def _least(one: Response) -> float:
    return math.inf if one.smallest is None else one.smallest


def _amount(one: Response) -> str:
    if one.smallest is None:
        return "–"
    if one.harm == "line step":
        return str(math.ceil(one.smallest))  # whole lines only
    return f"{'≤ ' if one.deviation == 0 else ''}{one.smallest:.2g}"


def write_page(tables: str) -> None:
    """Put the tables between the markers of the page."""
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    PAGE.write_text(f"{head}{BEGIN}\n\n{tables}\n\n{END}{tail}", encoding="utf-8")


def _print_curves(found: list[Response]) -> None:
    for one in found:
        curve = "  ".join(f"{amount:g}: {mean:.5g}" for amount, mean in zip(one.amounts, one.means, strict=True))
        title = f"{one.sample}; {one.harm} [{one.unit}]; {one.attribute}"
        print(f"{title}: SD {one.deviation:.2g}, seen from {_amount(one)};  {curve}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--repeats", type=int, default=8, help="noise realisations of the undamaged image, half as many of each harm"
    )
    parser.add_argument("--samples", default="", help="only samples with one of these words in their names")
    parser.add_argument("--tables-only", action="store_true", help="write the page anew from the last run")
    given = parser.parse_args()
    if given.tables_only:
        last = json.loads((FOLDER / "sensitivity.json").read_text(encoding="utf-8"))
        write_page(page_tables([Response(**one) for one in last]))
        return
    started = time.perf_counter()
    words = [word for word in given.samples.split(",") if word]
    samples = [one for one in SAMPLES if one.is_at_hand and (not words or any(word in one.name for word in words))]
    jobs = [(sample, harm) for sample in samples for harm in DEGRADATIONS if harm.applies_to(sample)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool:
        parts = [
            pool.submit(_job, SAMPLES.index(sample), DEGRADATIONS.index(harm), given.repeats) for sample, harm in jobs
        ]
        found = [one for part in parts for one in part.result()]
    _print_curves(found)
    FOLDER.mkdir(parents=True, exist_ok=True)
    content = json.dumps([asdict(one) for one in found], indent=1, ensure_ascii=False)
    (FOLDER / "sensitivity.json").write_text(content.replace("NaN", "null") + "\n", encoding="utf-8")
    tables = page_tables(found)
    print(tables)
    if len(samples) == len(SAMPLES) and given.repeats >= 8:
        write_page(tables)
        print(f"\nWritten to {PAGE.name}.")
    print(f"{time.perf_counter() - started:.0f} s, {os.cpu_count()} processes, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
