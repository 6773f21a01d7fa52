from __future__ import annotations

import numpy as np
import pytest

from common.errors import FitError, TooFewBeadsError
from metrology.attributes import bead_figures, beads
from metrology.attributes.bead_fit import FWHM_PER_SIGMA, fit_bead, noisy_median
from metrology.attributes.bead_selection import Candidate, find_beads
from metrology.attributes.beads import BeadView, measure_beads
from metrology.attributes.gaussian import Gaussian, Noise, mean_noise, noise_of_slices
from metrology.attributes.quantity import Quantity
from metrology.imaging.readers import read

PIXEL_UM, STEP_UM = 0.08, 0.25
FWHM_UM = (0.9, 0.34, 0.27)  # z, y, x


def _stack(places, *, shape=(25, 96, 128), height=2000.0, base=100.0, fwhm_um=FWHM_UM) -> np.ndarray:
    """Noise-free Gaussian beads of known widths at sub-voxel places."""
    z, y, x = np.mgrid[tuple(slice(size) for size in shape)].astype(float)
    sigmas = [fwhm / FWHM_PER_SIGMA / step for fwhm, step in zip(fwhm_um, (STEP_UM, PIXEL_UM, PIXEL_UM), strict=True)]
    image = np.full(shape, float(base))
    for at in places:
        image += height * np.exp(-0.5 * sum(((v - a) / s) ** 2 for v, a, s in zip((z, y, x), at, sigmas, strict=True)))
    return image


def _measure(stack, bit_depth=12):
    return measure_beads(stack, pixel_size_um=PIXEL_UM, z_step_um=STEP_UM, bit_depth=bit_depth)


PLACES = [(12.0, 24.0, 30.0), (11.3, 70.4, 40.7), (12.6, 30.2, 90.5), (13.1, 66.8, 101.1)]


def test_widths_of_simulated_beads_are_unbiased_within_1_percent():
    found = _measure(np.rint(_stack(PLACES)).astype(np.uint16))
    assert len(found.beads) == len(PLACES)
    for bead in found.beads:
        widths = [width.fwhm_um for width in (bead.axial, bead.lateral_y, bead.lateral_x)]
        assert widths == pytest.approx(FWHM_UM, rel=0.01)


def test_centres_of_simulated_beads_are_found_within_a_twentieth_of_a_voxel():
    found = _measure(_stack(PLACES))
    centres = sorted((bead.z_um / STEP_UM, bead.y_um / PIXEL_UM, bead.x_um / PIXEL_UM) for bead in found.beads)
    np.testing.assert_allclose(centres, sorted(PLACES), atol=0.05)


def test_with_photon_noise_the_mean_width_stays_within_1_percent_and_errors_are_honest():
    rng = np.random.default_rng(8)
    truth = _stack(PLACES, height=1500, base=60)
    found = [bead for _ in range(25) for bead in _measure(rng.poisson(truth).astype(np.uint16)).beads]
    assert len(found) == 100
    for name, expected in (("lateral_x", FWHM_UM[2]), ("lateral_y", FWHM_UM[1]), ("axial", FWHM_UM[0])):
        widths = [getattr(bead, name) for bead in found]
        values = np.array([width.fwhm_um for width in widths])
        claimed = np.mean([width.standard_error_um for width in widths])
        assert values.mean() == pytest.approx(expected, rel=0.01), name
        assert 0.5 < claimed / values.std(ddof=1) < 2, name


