"""Images are formed linearly, in place, and with the stated brightness."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from instruments.optics.resolution import Technique
from instruments.simulator.formation import noiseless_image
from instruments.simulator.psf import PsfModel, point_spread
from instruments.simulator.pupil import Aberrations
from instruments.simulator.specimens import Specimen, Standard, beads, homogeneous_slide, marbles

FOCUS = np.zeros(1)


@pytest.fixture(scope="module")
def two_photon():
    return PsfModel(
        technique=Technique.TWO_PHOTON,
        numerical_aperture=1.0,
        refractive_index=1.33,
        excitation_nm=800.0,
        emission_nm=525.0,
    )


def one_point(y_um, x_um, z_um=0.0, shape=(64, 72)):
    return Specimen(
        standard=Standard.BEADS,
        pixel_size_um=0.1,
        density=np.zeros((1, *shape)),
        slab_z_um=np.zeros(1),
        points=np.array([[z_um, y_um, x_um, 1.0]]),
    )


def test_a_point_appears_at_its_subpixel_position(two_photon):
    image = noiseless_image(one_point(3.237, 3.561), two_photon, focus_um=FOCUS)[0]
    y, x = np.mgrid[:64, :72]
    bright = np.where(image > 0.02, image, 0.0)
    assert np.average(y, weights=bright) == pytest.approx(32.37, abs=0.03)
    assert np.average(x, weights=bright) == pytest.approx(35.61, abs=0.03)


def test_a_point_on_a_pixel_is_the_point_spread_itself(two_photon):
    image = noiseless_image(one_point(3.0, 4.0), two_photon, focus_um=np.array([0.0, 0.7]))
    spread = point_spread(two_photon, z_um=np.array([0.0, -0.7]), half_width_px=15, pixel_size_um=0.1)
    np.testing.assert_allclose(image[:, 15:46, 25:56], spread, atol=1e-5)
    assert image[0].max() == pytest.approx(1.0)


def test_focusing_on_a_point_above_the_coverslip_finds_it(two_photon):
    heights_um = np.linspace(-2.0, 2.0, 21)
    stack = noiseless_image(one_point(3.0, 3.0, z_um=0.8), two_photon, focus_um=heights_um)
    assert heights_um[stack.max(axis=(1, 2)).argmax()] == pytest.approx(0.8)


def test_a_field_of_even_concentration_stays_even_and_has_light_1(two_photon):
    slide = homogeneous_slide(shape=(50, 61), pixel_size_um=0.2)
    np.testing.assert_allclose(noiseless_image(slide, two_photon, focus_um=FOCUS), 1.0, rtol=1e-5)


def test_uneven_excitation_shows_in_an_even_field(two_photon):
    slide = homogeneous_slide(shape=(96, 96), pixel_size_um=0.2)
    excitation = np.linspace(0.5, 1.0, 96)[np.newaxis, :] * np.ones((96, 1))
    image = noiseless_image(slide, two_photon, focus_um=FOCUS, excitation=excitation)[0]
    np.testing.assert_allclose(image[:, 20:-20], excitation[:, 20:-20], rtol=0.01)


def test_images_add(two_photon):
    a = one_point(2.0, 2.0)
    b = one_point(4.0, 5.0)
    both = dataclasses.replace(a, points=np.vstack([a.points, b.points]))
    together, first, second = (noiseless_image(each, two_photon, focus_um=FOCUS) for each in (both, a, b))
    np.testing.assert_allclose(together, first + second, atol=1e-5)


def test_marbles_are_bright_inside_and_vanish_out_of_focus(two_photon):
    field = marbles(seed=4, shape=(160, 160), pixel_size_um=0.2, count=4)
    sharp, missed = noiseless_image(field, two_photon, focus_um=np.array([0.0, 8.0]))
    equator = field.density[len(field.slab_z_um) // 2]
    assert np.median(sharp[equator > 0.9]) == pytest.approx(0.95, abs=0.08)
    assert missed.max() < 0.1


def test_spherical_aberration_costs_two_photon_light(two_photon):
    slide = homogeneous_slide(shape=(32, 32), pixel_size_um=0.2)
    worn = dataclasses.replace(two_photon, aberrations=Aberrations(spherical_nm=100.0))
    assert noiseless_image(slide, worn, focus_um=FOCUS).mean() < 0.7


def test_the_specimen_and_the_excitation_are_left_as_they_were(two_photon):
    field = beads(seed=1, shape=(96, 96), pixel_size_um=0.1, distance_um=2.0, count=3)
    points, excitation = field.points.copy(), np.full((96, 96), 0.5)
    noiseless_image(field, two_photon, focus_um=FOCUS, excitation=excitation)
    np.testing.assert_array_equal(field.points, points)
    assert np.all(excitation == 0.5)
