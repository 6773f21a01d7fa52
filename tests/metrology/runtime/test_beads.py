"""Where beads were found is noted for the viewer, with the reasons of those that were not measured."""

from __future__ import annotations

import numpy as np
import pytest

from common.errors import StorageError
from metrology.attributes.beads import BeadField, measure_beads
from metrology.runtime.beads import beads_write
from metrology.selectors.tiles import beads_of
from tests.factories import acquisitions

pytestmark = pytest.mark.django_db


@pytest.fixture
def row():
    return acquisitions.acquisition()


def test_all_nine_beads_are_noted_where_they_lie(row):
    assert beads_of(row) == []
    found = measure_beads(acquisitions.beads()[0], pixel_size_um=0.1, z_step_um=0.2, bit_depth=12)
    beads_write(row, {0: found})
    noted = beads_of(row)
    assert len(noted) == 9
    for spot in noted:
        assert np.abs((np.array([spot["x"], spot["y"]]) - 16 + 16) % 32 - 16).max() <= 2
    assert sum(spot["reason"] is None for spot in noted) == len(found.beads)


def test_measuring_again_replaces_them(row):
    beads_write(row, {0: measure_beads(acquisitions.beads()[0], pixel_size_um=0.1, z_step_um=0.2, bit_depth=12)})
    beads_write(row, {0: BeadField((), ())})
    assert beads_of(row) == []


def test_a_disk_that_refuses_is_told(row, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(StorageError, match="beads"):
        beads_write(row, {0: BeadField((), ())})
