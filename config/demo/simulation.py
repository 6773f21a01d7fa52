"""Simulated scans as files. Without Django, so that simulating processes start light."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING

from instruments.simulator.export import write_ome_tiff
from instruments.simulator.fleet import instrument_named
from instruments.simulator.schedule import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from instruments.simulator.schedule import ScanPlan

SIMULATING_PROCESSES = 2


def write_scan(plan: ScanPlan, folder: Path, started: datetime) -> Path:
    """Simulate one scan and write it as the microscope would; a file that is there already is kept."""
    path = folder / plan.file_name
    if not path.exists():
        write_ome_tiff(
            simulate(plan),
            path,
            instrument=instrument_named(plan.instrument),
            label=plan.label,
            acquired_at=started + timedelta(weeks=plan.week),
        )
    return path


def write_scans(plans: Sequence[ScanPlan], folder: Path, started: datetime) -> Iterator[tuple[ScanPlan, Path]]:
    """Write all scans, two at a time; each is handed on, in order, as soon as it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(SIMULATING_PROCESSES, mp_context=get_context("spawn")) as pool:
        paths = pool.map(write_scan, plans, [folder] * len(plans), [started] * len(plans), chunksize=2)
        yield from zip(plans, paths, strict=True)
