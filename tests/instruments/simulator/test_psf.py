"""The width of a simulated point is the width that theory states, in the regime of each formula.

Which apertures: the widefield axial formula 1.77 n λ/NA² is the paraxial limit, so it is compared at NA 0.3 (at NA 0.5
the exact pupil is 7 % narrower). The confocal formulas use the exact sagitta n − √(n² − NA²) and an open pinhole, so
they hold to NA 1.3. The two-photon formulas were fitted to vectorial focusing, which is wider than scalar focusing at
high aperture (6 % at NA 1.3), so they are compared to NA 1.0 in water.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from instruments.optics.resolution import OpticalSettings, Technique, theoretical_resolution
from instruments.simulator.psf import PsfModel, point_spread
from instruments.simulator.pupil import Aberrations


def model(technique, numerical_aperture=0.8, refractive_index=1.0, **others):
    return PsfModel(
        technique=technique,
        numerical_aperture=numerical_aperture,
        refractive_index=refractive_index,
        excitation_nm=488.0,
        emission_nm=525.0,
        **others,
    )


def limits(given_model):
    names = ("technique", "numerical_aperture", "refractive_index", "excitation_nm", "emission_nm")
    return theoretical_resolution(OpticalSettings(**{name: getattr(given_model, name) for name in names}))


def width(position, profile):
    """Full width at half maximum of a profile with its peak in the middle, by linear interpolation."""
    middle = len(profile) // 2
    half = profile[middle] / 2.0
    right = np.interp(-half, -profile[middle:], position[middle:])
    left = np.interp(half, profile[: middle + 1], position[: middle + 1])
    return right - left


def lateral_widths(given_model, pixels_a_width=25):
    pixel_um = limits(given_model).fwhm_lateral_um / pixels_a_width
    x_um = np.arange(1 - pixels_a_width, pixels_a_width) * pixel_um
    image = point_spread(given_model, z_um=np.zeros(1), half_width_px=pixels_a_width - 1, pixel_size_um=pixel_um)[0]
    return width(x_um, image[pixels_a_width - 1]), width(x_um, image[:, pixels_a_width - 1])


def axial_width(given_model):
    z_um = np.linspace(-0.85, 0.85, 69) * limits(given_model).fwhm_axial_um
    return width(z_um, point_spread(given_model, z_um=z_um, half_width_px=0, pixel_size_um=0.1)[:, 0, 0])


@pytest.mark.parametrize(
    ("technique", "aperture", "index"),
    [
        (Technique.WIDEFIELD, 0.3, 1.0),
        (Technique.CONFOCAL, 0.5, 1.0),
        (Technique.CONFOCAL, 0.8, 1.0),
        (Technique.CONFOCAL, 1.3, 1.518),
        (Technique.TWO_PHOTON, 0.5, 1.0),
        (Technique.TWO_PHOTON, 0.8, 1.0),
        (Technique.TWO_PHOTON, 1.0, 1.33),
    ],
)
def test_unaberrated_widths_are_within_five_percent_of_theory(technique, aperture, index):
    perfect = model(technique, aperture, index)
    along_x, along_y = lateral_widths(perfect)
    theory = limits(perfect)
    assert along_x == pytest.approx(theory.fwhm_lateral_um, rel=0.05)
    assert along_y == pytest.approx(along_x, rel=1e-9)
    assert axial_width(perfect) == pytest.approx(theory.fwhm_axial_um, rel=0.05)


def test_closing_the_pinhole_narrows_the_point_to_the_product_of_both_spots():
    open_width, _ = lateral_widths(model(Technique.CONFOCAL), 12)
    one_airy, _ = lateral_widths(model(Technique.CONFOCAL, pinhole_au=1.0), 12)
    closed, _ = lateral_widths(model(Technique.CONFOCAL, pinhole_au=0.1), 12)
    wide, _ = lateral_widths(model(Technique.CONFOCAL, pinhole_au=4.0), 12)
    assert closed < one_airy < wide < open_width * 1.001
    # 0.37 λ/NA for equal wavelengths (Wilhelm et al. 2003); here the mean wavelength of both ways
    mean_um = np.sqrt(2.0) * 0.488 * 0.525 / np.hypot(0.488, 0.525)
    assert closed == pytest.approx(0.37 * mean_um / 0.8, rel=0.03)


def test_the_pinhole_rejects_light_from_other_planes():
    z_um = np.array([0.0, 2.0])
    light = [
        point_spread(model(Technique.CONFOCAL, pinhole_au=airy), z_um=z_um, half_width_px=40, pixel_size_um=0.1).sum(
            axis=(1, 2)
        )
        for airy in (0.5, 8.0)
    ]
    rejection = [total[1] / total[0] for total in light]
    assert rejection[0] < 0.35 * rejection[1]


def test_widefield_does_not_section_but_two_photon_does():
    z_um = np.array([0.0, 4.0])
    light = {
        technique: point_spread(model(technique), z_um=z_um, half_width_px=80, pixel_size_um=0.1).sum(axis=(1, 2))
        for technique in (Technique.WIDEFIELD, Technique.TWO_PHOTON)
    }
    widefield, two_photon = (light[t][1] / light[t][0] for t in light)
    assert widefield == pytest.approx(1.0, abs=0.05)
    assert two_photon < 0.2


@pytest.mark.parametrize("pinhole_au", [None, 1.0])
def test_a_perfect_lens_peaks_at_one_and_an_aberrated_one_below(pinhole_au):
    perfect = model(Technique.CONFOCAL, pinhole_au=pinhole_au)
    bad = dataclasses.replace(perfect, aberrations=Aberrations(spherical_nm=40.0))
    for each, check in ((perfect, lambda peak: peak == pytest.approx(1.0)), (bad, lambda peak: peak < 0.85)):
        assert check(point_spread(each, z_um=np.zeros(1), half_width_px=12, pixel_size_um=0.05).max())
    assert bad.unaberrated() == perfect


def test_astigmatism_stretches_the_point_along_opposite_axes_on_either_side_of_focus():
    astigmatic = model(Technique.CONFOCAL, aberrations=Aberrations(astigmatism_nm=60.0))
    above, below = point_spread(astigmatic, z_um=np.array([0.6, -0.6]), half_width_px=15, pixel_size_um=0.06)
    y, x = np.mgrid[-15:16, -15:16]

    def elongation(image):
        return np.sum(image * x**2) / np.sum(image * y**2)

    assert max(elongation(above), elongation(below)) > 1.2
    assert elongation(above) == pytest.approx(1.0 / elongation(below), rel=0.05)


def test_spherical_aberration_widens_the_axial_profile_and_breaks_its_symmetry():
    z_um = np.linspace(-3.0, 3.0, 121)
    profiles = [
        point_spread(
            model(Technique.TWO_PHOTON, aberrations=Aberrations(spherical_nm=amount)),
            z_um=z_um,
            half_width_px=0,
            pixel_size_um=0.05,
        )[:, 0, 0]
        for amount in (0.0, 50.0)
    ]
    asymmetry = [np.abs(profile - profile[::-1]).sum() / profile.sum() for profile in profiles]
    assert asymmetry[0] < 1e-9
    assert asymmetry[1] > 0.1
    spread = [np.sqrt(np.average((z_um - np.average(z_um, weights=p)) ** 2, weights=p)) for p in profiles]
    assert spread[1] > 1.1 * spread[0]
