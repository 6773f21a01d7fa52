"""Django settings; every value that differs between installations comes from config/env.py."""

from __future__ import annotations

import secrets
import sys
from typing import Any

from csp.constants import NONE, SELF
from kombu import Exchange, Queue

from config import env
from config.embedded.postgres import SUPERUSER, EmbeddedPostgres
from config.embedded.queue import QUEUE_DATABASE

BASE_DIR = env.BASE_DIR
VAR_DIR = env.VAR_DIR
MEDIA_ROOT = env.MEDIA_DIR
MAX_UPLOAD_BYTES = env.MAX_UPLOAD_BYTES
MAX_PIXELS = env.MAX_PIXELS
READER_MEMORY_BYTES = env.READER_MEMORY_BYTES
READER_SECONDS = env.READER_SECONDS
JOB_STALE_SECONDS = env.JOB_STALE_SECONDS
TORCH_THREADS = env.TORCH_THREADS

DEBUG = env.DEBUG
ALLOWED_HOSTS = env.ALLOWED_HOSTS


def _secret_key() -> str:
    """Return the key of this installation, made once and readable by its owner only."""
    if env.SECRET_KEY:
        return env.SECRET_KEY
    path = VAR_DIR / "secret_key"
    if not path.exists():
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(64))
    return path.read_text()


SECRET_KEY = _secret_key()

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    "django_filters",
    "django_celery_beat",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "common",
    "instruments",
    "metrology",
    "enhancement",
    "config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "common.middleware.StrehlErrorMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "instruments.context.membership",
            ],
        },
    },
]

_embedded = EmbeddedPostgres(VAR_DIR)
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "config.embedded.backend",
        "NAME": env.DATABASE_NAME,
        "USER": SUPERUSER,
        "HOST": str(_embedded.socket_dir),
    }
    if env.DATABASE_URL == env.EMBEDDED
    else env.database(env.DATABASE_URL)
}
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# queue ----------------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = "pgmq://localhost" if env.BROKER_URL == env.EMBEDDED else env.BROKER_URL
CELERY_BROKER_TRANSPORT = "config.embedded.transport.Transport" if env.BROKER_URL == env.EMBEDDED else None
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {
        "conn_string": _embedded.conninfo(QUEUE_DATABASE),
        "init_extension": False,
        "queue_name_prefix": env.QUEUE_PREFIX,
        "visibility_timeout": 300,  # a job row's heartbeat, not this, says whether its worker lives
        "wait_time_seconds": 5,
        "polling_interval": 0.02,  # pause of a worker that has all the messages it may hold
        "pool_size": 4,
        "pool_timeout": 15,
    }
    if env.BROKER_URL == env.EMBEDDED
    else {"visibility_timeout": 300}
)
_exchange = Exchange("strehl", "direct")
CELERY_TASK_QUEUES = [Queue(name, _exchange, routing_key=name) for name in ("measure", "train")]
CELERY_TASK_DEFAULT_QUEUE = "measure"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 4  # a scan takes a tenth of a second: the next ones must lie ready
CELERY_DB_REUSE_MAX = sys.maxsize  # Celery would connect anew for each task (15 ms); `config.celery` checks instead
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {
    "recover lost jobs": {"task": "config.recover_lost_jobs", "schedule": 30.0},
}
CELERY_TIMEZONE = "UTC"

# people ---------------------------------------------------------------------------------------------------------------
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "metrology:fleet"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# safety ---------------------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
CSRF_FAILURE_VIEW = "config.error_pages.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = env.HTTPS
CSRF_COOKIE_SECURE = env.HTTPS
SECURE_SSL_REDIRECT = env.HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if env.HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.HTTPS
SECURE_HSTS_PRELOAD = env.HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.HTTPS else None

# files ----------------------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = False
WHITENOISE_MANIFEST_STRICT = False
FILE_UPLOAD_TEMP_DIR = None
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FILES = 500

# words and times ------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True

# API ------------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "common.api.Pages",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_RATES": {"sign-in": "10/min"},
    "EXCEPTION_HANDLER": "common.api.envelope_of_exception",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Strehl",
    "DESCRIPTION": "Metrology database and drift monitor of a light-microscopy facility.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "CaseState": "enhancement.models.CaseState",
        "ModelState": "enhancement.models.ModelState",
        "ModelKind": "enhancement.models.RestorationModel.Kind",
        "StandardKind": "metrology.models.StandardKind",
        "Verdict": "metrology.models.Verdict",
        "JobState": "common.models.JobState",
        "InstrumentState": "instruments.models.InstrumentState",
        "FlagState": "metrology.models.FlagState",
        "ServiceKind": "instruments.models.ServiceKind",
        "DetectorKind": "instruments.models.components.DetectorKind",
        "LightKind": "instruments.models.components.LightKind",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"strehl": {"level": "INFO"}},
}
