"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real images; the test skips where it is missing (they are not part of the repository)."""
    folder = Path(os.environ.get("STREHL_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real images in {folder}: set STREHL_REAL_DATA to the folder that holds them")
    return folder.resolve()
