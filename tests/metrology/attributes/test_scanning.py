from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from common.errors import AxesError, ConstantImageError, FitError
from instruments.simulator.scanner import interpolate_skipped_lines, shift_return_lines
from metrology.attributes import scanning
from metrology.attributes.views import PlaneView
from metrology.imaging.readers import read


def _texture(seed: int, side: int = 256, sigma_px: float = 2.0) -> np.ndarray:
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(side, side)), sigma_px, mode="wrap")
    return 1000 + 150 * field / field.std()


def _shifted(image: np.ndarray, shift_px: float) -> np.ndarray:
    """Shift odd lines to the right, exactly, by the phase of their spectra."""
    moved = image.copy()
    phase = np.exp(-2j * np.pi * np.fft.rfftfreq(image.shape[1]) * shift_px)
    moved[1::2] = np.fft.irfft(np.fft.rfft(image[1::2]) * phase, image.shape[1])
    return moved


def _view(plane: np.ndarray) -> PlaneView:
    return PlaneView(plane, bit_depth=12)


@pytest.mark.parametrize("shift_px", [0.0, 0.2, -0.37, 1.5, -3.2, 7.0])
def test_a_shift_of_the_return_lines_is_found_to_a_fiftieth_of_a_pixel(shift_px):
    noise = np.random.default_rng(9).normal(0, 15, (256, 256))
    shift, error, lines = scanning.signed_shift(_view(_shifted(_texture(1), shift_px) + noise))
    assert shift == pytest.approx(shift_px, abs=0.02 + 0.01 * abs(shift_px))
    assert scanning.bidirectional_shift(_view(_shifted(_texture(1), shift_px))).value == pytest.approx(
        abs(shift_px), abs=0.01 + 0.01 * abs(shift_px)
    )
    assert 0 < error < 0.05
    assert lines == 127


def test_the_errors_of_the_shift_are_honest():
    scores = []
    for seed in range(30):
        noisy = _shifted(_texture(seed), 0.3) + np.random.default_rng([seed, 1]).normal(0, 60, (256, 256))
        shift, error, _ = scanning.signed_shift(_view(noisy))
        scores.append((shift - 0.3) / error)
    assert abs(np.mean(scores)) < 0.6
    assert 0.7 < np.std(scores, ddof=1) < 1.5


def test_the_simulated_scanner_and_the_attribute_agree():
    counts = np.rint(_texture(2)).astype(np.uint16)
    shift, _, _ = scanning.signed_shift(_view(shift_return_lines(counts, shift_px=0.8)))
    assert shift == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("line_step", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("first", [0, 1])
def test_interpolated_lines_are_noticed_wherever_the_image_begins(line_step, first):
    counts = np.random.default_rng(3).poisson(_texture(3)).astype(np.uint16)
    found = scanning.linestep_index(_view(interpolate_skipped_lines(counts, line_step=line_step)[first:]))
    assert found.value > 0.95
    assert found.uncertainty < 0.05


def test_a_full_scan_has_an_index_near_zero_also_with_return_lines_shifted():
    counts = np.random.default_rng(4).poisson(_texture(4)).astype(np.uint16)
    assert scanning.linestep_index(_view(counts)).value < 0.1
    assert scanning.linestep_index(_view(shift_return_lines(counts, shift_px=1.0))).value < 0.1


def test_a_plane_without_structure_has_no_shift_to_tell():
    noise = np.random.default_rng(0).normal(500, 20, (128, 128))
    with pytest.raises(FitError, match="in common"):
        scanning.bidirectional_shift(_view(noise))


def test_a_plane_that_is_the_same_in_all_lines_has_no_index():
    with pytest.raises(FitError, match="across its lines"):
        scanning.linestep_index(_view(np.tile(np.arange(64, dtype=np.uint16), (64, 1))))


@pytest.mark.parametrize("function", [scanning.bidirectional_shift, scanning.linestep_index])
def test_constant_or_small_planes_are_refused_and_planes_are_left_alone(function):
    with pytest.raises(ConstantImageError):
        function(_view(np.full((64, 64), 9, np.uint16)))
    with pytest.raises(AxesError, match="32"):
        function(_view(np.eye(20, dtype=np.uint16)))
    plane = _texture(5)
    before = plane.copy()
    function(_view(plane))
    np.testing.assert_array_equal(plane, before)


REAL = ["specimens/convallaria_488_noisy.tif", "paired/fmd_confocal/clean/fish.tif", "paired/w2s/clean/fov_001.tif"]


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_images_are_adjusted_and_an_injected_misadjustment_is_found(real_data, name):
    plane = read(real_data / name).plane()
    assert scanning.bidirectional_shift(_view(plane)).value < 0.05
    assert scanning.linestep_index(_view(plane)).value < 0.15
    assert scanning.signed_shift(_view(shift_return_lines(plane, shift_px=0.5)))[0] == pytest.approx(0.5, abs=0.05)
    assert scanning.linestep_index(_view(interpolate_skipped_lines(plane, line_step=2))).value > 0.9


def test_the_lines_compared_in_a_large_plane_are_spread_over_all_of_it():
    columns = 2**14  # so wide that 32 odd lines are compared
    field = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(200, columns)), 2.0)
    plane = _shifted(1000 + 150 * field / field.std(), 2.5)
    plane[:100] = 1000 + np.random.default_rng(4).normal(0, 5, (100, columns))  # nothing to see in the upper half
    shift, _, lines = scanning.signed_shift(_view(plane))
    assert lines == 32
    assert shift == pytest.approx(2.5, abs=0.02)
