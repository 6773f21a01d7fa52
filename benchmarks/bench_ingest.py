"""Scans per second from the door to the control chart: ingest, read, measure, record, judge, on real services.

A fresh installation of its own (PostgreSQL, queue, workers) takes 512 × 512 16-bit scans of one instrument. The clock runs
from the first file until the last value is on its chart.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import tifffile

TARGET_PER_SECOND = 10.0
SIDE_PX = 512


def write_scans(folder: Path, count: int) -> list[Path]:
    """Write scans that differ: a smooth field with shot noise, 12 effective bits."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] / SIDE_PX
    field = 800 + 500 * np.sin(12 * x) * np.cos(9 * y)
    paths = []
    for number in range(count):
        path = folder / f"scan{number:04d}.ome.tif"
        plane = np.clip(rng.normal(field, np.sqrt(field)), 0, 4095).astype(np.uint16)
        metadata = {"axes": "YX", "PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2, "SignificantBits": 12}
        tifffile.imwrite(path, plane, ome=True, metadata=metadata)
        paths.append(path)
    return paths


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
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
        rate, attributes = run(var, options.scans)
    finally:
        from config.embedded.postgres import EmbeddedPostgres

        EmbeddedPostgres(var).stop()
        shutil.rmtree(var, ignore_errors=True)
    from benchmarks.report import Row, write

    what = (
        f"ingest to chart, {SIDE_PX}×{SIDE_PX} 16 bit, {attributes} attributes, {options.processes} processes [scans/s]"
    )
    write(
        "ingest",
        [
            Row(
                what=what,
                ours=rate,
                peer=None,
                peer_name="",
                ratio=None,
                target=TARGET_PER_SECOND,
                met=rate >= TARGET_PER_SECOND,
            )
        ],
    )


def run(var: Path, count: int) -> tuple[float, int]:
    """Return scans per second and attributes per scan."""
    from rich.console import Console

    from config.demo.catalogue import facility_make
    from config.embedded.prepare import prepare
    from config.embedded.supervisor import Supervisor
    from instruments.models import Instrument
    from instruments.simulator.schedule import demo_facility
    from metrology.models import Acquisition, Assessment, Health, Measurement, Standard
    from metrology.services.ingest import acquisition_ingest

    console = Console(file=sys.stderr)
    server = prepare(console)
    facility = facility_make(demo_facility())
    instrument = Instrument.objects.get(facility=facility, name="LSM 780")
    standard = Standard.objects.get(facility=facility, kind="marbles")
    (var / "scans").mkdir()
    paths = write_scans(var / "scans", count + 2)
    start = datetime(2025, 1, 6, tzinfo=UTC)

    def take(number: int) -> None:
        acquisition_ingest(
            facility=facility,
            source=paths[number],
            original_name=paths[number].name,
            instrument=instrument,
            standard=standard,
            acquired_at=start + timedelta(hours=number),
        )

    def pending() -> bool:
        return (
            Acquisition.objects.filter(state__in=["queued", "running"]).exists()
            or Health.objects.filter(needs_assessment=True).exists()
        )

    with Supervisor(server, roles=("measure",), say=console.print).running() as supervisor:
        for number in (0, 1):  # workers start and compile before the clock does
            take(number)
        supervisor.watch_until(lambda: not pending())
        began = time.perf_counter()
        for number in range(2, count + 2):
            take(number)
        while pending():
            time.sleep(0.05)
        seconds = time.perf_counter() - began
    measured = Acquisition.objects.filter(state="done").count()
    if measured != count + 2 or not Assessment.objects.exists():
        sys.exit(f"only {measured} of {count + 2} scans were measured; the figure would be wrong")
    return count / seconds, Measurement.objects.filter(acquisition__original_name=paths[-1].name).count()


if __name__ == "__main__":
    main()
