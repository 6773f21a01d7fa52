"""A scan is measured by a real worker, whatever happens to the worker meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
import tifffile
from django.db import connection

from common import jobs
from common.models import JobState
from metrology.models import Acquisition, Assessment, Health, Measurement, Standard
from metrology.services.ingest import acquisition_ingest
from tests.factories import catalogue
from tests.factories.worker import waiting_messages

pytestmark = [pytest.mark.worker, pytest.mark.timeout(240)]


@pytest.fixture
def bring(tmp_path):
    """Write a scan and ingest it."""
    path = catalogue.optical_path()
    facility = path.instrument.facility
    standard = Standard.objects.create(facility=facility, name="marbles", kind="marbles")

    def ingest(side_px=128, name="scan.ome.tif"):
        plane = np.random.default_rng(side_px).poisson(900, (side_px, side_px)).astype(np.uint16)
        target = tmp_path / name
        tifffile.imwrite(target, plane, ome=True, metadata={"axes": "YX", "PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2})
        return acquisition_ingest(
            facility=facility,
            source=target,
            original_name=name,
            instrument=path.instrument,
            standard=standard,
            acquired_at=datetime(2026, 1, 5, tzinfo=UTC),
        ).acquisition

    return ingest


def state(acquisition):
    return Acquisition.objects.get(pk=acquisition.pk).state


def test_a_scan_is_measured_charted_and_judged_by_the_worker(transactional_db, bring, worker):
    acquisition = bring()
    worker.wait_until(lambda: state(acquisition) == JobState.DONE)
    worker.wait_until(lambda: Assessment.objects.filter(series__measurements__acquisition=acquisition).exists())
    mean = Measurement.objects.get(acquisition=acquisition, series__attribute_id="mean").value
    assert mean == pytest.approx(255 * 900 / (2**10 - 1), rel=0.01)


def sessions():
    """Return the backends of this database that are not this test's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
        return {pid for (pid,) in cursor.fetchall()}


def test_a_worker_keeps_its_connection_from_scan_to_scan_and_replaces_one_that_was_cut(transactional_db, bring, worker):
    others = sessions()  # of this process, which has more than one where a browser's loop runs in its thread

    def measured(*, side_px):
        acquisition = bring(side_px, f"{side_px}.ome.tif")
        worker.wait_until(lambda: state(acquisition) == JobState.DONE)
        worker.wait_until(lambda: not Health.objects.filter(needs_assessment=True).exists())
        worker.wait_until(lambda: not waiting_messages())  # it is idle: its tasks are acknowledged after they end
        return sessions() - others

    first, second = measured(side_px=64), measured(side_px=65)
    assert first & second
    with connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(pid) from unnest(%s) as pid", [list(second)])
    assert measured(side_px=66) - second
    assert "terminating connection" not in worker.log.read_text()  # no task has met the cut connection


def test_a_worker_killed_while_measuring_loses_and_doubles_nothing(transactional_db, bring, worker):
    acquisition = bring(side_px=3000)
    worker.wait_until(lambda: state(acquisition) == JobState.RUNNING)
    worker.kill()
    assert state(acquisition) == JobState.RUNNING
    jobs.recover(Acquisition, all_workers_are_dead=True)  # as the supervisor does before it starts workers
    worker.start()
    worker.wait_until(lambda: state(acquisition) == JobState.DONE)
    counts = Measurement.objects.filter(acquisition=acquisition).values_list("series_id")
    assert len(counts) == len(set(counts)) > 5
    assert Acquisition.objects.get(pk=acquisition.pk).attempts == 1  # the worker was killed, the scan is not to blame
