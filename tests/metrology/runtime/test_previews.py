"""The viewer's tiles of a measured acquisition."""

from __future__ import annotations

import numpy as np
import pytest

from common import jobs
from common.errors import NotFoundError, StorageError
from metrology.imaging.stack import ImageStack
from metrology.models import Acquisition
from metrology.runtime import previews
from metrology.runtime.measuring import measure
from metrology.selectors.tiles import Tile, tile_read, tiles_folder, tiles_of
from tests.factories import acquisitions
from tests.factories.measured import measured, ome

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]


def test_every_count_of_every_slice_can_be_had_from_its_tile(path):
    pixels = acquisitions.field(1, shape=(1, 5, 300, 520))
    row = measured(ome(path, pixels=pixels), path)
    tiles = tiles_of(row)
    assert tiles["channels"] == [{"slices": [0, 1, 2, 3, 4], "measured": 2}]
    for z in range(5):
        for tile_row in range(2):
            for column in range(3):
                got = np.frombuffer(tile_read(row, tiles["token"], Tile(0, z, 0, tile_row, column)), tiles["dtype"])
                part = pixels[0, z, tile_row * 256 :, column * 256 :][:256, :256]
                assert (got.reshape(part.shape) == part).all()


@pytest.mark.parametrize("tile", [Tile(1, 0, 0, 0, 0), Tile(0, 9, 0, 0, 0), Tile(0, 0, 9, 0, 0), Tile(0, 0, 0, 1, 0)])
def test_a_tile_that_is_not_there_is_not_found(path, tile):
    row = measured(ome(path), path)
    with pytest.raises(NotFoundError):
        tile_read(row, tiles_of(row)["token"], tile)


def test_measuring_again_replaces_the_tiles_and_leaves_no_others(path):
    row = measured(ome(path), path)
    before = tiles_of(row)["token"]
    jobs.requeue(row)
    jobs.run(Acquisition, row.pk, measure)
    after = tiles_of(row)["token"]
    assert after != before
    assert {one.name for one in tiles_folder(row).iterdir()} == {after, "tiles.json"}
    with pytest.raises(NotFoundError):
        tile_read(row, before, Tile(0, 0, 0, 0, 0))


def test_a_disk_that_refuses_is_told_and_the_earlier_tiles_stay_in_use(path, monkeypatch):
    row = measured(ome(path), path)
    before = tiles_of(row)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(previews.json, "dumps", full)
    with pytest.raises(StorageError, match="tiles"):
        previews.tiles_write(row, ImageStack(np.zeros((1, 1, 1, 9, 9), np.uint16)), [0])
    assert tiles_of(row) == before
    assert tile_read(row, before["token"], Tile(0, 0, 0, 0, 0))
