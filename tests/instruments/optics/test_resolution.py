"""The theoretical limits are those of the literature."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from common.errors import InputError, MissingMetadataError
from instruments.optics.resolution import OpticalSettings, Technique, theoretical_resolution


def settings(technique, numerical_aperture=1.4, refractive_index=1.518, excitation_nm=488.0, emission_nm=520.0):
    return OpticalSettings(
        technique=technique,
        numerical_aperture=numerical_aperture,
        refractive_index=refractive_index,
        excitation_nm=excitation_nm,
        emission_nm=emission_nm,
    )


@pytest.mark.parametrize(
    ("given_settings", "lateral_um", "axial_um"),
    [
        # worked by hand with a pocket calculator from the formulas in the docstring
        (settings(Technique.WIDEFIELD), 0.18943, 0.71284),
        (settings(Technique.CONFOCAL), 0.17777, 0.46112),
        (settings(Technique.TWO_PHOTON, 0.5, 1.33, 800.0), 0.60320, 5.1328),
        (settings(Technique.TWO_PHOTON, 1.0, 1.33, 800.0), 0.30640, 1.10515),
    ],
)
def test_worked_examples_are_reproduced(given_settings, lateral_um, axial_um):
    resolution = theoretical_resolution(given_settings)
    assert resolution.fwhm_lateral_um == pytest.approx(lateral_um, rel=1e-3)
    assert resolution.fwhm_axial_um == pytest.approx(axial_um, rel=1e-3)


def test_two_photon_formulas_meet_within_two_percent_where_they_change():
    below = theoretical_resolution(settings(Technique.TWO_PHOTON, 0.7)).fwhm_lateral_um
    above = theoretical_resolution(settings(Technique.TWO_PHOTON, 0.7 + 1e-9)).fwhm_lateral_um
    assert above == pytest.approx(below, rel=0.02)
    assert above != below


@trials(deadline=None)
@given(st.sampled_from(Technique), st.floats(0.1, 1.3), st.floats(1.1, 3.0))
def test_widths_scale_with_the_wavelength_and_shrink_with_the_aperture(technique, aperture, factor):
    base = theoretical_resolution(settings(technique, aperture))
    longer = theoretical_resolution(settings(technique, aperture, 1.518, 488.0 * factor, 520.0 * factor))
    assert longer.fwhm_lateral_um == pytest.approx(factor * base.fwhm_lateral_um)
    assert longer.fwhm_axial_um == pytest.approx(factor * base.fwhm_axial_um)
    wider = theoretical_resolution(settings(technique, aperture * 1.1))
    assert wider.fwhm_lateral_um < base.fwhm_lateral_um
    assert wider.fwhm_axial_um < base.fwhm_axial_um


@pytest.mark.parametrize(
    ("technique", "field"),
    [
        (Technique.WIDEFIELD, "emission_nm"),
        (Technique.CONFOCAL, "excitation_nm"),
        (Technique.TWO_PHOTON, "excitation_nm"),
    ],
)
def test_the_missing_wavelength_is_named(technique, field):
    with pytest.raises(MissingMetadataError) as caught:
        theoretical_resolution(dataclasses.replace(settings(technique), **{field: None}))
    assert caught.value.details == {"missing": field}


@pytest.mark.parametrize("aperture", [0.0, -0.5, 1.0, 1.4, float("nan")])
def test_an_impossible_aperture_in_air_is_refused(aperture):
    with pytest.raises(InputError, match="impossible"):
        settings(Technique.CONFOCAL, aperture, 1.0)


@pytest.mark.parametrize("wavelength_nm", [0.0, -488.0, float("nan")])
def test_an_impossible_wavelength_is_refused(wavelength_nm):
    with pytest.raises(InputError, match="wavelength"):
        settings(Technique.CONFOCAL, excitation_nm=wavelength_nm)
