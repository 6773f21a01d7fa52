"""The focus of a scalar pupil obeys the analytic results of diffraction."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import j1

from common.errors import InputError
from instruments.simulator.pupil import (
    Aberrations,
    IndexMismatch,
    Pupil,
    focal_intensity,
    mismatch_wavefront_nm,
    zernike_wavefront_nm,
)

MODES = ("defocus_nm", "astigmatism_nm", "coma_nm", "spherical_nm")
WAVELENGTH_NM = 500.0


def pupil(numerical_aperture=0.5, refractive_index=1.0, aberrations=None, mismatch=None):
    return Pupil(
        numerical_aperture=numerical_aperture,
        refractive_index=refractive_index,
        wavelength_nm=WAVELENGTH_NM,
        aberrations=aberrations or Aberrations(),
        mismatch=mismatch,
    )


def at_focus(given_pupil):
    origin = np.zeros(1)
    return focal_intensity(given_pupil, z_um=origin, y_um=origin, x_um=origin).item()


@pytest.fixture(scope="module")
def disc():
    y, x = np.mgrid[-1:1:801j, -1:1:801j]
    inside = np.hypot(y, x) <= 1.0
    return np.hypot(y, x)[inside], np.arctan2(y, x)[inside]


def test_zernike_modes_have_mean_0_rms_1_and_are_orthogonal(disc):
    modes = np.array([zernike_wavefront_nm(Aberrations(**{mode: 1.0}), *disc) for mode in MODES])
    np.testing.assert_allclose(modes.mean(axis=1), 0.0, atol=5e-3)
    np.testing.assert_allclose(modes @ modes.T / modes.shape[1], np.eye(len(MODES)), atol=1e-2)


def test_rms_adds_in_squares():
    assert Aberrations(defocus_nm=3.0, coma_nm=-4.0, spherical_nm=12.0).rms_nm == pytest.approx(13.0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("waves", [0.02, 0.05, 0.07])
def test_strehl_ratio_follows_marechal_for_small_aberrations(mode, waves):
    strehl = at_focus(pupil(aberrations=Aberrations(**{mode: waves * WAVELENGTH_NM})))
    assert strehl == pytest.approx(np.exp(-((2.0 * np.pi * waves) ** 2)), rel=0.02)


def test_a_perfect_lens_has_a_strehl_ratio_of_one():
    assert at_focus(pupil()) == pytest.approx(1.0, abs=1e-12)


def test_the_focal_spot_is_the_airy_pattern():
    x_um = np.linspace(0.01, 1.5, 60)
    spot = focal_intensity(pupil(), z_um=np.zeros(1), y_um=np.zeros(1), x_um=x_um)[0, 0]
    v = 2.0 * np.pi * 0.5 * x_um / (WAVELENGTH_NM / 1000.0)
    np.testing.assert_allclose(spot, (2.0 * j1(v) / v) ** 2, atol=0.012)


def test_the_axial_profile_is_a_squared_sinc_at_low_aperture():
    z_um = np.linspace(0.5, 60.0, 50)
    profile = focal_intensity(pupil(0.15), z_um=z_um, y_um=np.zeros(1), x_um=np.zeros(1))[:, 0, 0]
    sagitta = 1.0 - np.sqrt(1.0 - 0.15**2)
    np.testing.assert_allclose(profile, np.sinc(sagitta * z_um / (WAVELENGTH_NM / 1000.0)) ** 2, atol=0.02)


@settings(max_examples=20, deadline=None)
@given(st.tuples(*[st.floats(-40.0, 40.0)] * 4), st.floats(-1.5, 1.5))
def test_aberration_and_defocus_move_light_but_lose_none(amplitudes, z_um):
    position_um = np.arange(-90, 91) * 0.15
    aberrations = Aberrations(**dict(zip(MODES, amplitudes, strict=True)))
    total = [
        focal_intensity(each, z_um=np.array([height]), y_um=position_um, x_um=position_um).sum()
        for each, height in ((pupil(), 0.0), (pupil(aberrations=aberrations), z_um))
    ]
    assert total[1] == pytest.approx(total[0], rel=0.02)


def test_a_layer_of_the_right_index_changes_nothing():
    right = pupil(mismatch=IndexMismatch(refractive_index=1.0, thickness_um=100.0))
    np.testing.assert_allclose(mismatch_wavefront_nm(right, np.linspace(0, 1, 50)), 0.0, atol=1e-6)
    assert at_focus(right) == pytest.approx(1.0, abs=1e-9)


def test_oil_on_a_dry_lens_is_spherical_aberration_that_grows_with_its_thickness(disc):
    radius, angle = disc
    path_nm = mismatch_wavefront_nm(
        pupil(0.5, mismatch=IndexMismatch(refractive_index=1.518, thickness_um=20.0)), radius
    )
    spherical = zernike_wavefront_nm(Aberrations(spherical_nm=1.0), radius, angle)
    assert abs(np.corrcoef(path_nm, spherical)[0, 1]) > 0.98
    strehls = [
        at_focus(pupil(0.5, mismatch=IndexMismatch(refractive_index=1.518, thickness_um=t))) for t in (0, 10, 20, 40)
    ]
    assert strehls[0] > strehls[1] > strehls[2] > strehls[3]


def test_rays_beyond_the_critical_angle_do_not_pass_into_water():
    tirf = pupil(1.45, 1.518, mismatch=IndexMismatch(refractive_index=1.33, thickness_um=0.0))
    assert np.isfinite(at_focus(tirf))
    x_um = np.linspace(0.0, 0.3, 301)
    spots = [
        focal_intensity(each, z_um=np.zeros(1), y_um=np.zeros(1), x_um=x_um)[0, 0]
        for each in (tirf, pupil(1.45, 1.518))
    ]
    half = [x_um[np.argmax(spot < 0.5)] for spot in spots]
    assert half[0] / half[1] == pytest.approx(1.45 / 1.33, rel=0.03)


@pytest.mark.parametrize("aperture", [0.0, 1.0, 1.2])
def test_an_impossible_aperture_is_refused(aperture):
    with pytest.raises(InputError, match="impossible"):
        pupil(aperture)


def test_a_pupil_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        pupil().wavelength_nm = 1.0
