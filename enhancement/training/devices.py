"""Where and how exactly a run computes: device, precision, threads."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightning.fabric import Fabric

    from enhancement.training.config import TrainingConfig


def computes_bf16() -> bool:
    """Return whether this machine multiplies bfloat16 numbers in hardware.

    On a processor that only emulates them a step is many times slower, so they are not used there.

    Returns
    -------
    bool
        True with a GPU that supports bfloat16, or a processor with AMX or AVX-512 BF16.
    """
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def resolve_precision(config: TrainingConfig) -> tuple[str, bool]:
    """Return what "auto" means on this machine.

    Parameters
    ----------
    config : TrainingConfig
        Settings of the run.

    Returns
    -------
    precision : str
        "bf16" or "fp32".
    channels_last : bool
        Memory order of features.
    """
    precision = ("bf16" if computes_bf16() else "fp32") if config.precision == "auto" else config.precision
    channels_last = precision == "bf16" if config.channels_last is None else config.channels_last
    return precision, channels_last


def make_fabric(precision: str) -> Fabric:
    """Return Lightning Fabric for one device.

    Parameters
    ----------
    precision : str
        "bf16" or "fp32".

    Returns
    -------
    Fabric
        On the GPU where there is one, else on the processor.
    """
    from lightning.fabric import Fabric

    return Fabric(accelerator="auto", devices=1, precision="bf16-mixed" if precision == "bf16" else "32-true")


@contextlib.contextmanager
def private_state(*, threads: int | None, seed: int | None = None) -> Iterator[None]:
    """Compute with own threads and random numbers, and leave those of the process as they were.

    Parameters
    ----------
    threads : int or None
        Processor threads of torch; None leaves them.
    seed : int or None
        Seed of torch's random numbers inside.

    Yields
    ------
    None
        Threads and random numbers are the process's own again on leaving.
    """
    before = torch.get_num_threads()
    with torch.random.fork_rng():
        if seed is not None:
            torch.manual_seed(seed)
        if threads is not None:
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
