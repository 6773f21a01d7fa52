from __future__ import annotations

import pytest
import torch

from enhancement.training.config import TrainingConfig
from enhancement.training.devices import computes_bf16, private_state, resolve_precision


@pytest.mark.parametrize(("native", "expected"), [(True, ("bf16", True)), (False, ("fp32", False))])
def test_automatic_precision_is_bfloat16_only_where_it_is_computed_natively(
    monkeypatch: pytest.MonkeyPatch, native: bool, expected: tuple[str, bool]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": native, "amx_bf16": False})
    assert computes_bf16() is native
    assert resolve_precision(TrainingConfig()) == expected


def test_a_chosen_precision_and_memory_order_are_kept() -> None:
    assert resolve_precision(TrainingConfig(precision="bf16", channels_last=False)) == ("bf16", False)
    assert resolve_precision(TrainingConfig(precision="fp32", channels_last=True)) == ("fp32", True)


def test_threads_and_random_numbers_are_private_even_after_an_error() -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()

    def compute_and_fail() -> None:
        with private_state(threads=1, seed=4):
            assert torch.get_num_threads() == 1
            torch.rand(3)
            raise KeyError

    with pytest.raises(KeyError):
        compute_and_fail()
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
