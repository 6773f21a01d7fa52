"""Scans per second from the door to the control chart: ingest, read, measure, record, judge, on real services.

Run `python -m benchmarks.bench_ingest [--scans 400] [--mosaics 24] [--memory-scans 0] [--processes 2]`.

A fresh installation of its own (PostgreSQL, queue, workers) takes 512 × 512 scans of marbles, simulated as those of the
demonstration are (instrument, path, label and date are read from the file), then 5120 × 5120 mosaics of the real
Convallaria frame with fresh noise. Each image is compared with the first of its kind. The clock runs from the first file
until the last value is on its chart; the first two of each kind, and the writing of the files to their disk, are over
before it starts. With `--memory-scans 2000` so many more scans are taken, and the memory of the workers is looked at
after each fifth of them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
import tifffile

from benchmarks.inputs import mosaics
from benchmarks.report import Row, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.embedded.supervisor import Supervisor
    from instruments.models import Facility
    from metrology.services.given import Given

SCANS_PER_SECOND, MOSAICS_PER_SECOND, LARGEST_GROWTH = 20.0, 1.5, 1.05
SIDE_PX, TILES = 512, 5
INSTRUMENT = "LSM 780"
A_WEEK = 10
PARTS = 5
DIFFERENT_SCANS = 40
"""As many are simulated for the memory of the workers; the others differ from them by date and label only."""


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("scans", 400), ("mosaics", 24), ("memory-scans", 0), ("processes", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    var = Path(tempfile.mkdtemp(prefix="strehl-bench-")).resolve()
    os.environ |= {
        "STREHL_VAR": str(var),
        "STREHL_MEASURE_PROCESSES": str(options.processes),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    import django

    django.setup()
    try:
        rows = run(var, options)
    finally:
        from config.embedded.postgres import EmbeddedPostgres

        EmbeddedPostgres(var).stop()
        shutil.rmtree(var, ignore_errors=True)
    write("ingest", rows)


def run(var: Path, options: argparse.Namespace) -> list[Row]:
    """Return the rows of the table."""
    from rich.console import Console

    from config.demo.catalogue import facility_make
    from config.embedded.prepare import prepare
    from config.embedded.supervisor import Supervisor
    from instruments.simulator.schedule import demo_facility

    console = Console(file=sys.stderr)
    server = prepare(console)
    facility = facility_make(demo_facility())
    on = f"{options.processes} processes"
    rows = []
    with Supervisor(server, roles=("measure",), say=console.print).running() as supervisor:
        door = Door(facility, supervisor)
        if options.scans:
            rate, figures = door.per_second(write_scans(var / "scans", options.scans + 2, facility), kind="marbles")
            what = f"{SIDE_PX}×{SIDE_PX} marbles, {figures} attributes, {on}: ingest to chart [scans/s]"
            rows.append(Row(what, rate, target=SCANS_PER_SECOND, met=rate >= SCANS_PER_SECOND))
        if options.mosaics:
            rate, figures = door.per_second(write_mosaics(var / "mosaics", options.mosaics + 2), kind="convallaria")
            what = f"{1024 * TILES}×{1024 * TILES} mosaics, {figures} attributes, {on}: ingest to chart [mosaics/s]"
            rows.append(Row(what, rate, target=MOSAICS_PER_SECOND, met=rate >= MOSAICS_PER_SECOND))
        if options.memory_scans:
            paths = write_scans(var / "more", options.memory_scans, facility, different=DIFFERENT_SCANS)
            sizes = door.memory(paths, kind="marbles")
            for number, size in enumerate(sizes, start=1):
                rows.append(Row(f"memory of the workers after {number * len(paths) // PARTS} scans [MiB]", size))
            growth = sizes[-1] / sizes[0]
            rows.append(Row("the last over the first", growth, target=LARGEST_GROWTH, met=growth <= LARGEST_GROWTH))
    return rows


@dataclass(frozen=True, slots=True)
class Door:
    """Where files go in, and where the wait for their charts is."""

    facility: Facility
    supervisor: Supervisor

    def per_second(self, paths: Sequence[Path], *, kind: str) -> tuple[float, int]:
        """Take in the files, the first two before the clock runs: workers start and compile, and the first is the reference.

        Returns
        -------
        tuple of (float, int)
            Files a second, and figures a file.
        """
        from metrology.models import Acquisition, Measurement, Validity
        from metrology.services.references import reference_set

        self.take(paths[:2], kind)
        reference_set(Acquisition.objects.get(original_name=paths[0].name), user=None)
        os.sync()
        began = time.perf_counter()
        self.take(paths[2:], kind)
        seconds = time.perf_counter() - began
        names = [path.name for path in paths]
        charted = Acquisition.objects.filter(original_name__in=names, state="done", validity=Validity.VALID).count()
        if charted != len(paths):
            sys.exit(f"only {charted} of {len(paths)} files were charted; the figure would be wrong")
        return len(paths[2:]) / seconds, Measurement.objects.filter(acquisition__original_name=names[-1]).count()

    def memory(self, paths: Sequence[Path], *, kind: str) -> list[float]:
        """Return the memory of the workers and their readers after each fifth of the files [MiB]."""
        found = []
        for part in range(PARTS):
            self.take(paths[part * len(paths) // PARTS : (part + 1) * len(paths) // PARTS], kind)
            workers = [one for one in psutil.Process().children(recursive=True) if _measures(one)]
            found.append(sum(one.memory_full_info().pss for one in workers) / 2**20)
        return found

    def take(self, paths: Sequence[Path], kind: str) -> None:
        """Take in files of a standard, and wait until all are charted."""
        from django.utils import timezone

        from instruments.models import Instrument
        from metrology.models import Acquisition, Health, Standard
        from metrology.services.ingest import acquisition_ingest

        standard = Standard.objects.get(facility=self.facility, kind=kind)
        instrument = Instrument.objects.get(facility=self.facility, name=INSTRUMENT)
        for path in paths:
            given: Given = {"standard": standard}
            if kind != "marbles":
                given |= {"instrument": instrument, "acquired_at": timezone.now()}
            acquisition_ingest(facility=self.facility, source=path, original_name=path.name, **given)
        while (
            Acquisition.objects.filter(state__in=["queued", "running"]).exists()
            or Health.objects.filter(needs_assessment=True).exists()
        ):
            self.supervisor.look()
            time.sleep(0.2)


def _measures(process: psutil.Process) -> bool:
    """Say whether a process is a worker that measures, or its reader of files."""
    said = " ".join(process.cmdline())
    return "confined.child" in said or "-Q measure" in said


def write_scans(folder: Path, count: int, facility: Facility, *, different: int | None = None) -> list[Path]:
    """Write so many scans of marbles by one instrument, ten a week."""
    from config.demo.catalogue import started_at
    from config.demo.simulation import write_scans as write_simulated
    from instruments.simulator.export import write_ome_tiff
    from instruments.simulator.fleet import instrument_named
    from instruments.simulator.schedule import demo_facility, simulate
    from instruments.simulator.specimens import Standard

    started = started_at(facility)
    first = next(
        scan
        for scan in demo_facility().scans
        if scan.instrument == INSTRUMENT and scan.standard is Standard.MARBLES and scan.defect is None
    )
    plans = [
        replace(first, shape=(SIDE_PX, SIDE_PX), week=number / A_WEEK, file_name=f"{folder.name}{number:04d}.ome.tif")
        for number in range(count)
    ]
    if different is None:
        return [path for _, path in write_simulated(plans, folder, started)]
    folder.mkdir()
    taken = [simulate(plan) for plan in plans[:different]]
    paths = []
    for number, plan in enumerate(plans):
        paths.append(folder / plan.file_name)
        write_ome_tiff(
            taken[number % different],
            paths[-1],
            instrument=instrument_named(plan.instrument),
            label=plan.label,
            acquired_at=started + timedelta(weeks=plan.week),
        )
    return paths


def write_mosaics(folder: Path, count: int) -> list[Path]:
    """Write so many mosaics of 25 fields: two exposures of one specimen, each time a little brighter."""
    folder.mkdir()
    first, second, depth, _ = mosaics(TILES)
    paths = []
    for number in range(count):
        paths.append(folder / f"mosaic{number:03d}.ome.tif")
        plane = np.minimum((first, second)[number % 2] + np.uint16(number), np.uint16(2**depth - 1))
        known = {"axes": "YX", "PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2, "SignificantBits": depth}
        tifffile.imwrite(paths[-1], plane, ome=True, metadata=known)
    return paths


if __name__ == "__main__":
    main()
