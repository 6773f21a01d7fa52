"""What every test of the worker's side wants."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def one_thread(settings):
    """Tiny networks are slower on two threads than on one, much slower while other work runs."""
    settings.TORCH_THREADS = 1
