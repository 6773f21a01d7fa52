from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from common.errors import FitError, MissingMetadataError, TooFewBeadsError
from instruments.optics.resolution import OpticalSettings, Technique, theoretical_resolution
from instruments.simulator.psf import PsfModel, point_spread
from instruments.simulator.pupil import Aberrations
from metrology.attributes import bead_figures
from metrology.attributes.bead_fit import Bead, Width
from metrology.attributes.bead_maps import average_psf, fwhm_map
from metrology.attributes.beads import BeadView, measure_beads
from metrology.imaging.readers import read

PIXEL_UM, STEP_UM = 0.05, 0.1


def _beam(*, astigmatism_um=0.0, skew=0.0, height=4000.0, noise=5.0, count=4, seed=0) -> np.ndarray:
    """Beads that widen out of focus like a beam, with the foci of y and x apart and unequal halves along z."""
    rng = np.random.default_rng(seed)
    image = np.full((41, 100, 50 * count), 100.0)
    z, y, x = np.mgrid[:41, :100, : 50 * count].astype(float)
    for place in range(count):
        at = (20 + rng.uniform(-0.4, 0.4), 50 + rng.uniform(-0.4, 0.4), 25 + 50 * place + rng.uniform(-0.4, 0.4))
        depth = (z - at[0]) * STEP_UM
        sigma_y = 2.6 * np.sqrt(1 + ((depth - astigmatism_um / 2) / 0.5) ** 2)
        sigma_x = 2.6 * np.sqrt(1 + ((depth + astigmatism_um / 2) / 0.5) ** 2)
        fall = np.exp(-0.5 * (depth / (0.45 * np.where(depth > 0, 1 + skew, 1 - skew))) ** 2)
        image += height * fall * np.exp(-0.5 * (((y - at[1]) / sigma_y) ** 2 + ((x - at[2]) / sigma_x) ** 2))
    return image + rng.normal(0, noise, image.shape)


def _view(stack: np.ndarray, **kwargs) -> BeadView:
    return BeadView(stack, pixel_size_um=PIXEL_UM, z_step_um=STEP_UM, bit_depth=14, **kwargs)


@pytest.mark.parametrize("astigmatism_um", [0.0, 0.1, -0.3])
def test_astigmatism_is_the_distance_between_the_two_foci(astigmatism_um):
    found = bead_figures.astigmatism(_view(_beam(astigmatism_um=astigmatism_um)))
    assert found.value == pytest.approx(abs(astigmatism_um), abs=max(0.01, 3 * found.uncertainty))
    assert 0 < found.uncertainty < 0.02
    assert found.n == 4


@pytest.mark.parametrize("skew", [0.0, 0.2, -0.3])
def test_axial_asymmetry_is_the_unlikeness_of_the_halves(skew):
    found = bead_figures.axial_asymmetry(_view(_beam(skew=skew)))
    assert found.value == pytest.approx(abs(skew), abs=max(0.01, 3 * found.uncertainty))
    assert found.n == 4


def test_a_bead_that_does_not_widen_has_no_astigmatism_to_tell():
    z, y, x = np.mgrid[:31, :60, :60].astype(float)
    stack = 100 + 2000 * np.exp(-0.5 * (((z - 15) / 4) ** 2 + ((y - 30) / 3) ** 2 + ((x - 30) / 3) ** 2))
    stack += np.random.default_rng(0).normal(0, 5, stack.shape)
    with pytest.raises(FitError, match="widen"):
        bead_figures.astigmatism(_view(stack))


def test_a_spherically_aberrated_lens_is_asymmetric_and_a_perfect_one_is_not():
    def asymmetry(spherical_nm):
        model = PsfModel(
            technique=Technique.WIDEFIELD, numerical_aperture=1.2, refractive_index=1.33, excitation_nm=488,
            emission_nm=520, aberrations=Aberrations(spherical_nm=spherical_nm),
        )  # fmt: skip
        z_um = (np.arange(41) - 20) * STEP_UM
        spread = point_spread(model, z_um=z_um, half_width_px=30, pixel_size_um=PIXEL_UM)
        return bead_figures.axial_asymmetry(_view(100 + 3000 * spread / spread.max())).value

    assert asymmetry(0.0) < 0.01
    assert asymmetry(60.0) > 0.05


SETTINGS = OpticalSettings(
    technique=Technique.WIDEFIELD, numerical_aperture=0.85, refractive_index=1.0, emission_nm=520.0
)


def test_ratios_to_theory_divide_by_the_theoretical_widths():
    view = _view(_beam(), optics=SETTINGS)
    theory = theoretical_resolution(SETTINGS)
    bead = view.beads
    for name, function, width in (
        ("lateral_x", bead_figures.fwhm_ratio_lateral_x, theory.fwhm_lateral_um),
        ("lateral_y", bead_figures.fwhm_ratio_lateral_y, theory.fwhm_lateral_um),
        ("axial", bead_figures.fwhm_ratio_axial, theory.fwhm_axial_um),
    ):
        found = function(view)
        assert found.value == pytest.approx(np.median([getattr(one, name).fwhm_um for one in bead]) / width)
        assert found.uncertainty > 0


def test_a_ratio_without_optics_says_what_is_missing():
    with pytest.raises(MissingMetadataError, match="aperture"):
        bead_figures.fwhm_ratio_axial(_view(_beam(count=1)))


def test_signal_to_background_is_peak_over_background():
    found = bead_figures.sbr(_view(_beam()))
    assert found.value == pytest.approx(4100 / 100, rel=0.05)
    with pytest.raises(FitError, match="background"):
        bead_figures.sbr(_view(np.clip(_beam(noise=0.0) - 200, 0, None)))


