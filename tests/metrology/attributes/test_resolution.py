from __future__ import annotations

import math

import numpy as np
import pytest

from common.errors import AxesError, ConstantImageError, FitError, MissingMetadataError
from metrology.attributes import decorrelation, resolution, ring_correlation
from metrology.attributes.frames import FramesView
from metrology.attributes.views import PlaneView
from metrology.imaging.readers import read

PIXEL_UM = 0.1


def _random_field(seed: int, transfer, side: int = 256) -> np.ndarray:
    """Return a random field with the given transfer function of spatial frequency [cycles per px]."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    field = np.fft.irfft2(np.fft.rfft2(np.random.default_rng(seed).normal(size=(side, side))) * transfer(frequency))
    return field / field.std()


def _noisy(field: np.ndarray, noise: float, seed: int) -> np.ndarray:
    return 1000 + 100 * (field + noise * np.random.default_rng([seed, 1]).normal(size=field.shape))


def _view(plane: np.ndarray, **sizes: float) -> PlaneView:
    return PlaneView(plane, bit_depth=12, **(sizes or {"pixel_size_um": PIXEL_UM}))


def _gaussian(sigma_px: float):
    return lambda frequency: np.exp(-2 * (np.pi * sigma_px * frequency) ** 2)


def _gaussian_crossing(sigma_px: float, noise: float, gathered: float, side: int) -> float:
    """Frequency at which signal over noise of a Gaussian-blurred white field is 1/6, so that FRC = S/(S + N) is 1/7."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    power = 1 / (_gaussian(sigma_px)(frequency) ** 2).mean()  # of the white field, for a variance of 1
    return math.sqrt(math.log(6 * gathered * power / noise**2) / (4 * math.pi**2 * sigma_px**2))


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.33])
@pytest.mark.parametrize("cut_off", [0.1, 0.2, 0.3, 0.4])
def test_decorrelation_finds_a_known_cut_off_within_5_percent_at_any_noise(cut_off, noise):
    plane = _noisy(_random_field(3, lambda frequency: frequency < cut_off), noise, 3)
    assert decorrelation.cut_off(plane) == pytest.approx(cut_off, rel=0.05)
    assert resolution.resolution_decorrelation(_view(plane)).value == pytest.approx(PIXEL_UM / cut_off, rel=0.05)


@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_decorrelation_equals_the_papers_definition_computed_by_masks(noise):
    """The published procedure step by step: masks, correlation coefficients, real-space high-pass filters."""
    plane = _noisy(_random_field(5, _gaussian(1.2), side=96), noise, 5)
    # from 0.19 px: of the hardest filter, a ripple as high as the least that counts decides
    expected = max(filter(None, map(_slow_peak(plane), [None, *np.geomspace(0.19, 40, 25)])))
    assert decorrelation.cut_off(plane) == pytest.approx(expected, rel=0.04)


def _slow_peak(plane: np.ndarray):
    taper = np.ones(96)
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(24) / 23.75)
    taper[:24], taper[-24:] = ramp, ramp[::-1]
    spectrum = np.fft.fft2((plane - plane.mean()) * np.outer(taper, taper))
    radius = np.hypot(np.fft.fftfreq(96)[:, None], np.fft.fftfreq(96)[None])
    whitened = spectrum / np.abs(spectrum)

    def peak(sigma):
        passed = spectrum * (1 if sigma is None else 1 - np.exp(-2 * (np.pi * sigma * radius) ** 2))
        passed = np.where(radius < 0.5, passed, 0)
        radii = np.linspace(0.01, 0.5, 98)
        curve = []
        for limit in radii:
            inside = np.where(radius < limit, whitened, 0)
            norm = math.sqrt((np.abs(passed) ** 2).sum() * (np.abs(inside) ** 2).sum())
            curve.append((passed * inside.conj()).real.sum() / norm)
        for end in range(len(curve), 2, -1):
            top = int(np.argmax(curve[:end]))
            if top < end - 1:
                good = curve[top] > 0.05 and curve[top] - min(curve[top:]) > 0.001
                return radii[top] if good else None
        return None

    return peak


def test_blur_worsens_every_resolution():
    for function, planes in (
        (resolution.resolution_decorrelation, lambda sigma: _view(_noisy(_random_field(1, _gaussian(sigma)), 0.05, 1))),
        (resolution.resolution_frc_split, lambda sigma: _view(_noisy(_random_field(1, _gaussian(sigma)), 0.05, 1))),
    ):
        values = [function(planes(sigma)).value for sigma in (3.0, 4.0, 5.0)]
        assert values[0] < values[1] < values[2], function.__name__