def _simulated(rng, fwhm_px, snr, *, poisson: bool, base: float = 100) -> np.ndarray:
    """Nine beads at random places in their voxels; the SNR is the height over the noise at the peak."""
    side = round(7 * fwhm_px[1] + 6)
    shape = (int(np.ceil(5 * fwhm_px[0])) | 1, 3 * side, 3 * side)
    image = np.full(shape, float(base))
    for row, column in np.ndindex(3, 3):
        at = np.array([shape[0] // 2, side * (row + 0.5), side * (column + 0.5)]) + rng.uniform(-0.5, 0.5, 3)
        z, y, x = (
            np.exp(-0.5 * ((np.arange(size) - a) * FWHM_PER_SIGMA / f) ** 2)
            for size, a, f in zip(shape, at, fwhm_px, strict=True)
        )
        image += 1000 * z[:, None, None] * y[:, None] * x
    if poisson:
        return rng.poisson(image * (snr**2 / 1000)) * (1000 / snr**2)
    return image + rng.normal(0, 1000 / snr, shape)


# pixels of half the Nyquist size and of that size: at Nyquist, λ/4NA, a width of 0.51 λ/NA has 2.04 pixels
@pytest.mark.parametrize("poisson", [False, True])
@pytest.mark.parametrize("snr", [10, 50])
@pytest.mark.parametrize("coarseness", [0.5, 1.0])
def test_over_200_fits_widths_are_unbiased_and_z_scores_have_unit_spread(coarseness, snr, poisson):
    fwhm_px = np.array([3.54, 2.04, 2.24]) / coarseness
    beads_found, seed = [], 0
    while len(beads_found) < 200:
        stack = _simulated(np.random.default_rng([seed, snr]), fwhm_px, snr, poisson=poisson)
        beads_found += measure_beads(stack, pixel_size_um=1, z_step_um=1, bit_depth=16).beads
        seed += 1
    assert seed <= 24  # hardly any bead is rejected
    for name, truth in zip(("axial", "lateral_y", "lateral_x"), fwhm_px, strict=True):
        widths = [getattr(bead, name) for bead in beads_found]
        values = np.array([width.fwhm_um for width in widths])
        scores = (values - truth) / np.array([width.standard_error_um for width in widths])
        chance = 3 * values.std() / truth / np.sqrt(len(values))  # three standard errors of a mean of 200
        assert values.mean() / truth == pytest.approx(1, abs=max(0.01, chance)), name
        assert 0.8 < scores.std(ddof=1) < 1.2, name


@pytest.mark.slow
@pytest.mark.parametrize("poisson", [False, True])
@pytest.mark.parametrize("coarseness", [0.5, 1.0])
def test_over_800_fits_at_low_light_the_mean_width_is_within_1_percent(coarseness, poisson):
    fwhm_px = np.array([3.54, 2.04, 2.24]) / coarseness
    found = []
    for seed in range(90):
        stack = _simulated(np.random.default_rng([seed, 10, 7]), fwhm_px, 10, poisson=poisson)
        found += measure_beads(stack, pixel_size_um=1, z_step_um=1, bit_depth=16).beads
    assert len(found) > 800
    for name, truth in zip(("axial", "lateral_y", "lateral_x"), fwhm_px, strict=True):
        values, errors = _values(found, name)
        assert values.mean() / truth == pytest.approx(1, abs=0.01), name
        assert 0.8 < ((values - truth) / errors).std(ddof=1) < 1.2, name


@pytest.mark.slow
@pytest.mark.parametrize(("poisson", "base"), [(False, 100), (True, 100), (True, 5)])
def test_with_pixels_of_twice_the_nyquist_size_widths_are_unbiased_and_errors_stay_honest(poisson, base):
    fwhm_px = np.array([1.77, 1.02, 1.12])
    found, rejected = [], set()
    for seed in range(50):
        stack = _simulated(np.random.default_rng([seed, 50]), fwhm_px, 50, poisson=poisson, base=base)
        field = measure_beads(stack, pixel_size_um=1, z_step_um=1, bit_depth=16)
        found += field.beads
        rejected |= set(field.reasons())
    assert len(found) > 0.7 * 9 * 50
    assert poisson or "undersampled" in rejected
    for name, truth in zip(("axial", "lateral_y", "lateral_x"), fwhm_px, strict=True):
        values, errors = _values(found, name)
        chance = 3 * values.std() / truth / np.sqrt(len(values))
        assert values.mean() / truth == pytest.approx(1, abs=max(0.01, chance)), name
        assert np.median(values) / truth == pytest.approx(1, abs=0.015), name
        assert 0.8 < ((values - truth) / errors).std(ddof=1) < 1.2, name


@pytest.mark.slow
@pytest.mark.parametrize("base", [100, 5])
def test_with_large_pixels_and_little_light_the_beads_that_are_told_have_honest_errors(base):
    fwhm_px = np.array([1.77, 1.02, 1.12])
    found = []
    for seed in range(60):
        stack = _simulated(np.random.default_rng([seed, 10]), fwhm_px, 10, poisson=True, base=base)
        found += measure_beads(stack, pixel_size_um=1, z_step_um=1, bit_depth=16).beads
    assert len(found) >= 200
    for name, truth in zip(("axial", "lateral_y", "lateral_x"), fwhm_px, strict=True):
        values, errors = _values(found, name)
        assert 0.8 < ((values - truth) / errors).std(ddof=1) < 1.2, name


@pytest.mark.parametrize("coarseness", [1.0, 2.0])
def test_noise_is_told_from_residuals_though_the_fit_follows_most_of_the_bright_pixels(coarseness):
    rng, sigma = np.random.default_rng(5), (2.04 / coarseness / FWHM_PER_SIGMA, 2.24 / coarseness / FWHM_PER_SIGMA)
    where, per_count, base = (slice(0, 13), slice(0, 13)), 2.5, 20.0
    axis = np.arange(13)
    found = []
    for _ in range(400):
        centre = rng.uniform(5.5, 6.5, 2)
        y, x = (np.exp(-0.5 * np.square((axis - c) / s)) for c, s in zip(centre, sigma, strict=True))
        light = 1000 * np.array([0.5, 1.0, 0.5])[:, None, None] * np.multiply.outer(y, x)
        shape = Gaussian(1000, 0, base, tuple(centre), (0, 0), sigma, (0, 0), 1, 1, Noise(0, 0))
        found.append(noise_of_slices(rng.poisson((light + base) / per_count) * per_count, where, shape))
    mean = mean_noise(found)
    assert mean.background == pytest.approx(base * per_count, rel=0.03)
    assert mean.per_count == pytest.approx(per_count, rel=0.08)
    assert mean.told < 0.2 if coarseness == 2 else mean.told > 0.4


def _values(found, name) -> tuple[np.ndarray, np.ndarray]:
    """Widths and standard errors along an axis."""
    widths = [getattr(bead, name) for bead in found]
    return np.array([one.fwhm_um for one in widths]), np.array([one.standard_error_um for one in widths])


@pytest.mark.parametrize("method", ["1d", "3d"])
def test_other_fits_of_the_same_beads_agree(method):
    stack = np.random.default_rng(3).poisson(_stack(PLACES))
    for bead in _measure(stack).beads:
        other = fit_bead(stack, bead.candidate, voxel_size_zyx_um=(STEP_UM, PIXEL_UM, PIXEL_UM), method=method)
        for name, truth in zip(("axial", "lateral_y", "lateral_x"), FWHM_UM, strict=True):
            width = getattr(other, name)
            assert width.fwhm_um == pytest.approx(truth, abs=5 * width.standard_error_um), name
            assert width.standard_error_um < 0.05 * truth


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_widths_scale_with_the_voxel_and_not_with_brightness(factor):
    stack = _stack(PLACES[:1])
    once = _measure(stack).beads[0]
    scaled = measure_beads(stack * factor, pixel_size_um=2 * PIXEL_UM, z_step_um=3 * STEP_UM, bit_depth=14).beads[0]
    assert scaled.lateral_x.fwhm_um == pytest.approx(2 * once.lateral_x.fwhm_um, rel=1e-5)
    assert scaled.axial.fwhm_um == pytest.approx(3 * once.axial.fwhm_um, rel=1e-5)


def test_y_and_x_are_not_transposed():
    bead = _measure(_stack(PLACES[:1])).beads[0]
    turned = _measure(_stack(PLACES[:1]).transpose(0, 2, 1)).beads[0]
    assert bead.lateral_y.fwhm_um > bead.lateral_x.fwhm_um
    assert turned.lateral_x.fwhm_um == pytest.approx(bead.lateral_y.fwhm_um, rel=1e-6)


@pytest.mark.parametrize(
    ("places", "reason"),
    [
        ([(12, 2, 60)], "edge"),
        ([(0, 48, 60)], "edge"),
        ([(12, 48, 60), (12, 48, 69)], "crowded"),
    ],
)
def test_a_bead_that_cannot_be_measured_keeps_its_reason(places, reason):
    found = _measure(_stack(places))
    assert found.beads == ()
    assert {one.rejection for one in found.rejected} == {reason}


def test_a_saturated_bead_is_rejected():
    found = _measure(np.minimum(_stack([(12, 48, 60)], height=9000), 4095))
    assert found.reasons() == {"saturated": 1}


def test_a_saturated_lump_does_not_hide_faint_beads_and_says_what_it_is():
    stack = _stack([(12.2, 30.4, 40.3), (12.1, 60.7, 90.2)], height=300.0)
    stack[:, 10:22, 100:112] = 4095
    found = _measure(stack)
    assert (len(found.beads), found.reasons()) == (2, {"saturated": 1})


def test_a_hot_pixel_does_not_hide_faint_beads():
    stack = _stack([(12.2, 30.4, 40.3), (12.1, 60.7, 90.2)], height=300.0)
    stack[12, 15, 105] = 4095
    assert len(_measure(stack).beads) == 2


@pytest.mark.parametrize("brighter", [3, 4])
def test_an_unsaturated_clump_does_not_hide_the_beads_and_is_none(brighter):
    places = [(12.1, 20.3 + 30 * row, 20.2 + 30 * column) for row in range(2) for column in range(3)]
    stack = _stack([*places, (12.0, 50.0, 107.0)], height=300.0)
    clump = _stack([(12.0, 80.0, 107.0)], height=300.0 * brighter, fwhm_um=tuple(3 * one for one in FWHM_UM), base=0.0)
    found = _measure(stack + clump)
    assert (len(found.beads), found.reasons()) == (7, {"edge": 1})


def test_a_hot_pixel_is_no_bead():
    stack = np.full((25, 96, 128), 100.0)
    stack[12, 48, 60] = 3000
    found = _measure(stack)
    assert found.beads == ()
    assert sum(found.reasons().values()) == 1


def test_one_bad_bead_does_not_abort_the_others():
    found = _measure(_stack([*PLACES, (12, 2, 60)]))
    assert len(found.beads) == len(PLACES)
    assert found.reasons() == {"edge": 1}


def test_a_short_stack_of_one_width_on_each_side_is_still_measured():
    fwhm_slices = FWHM_UM[0] / STEP_UM
    slices = round(3 * fwhm_slices)
    found = _measure(_stack([(slices // 2, 48, 60)], shape=(slices, 96, 128)))
    assert found.beads[0].axial.fwhm_um == pytest.approx(FWHM_UM[0], rel=0.01)


def test_a_noise_spot_does_not_fit_and_says_so():
    noise = np.random.default_rng(1).poisson(50, (25, 64, 64)).astype(float)
    with pytest.raises(FitError):
        fit_bead(noise, Candidate(12, 30, 30, 3, 4, 4), voxel_size_zyx_um=(STEP_UM, PIXEL_UM, PIXEL_UM))


def test_a_stack_without_beads_tells_why():
    view = BeadView(_stack([(12, 2, 60)]), pixel_size_um=PIXEL_UM, z_step_um=STEP_UM, bit_depth=12)
    with pytest.raises(TooFewBeadsError, match="1 edge"):
        beads.fwhm_axial(view)


def test_finding_beads_leaves_the_stack_alone():
    stack = _stack(PLACES)
    before = stack.copy()
    find_beads(stack, largest_count=4095)
    _measure(stack)
    np.testing.assert_array_equal(stack, before)


def test_the_median_has_an_uncertainty_and_counts_its_beads():
    rng = np.random.default_rng(4)
    view = BeadView(rng.poisson(_stack(PLACES)), pixel_size_um=PIXEL_UM, z_step_um=STEP_UM, bit_depth=12)
    width = beads.fwhm_lateral_x(view)
    assert (width.n, beads.bead_count(view).value) == (4, 4.0)
    assert width.value == pytest.approx(FWHM_UM[2], rel=0.02)
    assert 0 < width.uncertainty < 0.05 * width.value
    assert beads.lateral_asymmetry(view).value == pytest.approx(FWHM_UM[2] / FWHM_UM[1], rel=0.02)


@pytest.mark.parametrize("count", [3, 5, 8, 9, 25])
def test_the_error_of_a_median_is_honest_for_few_values_and_many(count):
    rng = np.random.default_rng(count)
    found = np.array([noisy_median(values, np.ones(count)) for values in rng.normal(0, 1, (2000, count))])
    assert 0.8 < (found[:, 0] / found[:, 1]).std(ddof=1) < 1.2


@pytest.mark.parametrize("count", [8, 12, 25])
def test_the_error_of_a_median_without_errors_of_its_own_is_honest(count):
    found = np.array(
        [noisy_median(values, np.zeros(count)) for values in np.random.default_rng(count).normal(0, 1, (4000, count))]
    )
    assert 0.8 < (found[:, 0] / found[:, 1]).std(ddof=1) < 1.2


def test_one_value_far_off_does_not_wash_out_the_error_of_a_median_of_25():
    values = np.random.default_rng(2).normal(0.47, 0.004, 25)
    _, clean = noisy_median(values, np.zeros(25))
    _, spoilt = noisy_median(np.append(values[:-1], 0.77), np.zeros(25))
    assert clean <= spoilt < 1.4 * clean


def _grid_with_a_pair(apart_px: float, *, seed: int = 5) -> np.ndarray:
    """Sixteen beads, one of them two that lie apart in y and are not resolved."""
    places = [(12.0, 24.0 + 44 * row, 24.0 + 44 * column) for row in range(4) for column in range(4)]
    clump = places.pop(5)
    pair = [(clump[0], clump[1] + shift, clump[2]) for shift in (-apart_px / 2, apart_px / 2)]
    truth = _stack([*places, *pair], shape=(25, 180, 180), height=1000.0)
    return np.random.default_rng(seed).poisson(truth).astype(np.uint16)


def test_a_bead_much_wider_than_the_others_is_rejected_as_merged():
    found = _measure(_grid_with_a_pair(4.2))
    assert found.reasons() == {"merged": 1}
    assert len(found.beads) == 15
    assert (found.rejected[0].y, found.rejected[0].x) == pytest.approx((68, 68), abs=4)


def test_a_close_pair_that_is_not_told_from_a_wide_bead_leaves_the_error_small():
    view = BeadView(_grid_with_a_pair(2.5), pixel_size_um=PIXEL_UM, z_step_um=STEP_UM, bit_depth=12)
    assert beads.bead_count(view).value == 16
    width = beads.fwhm_lateral_y(view)
    assert width.value == pytest.approx(FWHM_UM[1], rel=0.01)
    assert width.uncertainty < 0.005 * FWHM_UM[1]


def test_the_asymmetry_has_the_error_of_its_median():
    truth = FWHM_UM[2] / FWHM_UM[1]
    scores = []
    for seed in range(8):
        stack = np.random.default_rng(seed).poisson(_stack(PLACES, height=1500, base=60))
        view = BeadView(stack, pixel_size_um=PIXEL_UM, z_step_um=STEP_UM, bit_depth=12)
        found = beads.lateral_asymmetry(view)
        assert 0 < found.uncertainty < 0.05
        scores.append((found.value - truth) / found.uncertainty)
    assert np.abs(scores).max() < 4


def test_a_ratio_to_theory_carries_its_uncertainty():
    assert bead_figures.fwhm_ratio(Quantity(0.3, 0.03, 5), 0.2) == Quantity(pytest.approx(1.5), pytest.approx(0.15), 5)


# Goldens: plain 1-D Gaussian fits through the brightest voxel, made independently, in pixels
@pytest.mark.real_data
def test_the_real_psf_has_its_independently_fitted_widths_within_3_percent(real_data):
    stack = read(real_data / "beads" / "pyotf_psf_520nm.tif")
    found = measure_beads(stack.z_stack(), pixel_size_um=0.13, z_step_um=0.3, bit_depth=stack.bit_depth)
    assert len(found.beads) == 1
    bead = found.beads[0]
    widths = [bead.axial.fwhm_um / 0.3, bead.lateral_y.fwhm_um / 0.13, bead.lateral_x.fwhm_um / 0.13]
    assert widths == pytest.approx([4.34, 3.14, 3.03], rel=0.03)


@pytest.mark.real_data
def test_the_four_real_beads_have_their_independently_fitted_widths_within_3_percent(real_data):
    stack = read(real_data / "beads" / "mpi_four_beads.tif")
    pixel, step = stack.metadata.require("pixel_size_um"), stack.metadata.require("z_step_um")
    view = BeadView(stack.z_stack(), pixel_size_um=pixel, z_step_um=step, bit_depth=stack.bit_depth)
    assert beads.bead_count(view).value == 4
    assert beads.fwhm_axial(view).value / step == pytest.approx(4.22, rel=0.03)
    assert beads.fwhm_lateral_x(view).value / pixel == pytest.approx(7.3, rel=0.03)
    # y: 1-D fits through the brightest voxels over 20 px on each side, where the flanks are seen: 10.2, 9.9, 10.1, 9.6.
    # In 8 px on each side the background falls to −30 counts and the widths come out up to 14.
    assert beads.fwhm_lateral_y(view).value / pixel == pytest.approx(10.0, rel=0.03)
