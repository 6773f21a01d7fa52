"""Simulated scans brought in by the normal way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.demo.simulation import write_scans
from metrology.models import Standard
from metrology.services.ingest import Ingested, acquisition_ingest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from instruments.models import Facility
    from instruments.simulator.schedule import ScanPlan


def ingest_scans(facility: Facility, plans: Sequence[ScanPlan], folder: Path, started: datetime) -> Iterator[Ingested]:
    """Write and ingest all scans; instrument, path, label and date are read from the file by the worker."""
    standards = {standard.kind: standard for standard in Standard.objects.filter(facility=facility)}
    for plan, path in write_scans(plans, folder, started):
        yield acquisition_ingest(
            facility=facility, source=path, original_name=path.name, standard=standards[plan.standard.value]
        )