@pytest.mark.parametrize(("sigma_px", "noise"), [(1.5, 0.1), (1.0, 0.5), (3.0, 0.2)])
def test_frc_of_two_frames_meets_the_analytic_crossing_within_its_errors(sigma_px, noise):
    ratios, scores = [], []
    for seed in range(12):
        field = _random_field(seed, _gaussian(sigma_px))
        frames = np.stack([_noisy(field, noise, 100 + seed), _noisy(field, noise, 200 + seed)])
        found = resolution.resolution_frc(FramesView(frames, bit_depth=12, pixel_size_um=PIXEL_UM))
        truth = PIXEL_UM / _gaussian_crossing(sigma_px, noise, 1, 256)
        ratios.append(found.value / truth)
        scores.append((found.value - truth) / found.uncertainty)
    assert np.mean(ratios) == pytest.approx(1, abs=0.02)
    assert abs(np.mean(scores)) < 1
    assert 0.5 < np.std(scores, ddof=1) < 1.7


def test_frc_of_one_image_split_meets_the_analytic_crossing_of_a_quarter_of_the_light():
    ratios, scores = [], []
    for seed in range(12):
        plane = _noisy(_random_field(seed, _gaussian(3)), 0.1, seed)
        found = resolution.resolution_frc_split(_view(plane))
        truth = PIXEL_UM / _gaussian_crossing(3, 0.1, 0.25, 256)
        ratios.append(found.value / truth)
        scores.append((found.value - truth) / found.uncertainty)
    assert np.mean(ratios) == pytest.approx(1, abs=0.02)
    assert abs(np.mean(scores)) < 1


def test_pixels_that_are_not_square_are_taken_into_account():
    round_field = _random_field(2, lambda frequency: frequency < 0.15, side=512)
    squeezed = _noisy(round_field, 0.05, 2)[::2]
    found = resolution.resolution_decorrelation(_view(squeezed, pixel_size_um=0.1, pixel_size_y_um=0.2))
    assert found.value == pytest.approx(0.1 / 0.15, rel=0.05)


def test_the_uncertainty_of_decorrelation_is_the_scatter_of_repeats():
    found = [
        resolution.resolution_decorrelation(_view(_noisy(_random_field(seed, _gaussian(1.5)), 0.3, seed)))
        for seed in range(12)
    ]
    scatter = np.std([one.value for one in found], ddof=1)
    assert 0.3 < np.median([one.uncertainty for one in found]) / scatter < 3


def test_noise_alone_has_no_resolution():
    noise = np.random.default_rng(0).normal(500, 20, (256, 256))
    for function in (resolution.resolution_decorrelation, resolution.resolution_frc_split):
        with pytest.raises(FitError):
            function(_view(noise))


def test_detail_finer_than_the_pixels_tell_is_said_to_be_so():
    sharp = _noisy(_random_field(0, _gaussian(1.2)), 0.01, 0)
    with pytest.raises(FitError, match="finer"):
        resolution.resolution_frc_split(_view(sharp))


@pytest.mark.parametrize("function", [resolution.resolution_decorrelation, resolution.resolution_frc_split])
def test_a_resolution_is_refused_without_pixel_size_contrast_or_pixels(function):
    with pytest.raises(MissingMetadataError, match="pixel size"):
        function(PlaneView(np.eye(128, dtype=np.uint16), bit_depth=8))
    with pytest.raises(ConstantImageError):
        function(_view(np.full((128, 128), 7, np.uint16)))
    with pytest.raises(AxesError, match="64"):
        function(_view(np.eye(40, dtype=np.uint16)))


def test_frames_without_contrast_are_refused():
    with pytest.raises(FitError, match="contrast"):
        ring_correlation.correlation(np.ones((64, 64)), np.ones((64, 64)))


def test_a_large_plane_is_measured_on_four_fields_and_left_alone():
    plane = _noisy(_random_field(4, _gaussian(2), side=1200), 0.2, 4)
    before = plane.copy()
    whole = resolution.resolution_decorrelation(_view(plane))
    assert whole.n == 4
    assert whole.value == pytest.approx(resolution.resolution_decorrelation(_view(plane[:512, :512])).value, rel=0.1)
    np.testing.assert_array_equal(plane, before)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["bpae_b", "bpae_r", "fish"])
def test_averaging_real_confocal_frames_improves_their_resolution(real_data, name):
    folder = real_data / "paired" / "fmd_confocal"
    noisy, clean = (
        resolution.resolution_decorrelation(_view(read(folder / kind / f"{name}.tif").plane())).value
        for kind in ("noisy", "clean")
    )
    assert clean < 0.7 * noisy


@pytest.mark.real_data
def test_the_real_convallaria_frame_resolves_three_to_five_pixels_by_both_estimates(real_data):
    view = _view(read(real_data / "specimens" / "convallaria_488_noisy.tif").plane())
    for function in (resolution.resolution_decorrelation, resolution.resolution_frc_split):
        found = function(view)
        assert 3 < found.value / PIXEL_UM < 5.5
        assert found.uncertainty < 0.1 * found.value
