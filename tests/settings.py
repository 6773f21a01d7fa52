"""Settings of the tests: a server, a queue and a media folder of their own for each run."""

from __future__ import annotations

import os
import tempfile

# workers of one run inherit the folder from the process that started them
if "STREHL_TEST_VAR" not in os.environ:
    os.environ["STREHL_TEST_VAR"] = tempfile.mkdtemp(prefix="strehl-test-")
os.environ["STREHL_VAR"] = os.environ["STREHL_TEST_VAR"]
os.environ["STREHL_QUEUE_PREFIX"] = os.environ.get("PYTEST_XDIST_WORKER", "main") + "_"
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's own loop runs in the thread of the browser tests
os.environ["STREHL_SECRET_KEY"] = "only-for-tests"

from config.settings import *  # noqa: F403 - settings are made of names

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
