"""Fixtures that every test may use."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection

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


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """End the sessions that threads of live servers may still hold for a moment, so that the database can be dropped."""
    yield
    with django_db_blocker.unblock():
        connection.close()  # it may be one that a test has cut
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )


@pytest.fixture(autouse=True)
def no_attempts_to_sign_in():
    """Forget the sign-ins of other tests: a quick machine makes more than ten a minute."""
    cache.clear()


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path) -> Path:
    """Give each test a media folder of its own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def worker(transactional_db, media_root, tmp_path):
    """A running worker on this test's database and media folder."""
    from django.db import connection

    from tests.factories.worker import Worker, empty_queues

    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "STREHL_DATABASE_NAME": connection.settings_dict["NAME"],
        "STREHL_MEDIA": str(media_root),
        "OMP_NUM_THREADS": "1",
    }
    empty_queues()
    found = Worker(environment, tmp_path / "worker.log")
    found.start()
    yield found
    if found.process.poll() is None:
        found.kill()


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium under Playwright; the test skips where it is not installed."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium on this machine: as root, apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


def pytest_unconfigure(config):
    """Stop this run's server and remove its folder."""
    if not hasattr(config, "workerinput"):
        EmbeddedPostgres(env.VAR_DIR).stop()
        shutil.rmtree(env.VAR_DIR, ignore_errors=True)
