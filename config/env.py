"""The only module that reads the environment; `.env.example` lists every variable."""

from __future__ import annotations

from pathlib import Path

import environ

from common.errors import StateError

BASE_DIR = Path(__file__).resolve().parent.parent

_env = environ.Env()
if (BASE_DIR / ".env").is_file():
    _env.read_env(BASE_DIR / ".env")
_env.ENVIRON.setdefault("LOGURU_LEVEL", "WARNING")  # the queue's client tells of every poll, several times a second

EMBEDDED = "embedded"

VAR_DIR: Path = Path(_env.str("STREHL_VAR", default=str(BASE_DIR / "var"))).resolve()
MEDIA_DIR: Path = Path(_env.str("STREHL_MEDIA", default=str(VAR_DIR / "media"))).resolve()
DEBUG: bool = _env.bool("STREHL_DEBUG", default=False)
SECRET_KEY: str = _env.str("STREHL_SECRET_KEY", default="")
ALLOWED_HOSTS: list[str] = _env.list("STREHL_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
HTTPS: bool = _env.bool("STREHL_HTTPS", default=False)
BIND: str = _env.str("STREHL_BIND", default="127.0.0.1")
PORT: int = _env.int("STREHL_PORT", default=8000)
DATABASE_URL: str = _env.str("DATABASE_URL", default=EMBEDDED)
DATABASE_NAME: str = _env.str("STREHL_DATABASE_NAME", default="strehl")
PGOPTIONS: str = _env.str("PGOPTIONS", default="")  # libpq's own; measuring workers add to it
BROKER_URL: str = _env.str("BROKER_URL", default=EMBEDDED)
if BROKER_URL == EMBEDDED and DATABASE_URL != EMBEDDED:
    raise StateError(
        "The embedded queue lives in the embedded PostgreSQL, but DATABASE_URL names another.",
        hint="Set BROKER_URL as well, for example to amqp://user:password@host:5672/.",
    )
QUEUE_PREFIX: str = _env.str("STREHL_QUEUE_PREFIX", default="")
MEASURE_PROCESSES: int = _env.int("STREHL_MEASURE_PROCESSES", default=2)
TORCH_THREADS: int = _env.int("STREHL_TORCH_THREADS", default=2)
MAX_UPLOAD_BYTES: int = _env.int("STREHL_MAX_UPLOAD_BYTES", default=4 * 1024**3)
MAX_PIXELS: int = _env.int("STREHL_MAX_PIXELS", default=2_000_000_000)
READER_MEMORY_BYTES: int = _env.int("STREHL_READER_MEMORY_BYTES", default=6 * 1024**3)
READER_SECONDS: float = _env.float("STREHL_READER_SECONDS", default=60.0)
EMBEDDED_AUTOSTART: bool = _env.bool("STREHL_EMBEDDED_AUTOSTART", default=True)
JOB_STALE_SECONDS: int = _env.int("STREHL_JOB_STALE_SECONDS", default=60)


def database(url: str) -> dict[str, object]:
    """Return Django's description of the database at `url`."""
    return dict(_env.db_url_config(url))
