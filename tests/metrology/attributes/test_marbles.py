from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from common.errors import ConstantImageError, MissingMetadataError, TooFewObjectsError
from instruments.simulator.specimens import MARBLE_DIAMETER_UM, marbles
from metrology.attributes import marble_figures
from metrology.attributes.marbles import MarbleView, measure_marbles
from metrology.attributes.views import PlaneView

PIXEL_UM = 0.1


FINER = 5


def _marble(centre, radius, *, sigma=1.0, oval=0.0, size=256) -> np.ndarray:
    """A disk of height 1, blurred by a Gaussian on a finer grid; an oval one has radii radius ± oval."""
    reach = math.ceil(radius + oval + 5 * sigma) + 2
    top, left = (round(at) - reach for at in centre)
    places = (np.arange(FINER * (2 * reach + 1)) - FINER // 2) / FINER
    y, x = np.meshgrid(places + top - centre[0], places + left - centre[1], indexing="ij")
    edge = radius + oval * np.cos(2 * np.arctan2(y, x) + 1)
    disk = np.clip(0.5 + FINER * (edge - np.hypot(y, x)), 0, 1)
    blurred = ndimage.gaussian_filter(disk, FINER * sigma)[FINER // 2 :: FINER, FINER // 2 :: FINER]
    image = np.zeros((size, size))
    rows, columns = (slice(max(0, at), min(size, at + 2 * reach + 1)) for at in (top, left))
    image[rows, columns] = blurred[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return image


def _scene(seed, *, noise=50.0, **shape) -> np.ndarray:
    rng = np.random.default_rng(seed)
    places = [
        np.array([43 + 85 * row, 43 + 85 * column]) + rng.uniform(-2, 2, 2) for row in range(3) for column in range(3)
    ]
    return 200 + 1000 * sum(_marble(place, **shape) for place in places) + rng.normal(0, noise, (256, 256))


def _view(plane, bit_depth=12) -> MarbleView:
    return MarbleView(PlaneView(plane, bit_depth=bit_depth, pixel_size_um=PIXEL_UM))


@pytest.mark.parametrize(
    ("radius", "sigma", "oval"), [(20, 1.0, 0.0), (20, 2.0, 0.0), (10, 1.0, 0.0), (6, 1.0, 0.0), (20, 1.2, 1.0)]
)
def test_size_edge_roundness_and_contrast_are_unbiased_with_honest_errors(radius, sigma, oval):
    found = [one for seed in range(6) for one in _view(_scene(seed, radius=radius, sigma=sigma, oval=oval)).marbles]
    assert len(found) == 54
    truths = {"radius": radius, "sigma": sigma}
    for name, truth in truths.items():
        values = np.array([getattr(one, f"{name}_px") for one in found])
        scores = (values - truth) / np.array([getattr(one, f"{name}_error_px") for one in found])
        assert values.mean() == pytest.approx(truth, rel=0.01), name
        assert 0.7 < scores.std(ddof=1) < 1.4, name
        assert abs(scores.mean()) < 0.8, name
    roundness = [one.roundness for one in found]
    assert np.mean(roundness) == pytest.approx((radius - oval) / (radius + oval), abs=0.004)


def test_the_figures_are_medians_in_um_with_errors_and_counts():
    view = _view(_scene(1, radius=20, sigma=1.5))
    for function, truth in (
        (marble_figures.marble_diameter, 4.0),
        (marble_figures.edge_width_10_90, 2.5631 * 1.5 * PIXEL_UM),
        (marble_figures.marble_contrast, 1000 / 1400),
        (marble_figures.marble_roundness, 1.0),
    ):
        found = function(view)
        assert found.value == pytest.approx(truth, rel=0.01), function.__name__
        assert 0 < found.uncertainty < 0.01 * found.value
        assert found.n == 9


@pytest.mark.parametrize(
    ("plane", "reason"),
    [
        (_marble((30, 128), 25), "edge"),
        (_marble((100, 128), 20) + _marble((146, 128), 20), "crowded"),
        (_marble((128, 110), 20) + _marble((128, 146), 20), "not round"),
        (_marble((128, 128), 20) * 10, "saturated"),
    ],
)
def test_a_marble_that_cannot_be_measured_keeps_its_reason(plane, reason):
    counts = np.clip(200 + 1000 * np.clip(plane, 0, None), 0, 4095) + np.random.default_rng(0).normal(0, 5, (256, 256))
    found = measure_marbles(PlaneView(np.clip(np.rint(counts), 0, 4095).astype(np.uint16), bit_depth=12))
    assert found.marbles == ()
    assert set(found.reasons()) == {reason}


def test_one_bad_marble_does_not_abort_the_others():
    plane = 200 + 1000 * (_marble((10, 128), 20) + _marble((128, 128), 20))
    found = measure_marbles(PlaneView(plane, bit_depth=12))
    assert (len(found.marbles), found.reasons()) == (1, {"edge": 1})


def test_a_plane_without_marbles_says_so():
    noise = np.random.default_rng(0).poisson(50, (128, 128)).astype(np.uint16)
    with pytest.raises(TooFewObjectsError, match="No marble"):
        marble_figures.marble_contrast(_view(noise))
    with pytest.raises(ConstantImageError):
        marble_figures.marble_contrast(_view(np.zeros((64, 64), np.uint16)))


def test_sizes_need_square_pixels_of_known_size():
    plane = _scene(0, radius=20)
    for view in (
        MarbleView(PlaneView(plane, bit_depth=12)),
        MarbleView(PlaneView(plane, bit_depth=12, pixel_size_um=0.1, pixel_size_y_um=0.2)),
    ):
        with pytest.raises(MissingMetadataError, match="pixels"):
            marble_figures.marble_diameter(view)
        assert marble_figures.marble_roundness(view).n == 9


def test_the_simulators_marbles_have_their_nominal_diameter_in_the_focal_slab():
    specimen = marbles(seed=3, shape=(512, 512), pixel_size_um=PIXEL_UM, count=20)
    middle = specimen.density[len(specimen.slab_z_um) // 2]
    found = marble_figures.marble_diameter(_view(100 + 1000 * middle))
    assert found.n >= 8
    assert found.value == pytest.approx(MARBLE_DIAMETER_UM, rel=0.01)


def test_a_plane_is_left_alone():
    plane = _scene(2, radius=20)
    before = plane.copy()
    _ = _view(plane).marbles
    np.testing.assert_array_equal(plane, before)


@pytest.mark.parametrize("sigma", [0.05, 0.15, 0.3])
def test_marbles_sharper_than_a_pixel_abort_nothing(sigma):
    found = [one for seed in range(4) for one in _view(_scene(seed, radius=20, sigma=sigma, noise=5.0)).field.marbles]
    assert len(found) >= 18
    assert [one.radius_px for one in found] == pytest.approx([20.0] * len(found), abs=0.05)
