"""One training step of the residual U-Net with PatchGAN beside one of the reference Pix2Pix, on the same 256×256 patch.

The steps take turns in one run, so that whatever else the machine does weighs on both alike; the median counts.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

import torch

from benchmarks.report import compared, write
from enhancement.networks.catalogue import architecture, load_object
from enhancement.training.config import TrainingConfig
from enhancement.training.devices import make_fabric, private_state, resolve_precision

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET_RATIO = 5.4  # first measured with bfloat16 in hardware
PATCH_PX = 256


def one_step(config: TrainingConfig, *, progress: float, precision: str, channels_last: bool) -> Callable[[], float]:
    """Return a function that takes one step at a point of the run (the critic joins late) and tells its time [s]."""
    objective = load_object(architecture(config.architecture).objective)(make_fabric(precision), config)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    for module in objective.modules.values():
        module.to(memory_format=layout).train()
    target = torch.rand(1, 1, PATCH_PX, PATCH_PX)
    raw = (target + 0.2 * torch.randn(target.shape)).contiguous(memory_format=layout)

    def step() -> float:
        started = time.perf_counter()
        objective.step(raw, target, progress=progress)
        return time.perf_counter() - started

    return step


def main() -> None:
    """Time the steps in turn and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    precision, channels_last = resolve_precision(TrainingConfig())
    with private_state(threads=options.threads, seed=0):
        reference = one_step(TrainingConfig.preset("reference"), progress=1.0, precision="fp32", channels_last=False)
        ours = {
            f"{name}, {moment} the critic joined, {precision}": one_step(
                TrainingConfig.preset(name), progress=progress, precision=precision, channels_last=channels_last
            )
            for name in ("standard", "quick")
            for moment, progress in (("before", 0.0), ("after", 1.0))
        }
        for warm_up in (reference, *ours.values()):
            warm_up()
        times: dict[str, list[float]] = {name: [] for name in ("reference", *ours)}
        for _ in range(options.rounds):
            times["reference"].append(reference())
            for name, step in ours.items():
                times[name].append(step())
    peer_s = statistics.median(times.pop("reference"))
    rows = [
        compared(
            f"training step, 1×{PATCH_PX}² [s]: {name}",
            ours=statistics.median(taken),
            peer=peer_s,
            peer_name="reference Pix2Pix, fp32",
            target=TARGET_RATIO,
        )
        for name, taken in times.items()
    ]
    write("training", rows)


if __name__ == "__main__":
    main()
