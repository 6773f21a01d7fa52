"""One process that runs the others: web server, workers, scheduler, and the embedded PostgreSQL under them.

Children that die are started again; Ctrl-C stops them all. What an earlier supervisor left behind when it was killed is
found by a mark in the environment of its processes and ended before anything new starts.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import psutil

from common.errors import StateError
from config import env

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from config.embedded.postgres import EmbeddedPostgres

Role = Literal["web", "measure", "train", "beat"]
ALL_ROLES: tuple[Role, ...] = ("web", "measure", "train", "beat")

MARK = "STREHL_SUPERVISED"
STOP_SECONDS = 8.0
LOOK_SECONDS = 0.5
_PR_SET_PDEATHSIG = 1


def command_of(role: Role, *, port: int) -> list[str]:
    """Return the command line of a role."""
    python = sys.executable
    worker = [python, "-m", "celery", "-A", "config.celery", "--quiet", "worker", "--loglevel=WARNING"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    commands: dict[Role, list[str]] = {
        "web": [
            *(python, "-m", "granian", "--interface", "wsgi", "--host", env.BIND, "--port", str(port)),
            *("--workers", "1", "--blocking-threads", "16", "--no-access-log", "--log-level", "warning"),
            "config.wsgi:application",
        ],
        "measure": [*worker, *quiet, "-Q", "measure", "-c", str(env.MEASURE_PROCESSES), "-n", "measure@strehl"],
        "train": [*worker, *quiet, "-Q", "train", "-c", "1", "--prefetch-multiplier", "1", "-n", "train@strehl"],
        "beat": [python, "-m", "celery", "-A", "config.celery", "--quiet", "beat", "--loglevel=WARNING", "--pidfile="],
    }
    return commands[role]


@dataclass
class Child:
    """A process of the supervisor and when it was last started."""

    role: Role
    process: subprocess.Popen[bytes]
    started_at: float = field(default_factory=time.monotonic)


class Supervisor:
    """Starts, watches and stops the processes of one installation.

    Parameters
    ----------
    server : EmbeddedPostgres or None
        The embedded database, None where `DATABASE_URL` names another.
    roles : sequence of Role
        Which processes to run.
    port : int
        Of the web server.
    say : callable
        Told one sentence whenever a process had to be started again.
    """

    def __init__(
        self,
        server: EmbeddedPostgres | None,
        *,
        roles: Sequence[Role] = ALL_ROLES,
        port: int = env.PORT,
        say: Callable[[str], None],
    ) -> None:
        self.server = server
        self.roles = tuple(roles)
        self.port = port
        self.say = say
        self.children: dict[Role, Child] = {}
        self.stopping = False

    @property
    def log_dir(self) -> Path:
        """Where each process writes its log."""
        return env.VAR_DIR / "log"

    @contextmanager
    def running(self) -> Iterator[Supervisor]:
        """Run the children while the block runs; they are stopped whatever ends it. Hold `only_one` around it."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        try:
            for role in self.roles:
                self._start(role)
            yield self
        finally:
            self.stop()

    def watch_until(self, done: Callable[[], bool]) -> None:
        """Start again what dies, until `done` says so or `stop` was asked for."""
        while not self.stopping and not done():
            self.look()
            time.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Start again what has died since the last look."""
        if self.server is not None and self.server.process() is None:
            self.say("PostgreSQL had stopped and is started again.")
            self.server.start()
        for role, child in list(self.children.items()):
            code = child.process.poll()
            if code is None:
                continue
            age = time.monotonic() - child.started_at
            self.say(f"{role} ended with code {code} and is started again; its log is {self._log(role)}.")
            _end_group(child.process.pid)
            if age < 2:
                time.sleep(2)  # a process that cannot start must not spin
            self._start(role)

    def stop(self) -> None:
        """End all children: politely, then less so. A training goes on from its checkpoint at the next start."""
        self.stopping = True
        processes = [child.process for child in self.children.values()]
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
            time.sleep(0.1)
        for process in processes:
            _end_group(process.pid)
            process.wait()
        self.children.clear()

    def _log(self, role: Role) -> Path:
        return self.log_dir / f"{role}.log"

    def _start(self, role: Role) -> None:
        with self._log(role).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - fixed programs, no shell
                command_of(role, port=self.port),
                cwd=env.BASE_DIR,
                env=os.environ | _environment_of(role),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the supervisor alone
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one thread here, one system call there
            )
        self.children[role] = Child(role, process)


def _environment_of(role: Role) -> dict[str, str]:
    """Return what a process of this role finds in its environment besides ours."""
    found = {MARK: str(env.VAR_DIR), "STREHL_EMBEDDED_AUTOSTART": "false", "DJANGO_SETTINGS_MODULE": "config.settings"}
    if role == "measure":  # the processes share the cores: threads of each would only wait for one another
        threads = str(max(1, (os.cpu_count() or 1) // env.MEASURE_PROCESSES))
        found |= {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads}
        if env.DATABASE_URL == env.EMBEDDED:
            # what it writes can be had again from the originals: a power cut may lose its last commits, in their order
            found["PGOPTIONS"] = f"{env.PGOPTIONS} -c synchronous_commit=off".strip()
    return found


def stop_running(*, seconds: float = 30.0) -> bool:
    """Ask the supervisor that holds this installation's lock to end, and wait for it; False where there is none."""
    try:
        pid = int((env.VAR_DIR / "supervisor.lock").read_text().strip() or 0)
        process = psutil.Process(pid)
        ours = "manage.py" in " ".join(process.cmdline()) and not _lock_is_free()
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return False
    if ours:
        process.terminate()
        psutil.wait_procs([process], timeout=seconds)
    return ours


def _lock_is_free() -> bool:
    """Say whether no supervisor runs here."""
    with (env.VAR_DIR / "supervisor.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def end_leftovers() -> int:
    """End processes of an earlier supervisor of this installation; return how many there were."""
    found = []
    for process in psutil.process_iter(["pid"]):
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == str(env.VAR_DIR):
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    for process in found:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(found, timeout=5)
    return len(found)


def _end_group(group_id: int) -> None:
    """End what is left of a child's process group (pool processes whose parent was killed)."""
    try:
        os.killpg(group_id, signal.SIGKILL)
    except ProcessLookupError:
        return


def _die_with_parent() -> None:
    """Ask Linux to end this process when the supervisor is killed; elsewhere `end_leftovers` does it at the next start."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the installation's lock; first of all, so that a second start touches nothing of the first one's.

    Raises
    ------
    StateError
        If a supervisor runs here already.
    """
    env.VAR_DIR.mkdir(parents=True, exist_ok=True)
    with (env.VAR_DIR / "supervisor.lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise StateError(
                f"Strehl already runs here (process {handle.read().strip() or 'unknown'}).",
                hint="Use that one, stop it with Ctrl-C, or give this one another STREHL_VAR.",
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        end_leftovers()
        yield
