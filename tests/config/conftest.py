"""Fixtures of the embedded services."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def passable_folder():
    """A folder outside pytest's own: pytest closes its folders to the account under which root runs PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="strehl-test-")).resolve()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
