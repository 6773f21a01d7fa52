from __future__ import annotations

import numpy as np
import pytest

from common.errors import AxesError, ConstantImageError, FitError, MissingMetadataError
from metrology.attributes import mosaic, slices
from metrology.attributes.measure import Beside, measure_stack
from metrology.attributes.mosaic import MosaicView
from metrology.attributes.slices import StackView
from metrology.attributes.views import PlaneView
from metrology.imaging.mosaics import TileGrid
from metrology.imaging.readers import read
from metrology.imaging.stack import ImageStack, Metadata, Sourced

GRID = TileGrid(4, 5, (100, 80))
PIXEL_UM = 0.5


def _mosaic(rng, *, down=0.0, right=0.0, seams=0.0, grid=GRID) -> np.ndarray:
    """Poisson counts of a plane that changes by these parts of its mean per mm, with tiles of alternating brightness."""
    rows, columns = grid.shape_yx
    y, x = np.mgrid[:rows, :columns].astype(float)
    light = 1000 * (1 + down * (y - y.mean()) * PIXEL_UM / 1000 + right * (x - x.mean()) * PIXEL_UM / 1000)
    for index, where in enumerate(grid.slices()):
        light[where] *= 1 + seams / 2 * (-1) ** (index // grid.columns + index % grid.columns)
    return rng.poisson(light).astype(np.uint16)


def _view(plane, grid=GRID, **sizes) -> MosaicView:
    return MosaicView(PlaneView(plane, bit_depth=12, **(sizes or {"pixel_size_um": PIXEL_UM})), grid)


def test_a_tilt_is_found_within_its_honest_error():
    scores = []
    for seed in range(40):
        found = mosaic.tilt_per_mm(_view(_mosaic(np.random.default_rng(seed), down=0.3, right=-0.4)))
        scores.append((found.value - 50.0) / found.uncertainty)
        assert found.n == 20
    assert abs(np.mean(scores)) < 0.6
    assert 0.7 < np.std(scores, ddof=1) < 1.5


def test_the_tilt_of_any_figure_of_the_tiles_is_a_plane_fit():
    rows, columns = np.mgrid[:4, :5]
    tilt = mosaic.fit_tilt(2.0 + 0.1 * rows - 0.3 * columns, tile_size_mm=(0.05, 0.04))
    assert (tilt.down, tilt.right) == (pytest.approx(0.1 / 0.05), pytest.approx(-0.3 / 0.04))
    assert tilt.down_error == pytest.approx(0, abs=1e-9)


def test_identical_tiles_have_no_tilt_at_all():
    tile = np.random.default_rng(3).poisson(777, (64, 64)).astype(np.uint16)
    means = 0.1 + 0.2 * np.ones((3, 4)) + 1e-16 * np.arange(12).reshape(3, 4)
    means[1, 2] = 0.3  # differs from 0.1 + 0.2 in the last digit
    assert mosaic.fit_tilt(means, tile_size_mm=(0.05, 0.04)) == mosaic.Tilt(0.0, 0.0, 0.0, 0.0)
    view = MosaicView(PlaneView(np.tile(tile, (3, 4)), bit_depth=12, pixel_size_um=0.5), TileGrid(3, 4, (64, 64)))
    assert (mosaic.tilt_per_mm(view).value, mosaic.tilt_per_mm(view).uncertainty) == (0.0, 0.0)


def test_the_range_of_the_tiles_is_the_contrast_of_their_means():
    plane = np.full(GRID.shape_yx, 100, np.uint16)
    plane[:100, :80] = 300
    assert mosaic.tile_intensity_range(_view(plane)).value == pytest.approx(0.5)


def test_seams_are_seen_beyond_chance_and_a_smooth_mosaic_has_none():
    none = mosaic.seam_contrast(_view(_mosaic(np.random.default_rng(0), right=0.4)))
    assert none.value == pytest.approx(0, abs=3 * none.uncertainty)
    seen = mosaic.seam_contrast(_view(_mosaic(np.random.default_rng(0), seams=0.05)))
    assert seen.value == pytest.approx(0.05, abs=0.003)
    assert seen.uncertainty < 0.001
    assert seen.n == 3 * 5 + 4 * 4


def test_overlapping_tiles_have_their_seams_in_the_middle_of_the_overlap():
    grid = TileGrid(3, 3, (100, 100), (20, 20))
    plane = np.full(grid.shape_yx, 1000.0)
    plane[90:, :] *= 1.1  # the seam between the first two rows of tiles
    found = mosaic.seam_contrast(_view(plane, grid))
    assert found.value == pytest.approx(2 * 0.1 / 2.1 * 3 / 12, rel=1e-3)


def test_mosaics_that_are_none_are_refused():
    plane = _mosaic(np.random.default_rng(1))
    with pytest.raises(AxesError, match="2 × 2"):
        _view(plane, TileGrid(1, 5, (100, 80)))
    with pytest.raises(AxesError, match="do not lie"):
        _view(plane, TileGrid(5, 5, (100, 80)))
    with pytest.raises(ConstantImageError, match="black"):
        mosaic.tile_intensity_range(_view(np.zeros_like(plane)))
    with pytest.raises(MissingMetadataError, match="pixel size"):
        mosaic.tilt_per_mm(MosaicView(PlaneView(plane, bit_depth=12), GRID))
    with pytest.raises(FitError, match="five tiles"):
        mosaic.tilt_per_mm(_view(plane, TileGrid(2, 2, (100, 80))))
    with pytest.raises(AxesError, match="64"):
        mosaic.seam_contrast(_view(plane, TileGrid(4, 4, (50, 50))))


def test_a_tile_scan_is_measured_with_its_tiles():
    metadata = Metadata().with_fields(pixel_size_um=Sourced(PIXEL_UM, "test"))
    plane = _mosaic(np.random.default_rng(2), right=0.2)
    measured = measure_stack(
        ImageStack(plane[None, None, None], metadata), standard_kind="slide", beside=Beside(tiles=GRID)
    )
    assert {"tilt_per_mm", "seam_contrast", "tile_intensity_range"} <= {one.attribute_id for one in measured.readings}


def _profile(width_slices, *, at=9.3, count=21, seed=0, noise=0.2) -> np.ndarray:
    z = np.arange(count)
    means = 20 + 100 * np.exp(-4 * np.log(2) * ((z - at) / width_slices) ** 2)
    return np.random.default_rng(seed).normal(means[:, None, None], noise, (count, 16, 16))


def test_the_depth_of_the_brightness_is_unbiased_with_an_honest_error():
    scores = []
    for seed in range(40):
        found = slices.axial_profile_width(StackView(_profile(6.0, seed=seed, noise=10.0), z_step_um=0.5))
        assert found.value == pytest.approx(3.0, rel=0.05)
        scores.append((found.value - 3.0) / found.uncertainty)
    assert 0.6 < np.std(scores, ddof=1) < 1.3


def test_the_brightest_slice_is_counted_from_one():
    assert slices.brightest_slice(StackView(_profile(6.0))).value == 10


def test_stacks_without_a_peak_or_a_step_are_refused():
    with pytest.raises(AxesError, match="one slice"):
        StackView(np.ones((1, 8, 8)))
    with pytest.raises(MissingMetadataError, match="slices"):
        slices.axial_profile_width(StackView(_profile(6.0)))
    with pytest.raises(FitError):
        slices.axial_profile_width(StackView(_profile(6.0, at=60.0), z_step_um=0.5))


@pytest.mark.real_data
def test_the_real_bead_stack_is_brightest_near_its_focus(real_data):
    stack = read(real_data / "beads" / "mpi_four_beads.tif")
    found = slices.brightest_slice(StackView(stack.z_stack()))
    assert abs(found.value - stack.shape_tczyx[2] / 2) < stack.shape_tczyx[2] / 4
