"""Nyquist's steps are half the reciprocal of what the pupil passes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from common.errors import MissingMetadataError
from instruments.optics.resolution import OpticalSettings, Technique
from instruments.optics.sampling import nyquist_sampling


def settings(technique, excitation_nm=488.0, emission_nm=520.0):
    return OpticalSettings(
        technique=technique,
        numerical_aperture=1.3,
        refractive_index=1.518,
        excitation_nm=excitation_nm,
        emission_nm=emission_nm,
    )


def test_widefield_steps_are_those_of_the_cut_off_of_the_intensity():
    sampling = nyquist_sampling(settings(Technique.WIDEFIELD))
    assert sampling.pixel_size_um == pytest.approx(0.1)
    alpha = math.asin(1.3 / 1.518)
    assert sampling.z_step_um == pytest.approx(0.520 / (2 * 1.518 * (1 - math.cos(alpha))))


@pytest.mark.parametrize("technique", [Technique.CONFOCAL, Technique.TWO_PHOTON])
def test_scanning_techniques_need_half_the_widefield_steps_at_the_same_wavelength(technique):
    scanning = nyquist_sampling(settings(technique, excitation_nm=520.0))
    widefield = nyquist_sampling(settings(Technique.WIDEFIELD))
    assert scanning.pixel_size_um == pytest.approx(widefield.pixel_size_um / 2)
    assert scanning.z_step_um == pytest.approx(widefield.z_step_um / 2)


def test_a_point_sampled_at_nyquist_has_no_power_at_the_border_of_its_spectrum():
    step_um = nyquist_sampling(settings(Technique.WIDEFIELD)).pixel_size_um
    x_um = (np.arange(1024) - 512) * step_um
    airy_slice = np.sinc(2 * 1.3 / 0.520 * x_um) ** 2  # one-dimensional pupil: same cut-off, closed form
    power = np.abs(np.fft.rfft(airy_slice))
    assert power[-1] < 1e-3 * power[0]
    assert power[len(power) // 2] > 0.4 * power[0]


def test_the_missing_wavelength_is_named():
    with pytest.raises(MissingMetadataError, match="excitation"):
        nyquist_sampling(settings(Technique.CONFOCAL, excitation_nm=None))
