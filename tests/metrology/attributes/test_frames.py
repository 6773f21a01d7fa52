from __future__ import annotations

import numpy as np
import pytest

from common.errors import AxesError, FitError, MissingMetadataError
from metrology.attributes import frames
from metrology.attributes.frames import FramesView

OFFSET = 100.0


def _frames(rng, electrons, *, count, gain=2.0, read_noise=3.0, fading=1.0) -> np.ndarray:
    """Frames of a detector of known gain [count/e⁻], read noise and offset [count], 12 bits."""
    stack = [
        rng.poisson(electrons * fading**t) * gain + OFFSET + rng.normal(0, read_noise, electrons.shape)
        for t in range(count)
    ]
    return np.clip(np.rint(stack), 0, 4095).astype(np.uint16)


RAMP = np.tile(np.linspace(20, 420, 128), (128, 1))
SPOT = 5 + 300 * np.exp(-np.add.outer(np.linspace(-1, 1, 128) ** 2, np.linspace(-1, 1, 128) ** 2) / 0.2)
EVEN = np.full((128, 128), 200.0)
DARK = np.zeros((128, 128))


@pytest.mark.parametrize(
    ("scene", "with_dark", "gain", "read_noise"),
    [(RAMP, False, 2.0, 3.0), (SPOT, False, 0.8, 6.0), (EVEN, True, 5.0, 2.0), (SPOT, True, 2.0, 3.0)],
)
def test_gain_is_unbiased_within_its_own_errors(scene, with_dark, gain, read_noise):
    ratios, scores = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        lit = _frames(rng, scene, count=6, gain=gain, read_noise=read_noise)
        dark = _frames(rng, DARK, count=6, gain=gain, read_noise=read_noise) if with_dark else None
        found = frames.gain_e_per_adu(FramesView(lit, bit_depth=12, dark=dark))
        ratios.append(found.value * gain)
        scores.append((found.value - 1 / gain) / found.uncertainty)
    assert np.mean(ratios) == pytest.approx(1, abs=0.005)
    assert abs(np.mean(scores)) < 0.6
    assert 0.7 < np.std(scores, ddof=1) < 1.5


def test_what_moves_or_saturates_does_not_change_the_gain():
    rng = np.random.default_rng(1)
    lit = _frames(rng, RAMP, count=6)
    lit[:3, 30:46, 30:46] += 400  # something moved away
    lit[:, 80:90, 80:90] = 4095
    found = frames.gain_e_per_adu(FramesView(lit, bit_depth=12))
    assert found.value == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize(("kept", "count"), [(0.99, 10), (0.98, 20)])
def test_bleaching_does_not_change_the_gain(kept, count):
    found = [
        frames.gain_e_per_adu(
            FramesView(_frames(np.random.default_rng(seed), RAMP, count=count, fading=kept, gain=1.0), bit_depth=12)
        )
        for seed in range(4)
    ]
    assert np.mean([one.value for one in found]) == pytest.approx(1, abs=0.008)


def test_a_drift_of_the_offset_is_no_read_noise():
    dark = _frames(np.random.default_rng(6), DARK, count=6) + np.arange(0, 30, 5, dtype=np.uint16)[:, None, None]
    found = frames.read_noise(FramesView(_frames(np.random.default_rng(6), RAMP, count=2), bit_depth=12, dark=dark))
    assert found.value == pytest.approx(3.0, abs=4 * found.uncertainty)


def test_offset_and_read_noise_are_found_within_their_own_errors():
    scores = {"offset": [], "read_noise": []}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        view = FramesView(
            _frames(rng, RAMP[:32, :32], count=2), bit_depth=12, dark=_frames(rng, DARK[:64, :64], count=4)
        )
        for name, truth in (("offset", OFFSET), ("read_noise", 3.0)):
            found = getattr(frames, name)(view)
            assert found.value == pytest.approx(truth, rel=0.02)
            scores[name].append((found.value - truth) / found.uncertainty)
    for name, values in scores.items():
        assert abs(np.mean(values)) < 0.5, name
        assert 0.6 < np.std(values, ddof=1) < 1.5, name


@pytest.mark.parametrize("kept", [0.9, 0.99, 1.0])
def test_bleaching_is_the_loss_of_counts_from_frame_to_frame(kept):
    lit = _frames(np.random.default_rng(3), RAMP, count=12, fading=kept) - np.uint16(OFFSET)
    found = frames.photobleaching(FramesView(lit, bit_depth=12))
    assert found.value == pytest.approx(100 * (1 - kept), abs=max(0.05, 4 * found.uncertainty))
    assert found.n == 12


def test_the_first_dark_frames_make_no_step_in_the_series_of_bleaching():
    rng = np.random.default_rng(3)
    lit, dark = _frames(rng, RAMP, count=12, fading=0.98), _frames(rng, DARK, count=2)
    without, with_dark = (frames.photobleaching(FramesView(lit, bit_depth=12, dark=one)) for one in (None, dark))
    assert with_dark == without


def test_one_frame_is_refused():
    with pytest.raises(AxesError, match="at least two"):
        FramesView(RAMP[np.newaxis], bit_depth=12)
    with pytest.raises(AxesError, match="at least three"):
        frames.photobleaching(FramesView(np.stack([RAMP, RAMP]), bit_depth=12))


@pytest.mark.parametrize("function", [frames.offset, frames.read_noise])
def test_offset_and_read_noise_need_dark_frames(function):
    with pytest.raises(MissingMetadataError, match="without light"):
        function(FramesView(np.stack([RAMP, RAMP]), bit_depth=12))


def test_frames_that_do_not_tell_the_gain_are_refused():
    rng = np.random.default_rng(4)
    even = _frames(rng, EVEN, count=4)
    with pytest.raises(FitError, match="does not grow"):
        frames.gain_e_per_adu(FramesView(even, bit_depth=12))
    with pytest.raises(FitError, match="Too few squares"):
        frames.gain_e_per_adu(FramesView(np.full((3, 64, 64), 4095, np.uint16), bit_depth=12))
    averaged = np.rint(np.repeat(RAMP[np.newaxis], 4, axis=0)).astype(np.uint16)
    with pytest.raises(FitError, match="does not grow"):
        frames.gain_e_per_adu(FramesView(averaged, bit_depth=12))


def test_black_frames_have_no_read_noise_and_no_bleaching():
    black = np.zeros((4, 64, 64), np.uint16)
    with pytest.raises(FitError, match="do not vary"):
        frames.read_noise(FramesView(black, bit_depth=12, dark=black))
    with pytest.raises(FitError, match="no signal"):
        frames.photobleaching(FramesView(black, bit_depth=12))


def test_frames_are_left_alone():
    stack = _frames(np.random.default_rng(5), RAMP, count=4)
    before = stack.copy()
    view = FramesView(stack, bit_depth=12, dark=stack)
    for function in (frames.gain_e_per_adu, frames.photobleaching, frames.offset, frames.read_noise):
        try:
            function(view)
        except FitError:
            continue
    np.testing.assert_array_equal(stack, before)
