"""A microscope's images follow from its state, its specimen and a seed, and from nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from common.errors import InputError
from instruments.optics.resolution import Technique
from instruments.simulator.acquisition import Defect, Exposure, MicroscopeState
from instruments.simulator.ageing import AgeingLaw, LawKind, Service
from instruments.simulator.detector import Detector
from instruments.simulator.microscope import OUT_OF_FOCUS_UM, Microscope
from instruments.simulator.scanner import Scanner
from instruments.simulator.specimens import beads, homogeneous_slide, marbles

SHIFT = "scanner.bidirectional_shift_px"


def tube(name, efficiency, share, **figures):
    standard = {"gain_counts": 8.0, "excess_noise_factor": 1.3, "read_noise_counts": 4.0, "offset_counts": 40.0}
    return Detector(
        name=name,
        kind="PMT",
        model="test",
        quantum_efficiency=efficiency,
        light_fraction=share,
        **{**standard, **figures},
    )


@pytest.fixture(scope="module")
def microscope():
    return Microscope(
        technique=Technique.TWO_PHOTON,
        numerical_aperture=1.0,
        refractive_index=1.33,
        excitation_nm=800.0,
        emission_nm=525.0,
        initial=MicroscopeState(
            detectors=(tube("ChS1", 0.25, 0.5), tube("NDD1", 0.40, 0.5)), repeatability=0.02, background=0.0
        ),
        laws=(AgeingLaw(parameter=SHIFT, kind=LawKind.STEP, start_week=10.0, amount=2.0),),
        services=(Service(week=20.0, restores=(SHIFT,)),),
    )


@pytest.fixture(scope="module")
def field():
    return marbles(seed=9, shape=(128, 128), pixel_size_um=0.2, count=5)


BRIGHT = Exposure(photons=1500.0)


def test_same_seed_same_counts_whatever_was_scanned_before(microscope, field):
    first = microscope.acquire(field, week=3.0, seed=1, exposure=BRIGHT)
    microscope.acquire(field, week=4.0, seed=2, exposure=BRIGHT)
    again = microscope.acquire(field, week=3.0, seed=1, exposure=BRIGHT)
    other = microscope.acquire(field, week=3.0, seed=3, exposure=BRIGHT)
    np.testing.assert_array_equal(first.planes, again.planes)
    assert np.any(first.planes != other.planes)


def test_channels_show_the_same_photons_in_the_ratio_of_their_efficiencies(microscope, field):
    acquired = microscope.acquire(field, week=0.0, seed=5, exposure=BRIGHT)
    internal, outer = acquired.planes[:, 0].astype(float) - 40.0
    assert acquired.planes.shape == (2, 1, 128, 128)
    assert outer.mean() / internal.mean() == pytest.approx(1.6, rel=0.02)
    assert np.corrcoef(internal.ravel(), outer.ravel())[0, 1] > 0.95
    expected = acquired.truth.photons[0] * 0.5 * 0.25 * 8.0
    assert internal.mean() == pytest.approx(expected.mean(), rel=0.02)


def test_noise_of_the_two_channels_is_independent(microscope):
    slide = homogeneous_slide(shape=(200, 200), pixel_size_um=0.2)
    flat = dataclasses.replace(microscope, initial=dataclasses.replace(microscope.initial, repeatability=0.0))
    acquired = flat.acquire(slide, week=0.0, seed=5, exposure=BRIGHT)
    residual = [
        plane / plane.mean() - acquired.truth.photons[0] / acquired.truth.photons.mean()
        for plane in acquired.planes[:, 0] - 40.0
    ]
    assert abs(np.corrcoef(residual[0].ravel(), residual[1].ravel())[0, 1]) < 0.03


def test_light_varies_between_acquisitions_by_the_stated_repeatability(microscope):
    slide = homogeneous_slide(shape=(16, 16), pixel_size_um=0.2)
    means = [
        microscope.acquire(slide, week=0.0, seed=seed, exposure=BRIGHT).truth.photons.mean() for seed in range(150)
    ]
    assert np.std(np.log(means)) == pytest.approx(0.02, rel=0.17)


def test_half_the_laser_power_is_a_quarter_of_two_photon_light_and_half_of_confocal(microscope):
    slide = homogeneous_slide(shape=(16, 16), pixel_size_um=0.2)

    def light(technique, power):
        state = dataclasses.replace(microscope.initial, laser_power=power)
        instrument = dataclasses.replace(microscope, technique=technique, initial=state)
        return instrument.acquire(slide, week=0.0, seed=1, exposure=BRIGHT).truth.photons.mean()

    assert light(Technique.TWO_PHOTON, 0.5) / light(Technique.TWO_PHOTON, 1.0) == pytest.approx(0.25)
    assert light(Technique.CONFOCAL, 0.5) / light(Technique.CONFOCAL, 1.0) == pytest.approx(0.5)


def test_an_accident_shows_in_the_image_until_it_is_repaired(microscope, field):
    def zigzag(week):
        plane = microscope.acquire(field, week=week, seed=1, exposure=BRIGHT).truth.photons[0]
        return np.abs(plane[1:-1] - (plane[:-2] + plane[2:]) / 2.0).mean()

    assert zigzag(15.0) > 3.0 * zigzag(5.0)
    assert zigzag(20.0) == pytest.approx(zigzag(5.0))
    assert microscope.state_at(20.0) == microscope.state_at(0.0) == microscope.initial


def test_saturated_out_of_focus_and_dark_acquisitions_look_like_it(microscope, field):
    good, saturated, missed, dark = (
        microscope.acquire(field, week=0.0, seed=1, exposure=BRIGHT, defect=defect)
        for defect in (None, Defect.SATURATED, Defect.OUT_OF_FOCUS, Defect.NO_SIGNAL)
    )
    assert np.mean(saturated.planes[1] == 4095) > 0.03
    assert not np.any(good.planes == 4095)
    assert missed.planes.std() < 0.5 * good.planes.std()
    assert missed.truth.focus_um[0] - good.truth.focus_um[0] == pytest.approx(OUT_OF_FOCUS_UM)
    assert dark.planes.mean() == pytest.approx(40.0, abs=0.2)
    assert not dark.truth.photons.any()


def test_a_stack_is_centred_on_the_focus_and_brightest_there(microscope):
    field = beads(seed=2, shape=(64, 64), pixel_size_um=0.1, distance_um=2.0, count=2)
    stack = microscope.acquire(field, week=0.0, seed=1, exposure=Exposure(photons=1500.0, planes=15, z_step_um=0.4))
    assert stack.planes.shape == (2, 15, 64, 64)
    assert stack.z_step_um == 0.4
    np.testing.assert_allclose(stack.truth.focus_um, (np.arange(15) - 7) * 0.4)
    assert stack.planes[1].max(axis=(1, 2)).argmax() == 7


def test_skipped_lines_are_interpolated_after_detection(microscope, field):
    state = dataclasses.replace(microscope.initial, scanner=Scanner(line_step=2))
    plane = (
        dataclasses.replace(microscope, initial=state).acquire(field, week=0.0, seed=1, exposure=BRIGHT).planes[0, 0]
    )
    mixed = (plane[:-2:2].astype(float) + plane[2::2]) / 2.0
    np.testing.assert_allclose(plane[1:-1:2], mixed, atol=0.5)


def test_more_gain_is_a_higher_voltage_and_more_counts(microscope):
    slide = homogeneous_slide(shape=(32, 32), pixel_size_um=0.2)
    nominal, raised = (
        microscope.acquire(slide, week=0.0, seed=1, exposure=Exposure(photons=200.0, gain_factor=factor))
        for factor in (1.0, 2.0)
    )
    assert (raised.planes[0] - 40.0).mean() == pytest.approx(2.0 * (nominal.planes[0] - 40.0).mean(), rel=0.02)
    assert nominal.channels[0].voltage_v == 600.0
    assert raised.channels[0].voltage_v == pytest.approx(600.0 * 2 ** (1 / 7), abs=0.1)


def test_acquiring_changes_neither_the_specimen_nor_the_microscope(microscope, field):
    before, state = field.density.copy(), microscope.initial
    microscope.acquire(field, week=12.0, seed=1, exposure=BRIGHT)
    np.testing.assert_array_equal(field.density, before)
    assert microscope.initial == state


@pytest.mark.parametrize("figures", [{"photons": -1.0}, {"photons": 1.0, "planes": 0}, {"photons": 1.0, "planes": 5}])
def test_impossible_exposures_are_refused(figures):
    with pytest.raises(InputError, match="exposure"):
        Exposure(**figures)
