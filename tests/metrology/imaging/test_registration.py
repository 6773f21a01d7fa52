from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from common.errors import ConstantImageError, RegistrationError
from metrology.imaging.readers import read
from metrology.imaging.registration import crop_to_overlap, overview, overview_bytes, register


@pytest.fixture(scope="module")
def texture() -> np.ndarray:
    """A smooth random field, larger than the images cut from it."""
    field = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(220, 220)), 2)
    return 1000 + 4000 * (field - field.min())


def test_register_finds_a_whole_pixel_shift_and_crops_to_equal_fields(texture):
    reference, moving = texture[20:180, 20:180], texture[25:185, 13:173]
    found = register(reference, moving, pixel_size_um=0.5)
    assert found.shift_yx_px == pytest.approx((5, -7), abs=0.05)
    assert found.shift_um == pytest.approx(0.5 * np.hypot(5, 7), rel=0.01)
    assert found.overlap_fraction == pytest.approx((1 - 5 / 160) * (1 - 7 / 160), abs=0.002)
    assert found.residual < 1e-6
    np.testing.assert_array_equal(*crop_to_overlap(reference, moving, found.shift_yx_px))


@pytest.mark.parametrize("shape", [(160, 150), (1500, 900)])
def test_a_known_overview_changes_nothing_one_of_another_size_is_not_used_and_its_memory_is_bounded(shape):
    rng = np.random.default_rng(4)
    texture = ndimage.gaussian_filter(rng.normal(size=(shape[0] + 10, shape[1] + 10)), 2)
    field = (9000 + 9000 * texture).astype(np.uint16)
    reference, moving = field[5:-5, 5:-5], field[:-10, 8:-2]
    known = overview(reference)
    found = register(reference, moving)
    assert found.shift_yx_px == pytest.approx((-5, 3), abs=0.05)
    assert register(reference, moving, known=known) == found
    assert register(reference, moving, known=overview(field)) == found
    assert known.spectrum.nbytes + known.means.nbytes <= overview_bytes(shape)


@pytest.mark.parametrize("shift", [(0.3, -0.7), (2.5, 1.25), (-4.8, 3.1)])
def test_register_finds_a_subpixel_shift_within_a_tenth(texture, shift):
    moving = ndimage.shift(texture, [-s for s in shift], order=5, mode="reflect")[30:190, 30:190]
    assert register(texture[30:190, 30:190], moving).shift_yx_px == pytest.approx(shift, abs=0.1)


def test_an_image_registered_with_itself_has_no_shift_and_no_residual(texture):
    found = register(texture, texture)
    assert found.shift_yx_px == (0, 0)
    assert (found.overlap_fraction, found.shift_um) == (1.0, None)
    assert found.residual == pytest.approx(0, abs=1e-12)


def test_unrelated_fields_are_refused():
    rng = np.random.default_rng(5)
    first, second = (ndimage.gaussian_filter(rng.normal(size=(256, 256)), 2) for _ in range(2))
    with pytest.raises(RegistrationError, match="do not show the same field"):
        register(first, second)


def test_different_sizes_are_refused(texture):
    with pytest.raises(RegistrationError, match="different sizes"):
        register(texture, texture[:-1])


def test_a_constant_image_is_refused(texture):
    with pytest.raises(ConstantImageError, match="without contrast"):
        register(texture, np.ones_like(texture))


@pytest.mark.real_data
def test_a_noisy_real_frame_registers_to_its_own_average_and_not_to_another_field(real_data):
    clean = read(real_data / "paired" / "w2s" / "clean" / "fov_001.tif").plane()
    noisy = read(real_data / "paired" / "w2s" / "noisy" / "fov_001.tif").plane()
    other = read(real_data / "paired" / "w2s" / "noisy" / "fov_002.tif").plane()
    assert register(clean[8:-8, 8:-8], noisy[5:-11, 10:-6]).shift_yx_px == pytest.approx((-3, 2), abs=0.3)
    with pytest.raises(RegistrationError):
        register(clean, other)


@pytest.mark.parametrize("shift", [(0, 0), (37, -20), (-301, 144)])
def test_a_mosaic_is_registered_on_its_part_with_most_contrast(shift):
    field = np.zeros((3000, 3100))
    rng = np.random.default_rng(7)
    field[1500:2700, 1600:2800] = ndimage.gaussian_filter(rng.normal(size=(1200, 1200)), 2) * 4000
    frames = [
        field[400 + down : 2700 + down, 400 + right : 2800 + right] + rng.normal(1000, 20, (2300, 2400))
        for down, right in ((0, 0), shift)
    ]
    found = register(*frames)
    assert found.shift_yx_px == pytest.approx(shift, abs=0.05)
    assert found.residual < 0.05


@pytest.mark.real_data
def test_registration_agrees_with_scikit_image_on_the_details_of_real_frames(real_data):
    def details(image):
        counts = image.astype(np.float64)
        band = ndimage.gaussian_filter(counts, 1.0) - ndimage.gaussian_filter(counts, 4.0)
        return band * np.outer(*(np.hanning(size + 2)[1:-1] for size in band.shape))

    for number in (1, 5, 9):
        clean, noisy = (
            read(real_data / "paired" / "w2s" / kind / f"fov_{number:03d}.tif").plane() for kind in ("clean", "noisy")
        )
        first, second = clean[:-4, :-4], ndimage.shift(noisy.astype(float), (0.4, -0.3), order=5)[:-4, :-4]
        theirs, _, _ = phase_cross_correlation(details(first), details(second), upsample_factor=100, normalization=None)
        assert register(first, second).shift_yx_px == pytest.approx(theirs, abs=0.03)


@pytest.mark.parametrize("seed", range(4))
def test_of_the_shifts_of_a_grid_that_agree_the_shortest_is_taken(seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:320, :320]
    grid = 300 + 2000.0 * ((x % 16 < 3) | (y % 16 < 3))
    first, second = (rng.poisson(ndimage.gaussian_filter(grid, 1.2)) for _ in range(2))
    assert register(first, second).shift_yx_px == pytest.approx((0, 0), abs=0.05)


def test_fields_that_overlap_by_less_than_half_are_refused():
    field = ndimage.gaussian_filter(np.random.default_rng(11).normal(size=(700, 700)), 2)
    for shift in (180, 240):
        with pytest.raises(RegistrationError, match="do not show the same field"):
            register(field[:400, :400], field[shift : 400 + shift, shift : 400 + shift])


@pytest.mark.parametrize("period_px", [5, 25])
def test_of_the_lines_of_a_fine_grid_the_nearest_is_found(period_px):
    rng = np.random.default_rng(4)
    place = np.arange(640.0)

    def lines(shift):
        profile = 100.0 * ((place - shift) % period_px < period_px / 2)
        return profile[:, np.newaxis] + profile + rng.normal(200, 5, (640, 640))

    down, right = register(lines(0.0), lines(-1.0)).shift_yx_px
    assert (down, right) == pytest.approx((1, 1), abs=0.1)
