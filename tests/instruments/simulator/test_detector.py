"""A detector's counts have the mean, the variance and the limits that its figures state."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from common.errors import InputError
from instruments.simulator.detector import (
    GAASP_QUANTUM_EFFICIENCY,
    MULTIALKALI_QUANTUM_EFFICIENCY,
    Detector,
    detect,
)

PIXELS = 200_000


def detector(**figures):
    return Detector(**{"name": "ChS1", "kind": "PMT", "model": "test", "quantum_efficiency": 0.25, **figures})


def counts(given_detector, photons, seed=0):
    return detect(np.full(PIXELS, float(photons)), given_detector, rng=np.random.default_rng(seed)).astype(float)


@pytest.mark.parametrize(("gain", "excess"), [(1.0, 1.0), (9.0, 1.0), (9.0, 1.3), (4.0, 2.0)])
def test_photon_transfer_slope_is_gain_times_excess_noise(gain, excess):
    pmt = detector(gain_counts=gain, excess_noise_factor=excess, read_noise_counts=3.0, offset_counts=100.0)
    levels = [counts(pmt, photons, seed) for seed, photons in enumerate((40, 80, 160, 320, 640))]
    slope, intercept = np.polyfit([c.mean() - 100.0 for c in levels], [c.var() for c in levels], 1)
    assert slope == pytest.approx(gain * excess, rel=0.02)
    assert intercept == pytest.approx(3.0**2 + 1 / 12, abs=0.03 * levels[-1].var())


def test_mean_counts_are_photons_times_efficiency_share_gain_plus_dark_and_offset():
    pmt = detector(gain_counts=5.0, light_fraction=0.4, dark_electrons=2.0, offset_counts=30.0, excess_noise_factor=1.3)
    assert counts(pmt, 100.0).mean() == pytest.approx((100.0 * 0.25 * 0.4 + 2.0) * 5.0 + 30.0, rel=0.003)


def test_a_gaasp_tube_sees_1_6_times_the_photoelectrons_of_a_multialkali_tube():
    multialkali = detector(quantum_efficiency=MULTIALKALI_QUANTUM_EFFICIENCY)
    gaasp = detector(quantum_efficiency=GAASP_QUANTUM_EFFICIENCY)
    internal, outer = counts(multialkali, 500, 1), counts(gaasp, 500, 2)
    assert outer.mean() / internal.mean() == pytest.approx(1.6, rel=0.005)
    snr = [c.mean() / c.std() for c in (outer, internal)]
    assert snr[0] / snr[1] == pytest.approx(np.sqrt(1.6), rel=0.01)


def test_dark_frames_show_offset_and_read_noise_alone():
    dark = counts(detector(gain_counts=10.0, offset_counts=50.0, read_noise_counts=4.0), 0.0)
    assert dark.mean() == pytest.approx(50.0, abs=0.05)
    assert dark.std() == pytest.approx(np.sqrt(16.0 + 1 / 12), rel=0.01)


@pytest.mark.parametrize(("bits", "largest"), [(8, 255), (12, 4095), (16, 65535)])
def test_counts_are_clipped_to_the_converters_bits(bits, largest):
    bright = detect(np.full((40, 50), 1e5), detector(gain_counts=100.0, bit_depth=bits), rng=np.random.default_rng(0))
    assert bright.dtype == np.uint16
    assert bright.shape == (40, 50)
    assert np.all(bright == largest)


def test_counts_never_wrap_below_zero():
    dark = counts(detector(read_noise_counts=20.0), 0.0)
    assert dark.min() == 0.0
    assert dark.max() < 200.0


def test_same_seed_same_counts_and_the_light_is_left_as_it_was():
    light = np.linspace(0.0, 500.0, 1000)
    before = light.copy()
    pmt = detector(excess_noise_factor=1.3, read_noise_counts=2.0)
    first, again, other = (detect(light, pmt, rng=np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)
    np.testing.assert_array_equal(light, before)


@pytest.mark.parametrize("bad", [-1.0, np.nan])
def test_impossible_light_is_refused(bad):
    with pytest.raises(InputError, match="photon"):
        detect(np.array([1.0, bad]), detector(), rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    "figures",
    [
        {"quantum_efficiency": 1.1},
        {"light_fraction": -0.1},
        {"gain_counts": -1.0},
        {"excess_noise_factor": 0.9},
        {"read_noise_counts": -1.0},
        {"dark_electrons": -1.0},
        {"bit_depth": 17},
    ],
)
def test_impossible_detectors_are_refused(figures):
    with pytest.raises(InputError, match="ChS1"):
        dataclasses.replace(detector(), **figures)
