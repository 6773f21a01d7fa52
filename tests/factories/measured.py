"""Acquisitions that went the whole way through the worker, and their figures."""

from __future__ import annotations

import io

from common import jobs
from metrology.models import Acquisition
from metrology.runtime.measuring import measure
from metrology.services.ingest import acquisition_ingest
from tests.factories import acquisitions


def measured(content, path, **given):
    """Bring a file to the facility of an optical path and do what a worker does with it."""
    facility = path.instrument.facility
    row = acquisition_ingest(
        facility=facility, source=io.BytesIO(content), original_name=given.pop("name", "scan.tif"), **given
    ).acquisition
    jobs.run(Acquisition, row.pk, measure)
    return Acquisition.objects.get(pk=row.pk)


def ome(path, **fields):
    """An OME-TIFF that says it comes from the instrument of the path."""
    return acquisitions.ome_tiff(instrument=path.instrument, **fields)


def values(row):
    """The charted figures by attribute and channel."""
    return {(one.series.attribute_id, one.series.channel): one.value for one in row.measurements.all()}
