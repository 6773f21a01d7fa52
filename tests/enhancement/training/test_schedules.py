from __future__ import annotations

import pytest

from enhancement.training.schedules import constant_then_linear, cosine, learning_rate_factor, plateau


def test_reference_schedule_is_constant_for_100_epochs_then_falls_to_zero_after_200() -> None:
    # lambda_rule of the reference with epoch_count 1, n_epochs 100, n_epochs_decay 100: 1 − max(0, e + 1 − 100) /
    # 101, e from 0
    for epoch in range(1, 201):
        assert constant_then_linear(epoch, epochs=200) == 1.0 - max(0, (epoch - 1) + 1 - 100) / 101
    assert constant_then_linear(201, epochs=200) == pytest.approx(0)


def test_cosine_rises_over_the_warmup_and_falls_ever_after() -> None:
    assert cosine(0.0) == pytest.approx(0.1)
    assert cosine(0.02) == pytest.approx(1.0)
    assert cosine(0.51) == pytest.approx(0.5)
    values = [cosine(0.02 + 0.0098 * step) for step in range(101)]
    assert values == sorted(values, reverse=True)
    assert cosine(2.0) == 0.001


def test_plateau_halves_after_five_epochs_without_a_better_score() -> None:
    assert plateau([1, 2, 3]) == 1.0
    assert plateau([3, 1, 1, 1, 1]) == 1.0
    assert plateau([3, 1, 1, 1, 1, 1]) == 0.5
    assert plateau([3] + [1] * 10) == 0.25
    assert plateau([3, 1, 1, 1, 1, 4, 1, 1, 1, 1]) == 1.0


def test_each_schedule_is_reached_by_its_name() -> None:
    common = {"epoch": 4, "epochs": 4, "progress": 0.51, "scores": [3.0] + [1.0] * 5}
    assert learning_rate_factor("constant_linear", **common) == pytest.approx(1 - 2 / 3)
    assert learning_rate_factor("cosine", **common) == pytest.approx(0.5)
    assert learning_rate_factor("plateau", **common) == 0.5
