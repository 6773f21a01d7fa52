"""Planes come into memory registered, or are refused with the name of their field."""

from __future__ import annotations

import numpy as np
import pytest

from common.errors import TrainingDataError
from enhancement.models import TrainingSet
from enhancement.runtime.pairs import load_pairs
from tests.factories import enhancement as made

pytestmark = pytest.mark.django_db


def manifest(source, sides):
    pairs = [
        {"field": f"f{index}", "part": part, "raw": raw, "target": target}
        for index, (part, (raw, target)) in enumerate(zip(("train", "validation", "test"), sides, strict=True))
    ]
    return TrainingSet(source=source, manifest={"pairs": pairs})


def side(pixels, folder, *, axes="YX", channel=0, z=None):
    return {"acquisition": 1, "sha256": made.stored(pixels, folder, axes).sha256, "channel": channel, "z": z}


def field(seed, shape=(128, 128)):
    return made.truth(seed, shape).astype(np.uint16)


def test_both_channels_are_taken_at_the_brightest_slice_of_the_input(tmp_path):
    pixels = np.stack([np.stack([field(1) + 10 * z, field(2) + 900 - 100 * z]) for z in range(3)], axis=1)
    raw = side(pixels, tmp_path, axes="CZYX")
    target = raw | {"channel": 1}
    (pair,) = load_pairs(manifest("channels", [(raw, target)] * 3)).train
    assert np.array_equal(pair.raw, pixels[0, 2])
    assert np.array_equal(pair.target, pixels[1, 2])


def test_two_scans_of_a_field_are_laid_over_each_other(tmp_path):
    large = field(3, (140, 140))
    raw, target = side(large[:128, :128], tmp_path), side(large[5:133, 3:131], tmp_path)
    (pair,) = load_pairs(manifest("fields", [(raw, target)] * 3)).test
    assert pair.raw.shape == (123, 125)
    assert np.array_equal(pair.raw, pair.target)


def test_two_scans_of_different_fields_are_refused(tmp_path):
    raw, target = (
        side(field(4), tmp_path),
        side(np.random.default_rng(0).integers(0, 99, (128, 128), np.uint16), tmp_path),
    )
    with pytest.raises(TrainingDataError, match="field f0 cannot be laid over"):
        load_pairs(manifest("fields", [(raw, target)] * 3))


def test_a_channel_that_the_file_does_not_have_is_refused(tmp_path):
    raw = side(field(5), tmp_path)
    with pytest.raises(TrainingDataError, match="no channel 1"):
        load_pairs(manifest("channels", [(raw, raw | {"channel": 1})] * 3))
