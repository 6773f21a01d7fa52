"""Fixtures that every test may use."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from config import env
from config.embedded.postgres import EmbeddedPostgres


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real images; the test skips where it is missing (they are not part of the repository)."""
    folder = Path(os.environ.get("STREHL_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real images in {folder}: set STREHL_REAL_DATA to the folder that holds them")
    return folder.resolve()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """Start the real embedded PostgreSQL, with its queue, before the first test that needs it."""
    from config.embedded.backend.base import start

    start(EmbeddedPostgres(env.VAR_DIR), durable=False)


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path) -> Path:
    """Give each test a media folder of its own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def pytest_unconfigure(config):
    """Stop this run's server and remove its folder."""
    if not hasattr(config, "workerinput"):
        EmbeddedPostgres(env.VAR_DIR).stop()
        shutil.rmtree(env.VAR_DIR, ignore_errors=True)