def test_metrolojs_widths_agree_with_ours_on_clean_beads_and_want_an_r2_of_095():
    view = _view(_beam())
    ours = np.median([bead.lateral_x.fwhm_um for bead in view.beads])
    assert bead_figures.metroloj_fwhm_lateral_x(view).value == pytest.approx(ours, rel=0.02)
    assert bead_figures.metroloj_fwhm_lateral_y(view).value == pytest.approx(ours, rel=0.02)
    assert bead_figures.metroloj_fwhm_axial(view).value == pytest.approx(0.45 * 2.3548, rel=0.05)
    with pytest.raises(TooFewBeadsError, match=r"0\.95"):
        bead_figures.metroloj_fwhm_axial(_view(_beam(height=500, noise=60)))


def test_the_average_of_beads_has_the_width_of_one_and_less_noise():
    stack = _beam(noise=40.0)
    field = measure_beads(stack, pixel_size_um=PIXEL_UM, z_step_um=STEP_UM, bit_depth=14)
    mean = average_psf(stack, field.beads, voxel_size_zyx_um=(STEP_UM, PIXEL_UM, PIXEL_UM))
    assert mean.beads == 4
    middle = tuple(size // 2 for size in mean.intensity.shape)
    assert np.unravel_index(np.argmax(mean.intensity), mean.intensity.shape) == middle
    line = mean.intensity[middle[0], middle[1]]
    half = np.interp(0.5, line[: middle[2] + 1], np.arange(middle[2] + 1))
    assert 2 * (middle[2] - half) == pytest.approx(2.6 * 2.3548, rel=0.05)
    single = stack[:, 40:60, 15:35] / 4000
    assert mean.intensity[:3].std() < 0.7 * single[:3].std()


def test_a_width_map_finds_a_width_that_grows_across_the_field():
    z, y, x = np.mgrid[:21, :300, :300].astype(float)
    stack = np.full(z.shape, 100.0)
    for row in range(5):
        for column in range(5):
            at = (10, 30 + 60 * row, 30 + 60 * column)
            sigma = 2.0 + 0.2 * column
            stack += 2000 * np.exp(
                -0.5 * (((z - at[0]) / 3) ** 2 + ((y - at[1]) / 2) ** 2 + ((x - at[2]) / sigma) ** 2)
            )
    stack += np.random.default_rng(1).normal(0, 10, stack.shape)
    field = measure_beads(stack, pixel_size_um=PIXEL_UM, z_step_um=STEP_UM, bit_depth=12)
    found = fwhm_map(field.beads)
    assert found.yx_um.shape == (25, 2)
    per_um = 0.2 * 2.3548 * PIXEL_UM / (60 * PIXEL_UM)
    assert found.lateral_x.per_um_right == pytest.approx(per_um, rel=0.05)
    assert found.lateral_x.per_um_down == pytest.approx(0, abs=4 * found.lateral_x.per_um_down_error)
    assert found.lateral_y.per_um_right == pytest.approx(0, abs=4 * found.lateral_y.per_um_right_error)


def test_maps_of_too_few_beads_are_refused():
    stack = _beam(count=2)
    beads = measure_beads(stack, pixel_size_um=PIXEL_UM, z_step_um=STEP_UM, bit_depth=14).beads
    with pytest.raises(TooFewBeadsError, match="four"):
        fwhm_map(beads)
    with pytest.raises(TooFewBeadsError, match="no bead"):
        average_psf(stack, (), voxel_size_zyx_um=(STEP_UM, PIXEL_UM, PIXEL_UM))


@pytest.mark.real_data
def test_the_real_psf_is_somewhat_wider_than_theory(real_data):
    stack = read(real_data / "beads" / "pyotf_psf_520nm.tif")
    view = BeadView(stack.z_stack(), pixel_size_um=0.13, z_step_um=0.3, bit_depth=stack.bit_depth, optics=SETTINGS)
    assert 1.0 < bead_figures.fwhm_ratio_lateral_x(view).value < 1.5  # 0.394 µm over 0.312 µm
    assert 0.9 < bead_figures.fwhm_ratio_axial(view).value < 1.2  # 1.302 µm over 1.274 µm


@cache
def _one_bead() -> Bead:
    return measure_beads(_beam(count=1), pixel_size_um=PIXEL_UM, z_step_um=STEP_UM, bit_depth=14).beads[0]


def _even_beads(count: int, rng: np.random.Generator) -> list[Bead]:
    """Beads of one width with a scatter of 4 nm, at random places of a field of 50 µm."""
    return [
        replace(
            _one_bead(),
            y_um=float(rng.uniform(0, 50)),
            x_um=float(rng.uniform(0, 50)),
            lateral_y=Width(float(rng.normal(0.47, 0.004)), 0.004),
        )
        for _ in range(count)
    ]


def test_one_clump_makes_no_slope_over_the_field():
    rng = np.random.default_rng(4)
    for _ in range(10):
        beads = _even_beads(24, rng)
        clean = fwhm_map(beads).lateral_y
        clump = replace(beads[0], y_um=49.0, x_um=25.0, lateral_y=Width(0.69, 0.004))
        found = fwhm_map([*beads, clump]).lateral_y
        assert found.per_um_down == pytest.approx(clean.per_um_down, abs=1.2 * clean.per_um_down_error)
        assert found.per_um_down_error < 1.5 * clean.per_um_down_error


def test_the_errors_of_a_slope_are_honest():
    rng = np.random.default_rng(7)
    slopes = [fwhm_map(_even_beads(20, rng)).lateral_y for _ in range(150)]
    assert 0.8 < np.std([one.per_um_down / one.per_um_down_error for one in slopes], ddof=1) < 1.2
