from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import TrainingDataError
from enhancement.training.dataset import PatchSampler, TrainingPair, check_pairs, split_fields


def _pair(field_id: str, shape: tuple[int, int] = (32, 32)) -> TrainingPair:
    generator = np.random.default_rng(abs(hash(field_id)) % 1000)
    return TrainingPair(field_id, generator.normal(size=shape), generator.normal(size=shape))


@given(st.integers(3, 60), st.integers(0, 1000))
def test_a_field_is_in_exactly_one_part_and_each_part_has_one(count: int, seed: int) -> None:
    names = [f"field {index}" for index in range(count)]
    split = split_fields(names, seed=seed)
    parts = [set(split.train), set(split.validation), set(split.test)]
    assert set.union(*parts) == set(names)
    assert sum(map(len, parts)) == count
    assert min(map(len, parts)) >= 1
    assert len(split.test) >= 3 or count < 9


def test_the_split_depends_on_the_seed_but_not_on_the_order() -> None:
    names = [f"field {index}" for index in range(20)]
    assert split_fields(names, seed=1) == split_fields(names[::-1], seed=1)
    assert split_fields(names, seed=1) != split_fields(names, seed=2)


def test_planes_of_one_field_stay_together() -> None:
    split = split_fields(["a", "a", "a", "b", "b", "c"])
    assert sorted([*split.train, *split.validation, *split.test]) == ["a", "b", "c"]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_fields_are_refused(count: int) -> None:
    with pytest.raises(TrainingDataError, match="at least three fields of view"):
        split_fields([f"field {index}" for index in range(count)])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (TrainingPair("bad", np.zeros((32, 32)), np.zeros((32, 31))), "has shape"),
        (TrainingPair("bad", np.zeros((2, 32, 32)), np.zeros((2, 32, 32))), "has shape"),
        (_pair("bad", (8, 32)), "smaller than a patch"),
        (TrainingPair("bad", np.full((32, 32), np.nan), np.eye(32)), "raw plane of field bad holds pixels"),
        (TrainingPair("bad", np.eye(32), np.full((32, 32), np.inf)), "target plane of field bad holds pixels"),
        (TrainingPair("bad", np.full((32, 32), 9), np.eye(32)), "raw plane of field bad is constant"),
        (TrainingPair("bad", np.eye(32), np.full((32, 32), 9)), "target plane of field bad is constant"),
    ],
)
def test_pairs_that_cannot_be_trained_on_are_refused_by_name(bad: TrainingPair, message: str) -> None:
    with pytest.raises(TrainingDataError, match=message) as caught:
        check_pairs([_pair("a"), _pair("b"), bad, _pair("c")], patch_px=16)
    assert caught.value.details["field"] == "bad"


def test_raw_and_target_patches_are_cut_and_turned_alike() -> None:
    plane = np.arange(40 * 30, dtype=np.float32).reshape(40, 30)
    sampler = PatchSampler([(plane, 2 * plane)], patch_px=8, batch=16, seed=0)
    raw, target = sampler.draw()
    assert raw.shape == target.shape == (16, 1, 8, 8)
    np.testing.assert_array_equal(target, 2 * raw)
    assert len({patch.tobytes() for patch in raw}) > 10


def test_the_same_seed_draws_the_same_patches() -> None:
    planes = [(np.random.default_rng(seed).normal(size=(20, 20)),) * 2 for seed in range(3)]
    first, second = (PatchSampler(planes, patch_px=8, batch=4, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.draw()[0], second.draw()[0])


def test_one_pass_covers_the_area_once() -> None:
    sampler = PatchSampler([(np.zeros((64, 64)), np.zeros((64, 64)))] * 3, patch_px=16, batch=4, seed=0)
    assert sampler.steps_per_pass == 12
