"""Everything under one supervisor: what dies is started again, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from config.embedded import supervisor
from config.embedded.postgres import EmbeddedPostgres
from config.embedded.supervisor import MARK
from config.env import BASE_DIR

pytestmark = [pytest.mark.worker, pytest.mark.xdist_group("supervisor")]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def installation(passable_folder):
    """Environment of an installation of its own; whatever it leaves is ended."""
    var = passable_folder
    environment = os.environ | {
        "STREHL_VAR": str(var),
        "STREHL_PORT": str(free_port()),
        "STREHL_QUEUE_PREFIX": "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "STREHL_MEASURE_PROCESSES": "1",
    }
    yield environment
    for process in marked(environment):
        process.kill()
    EmbeddedPostgres(var).stop()


@contextmanager
def serving(environment):
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve"], cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        wait_for_pages(environment)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(40)
        process.stdout.close()


def status(environment):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{environment['STREHL_PORT']}/sign-in/", timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def wait_for_pages(environment, seconds=60):
    deadline = time.monotonic() + seconds
    while status(environment) != 200:
        assert time.monotonic() < deadline, "the pages do not answer"
        time.sleep(0.2)


def marked(environment):
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == environment["STREHL_VAR"]:
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def one_of(environment, word):
    return next(process for process in marked(environment) if word in " ".join(process.cmdline()))


def test_each_process_that_is_killed_is_started_again_and_ctrl_c_ends_all(installation):
    server = EmbeddedPostgres(installation_path(installation))
    with serving(installation) as supervisor:
        for word in ("granian", "-Q measure", "beat --loglevel"):
            victim = one_of(installation, word)
            victim.kill()
            deadline = time.monotonic() + 20
            while not any(word in " ".join(p.cmdline()) and p.pid != victim.pid for p in alive(installation)):
                assert time.monotonic() < deadline, f"{word} was not started again"
                time.sleep(0.2)
        wait_for_pages(installation)
        server.process().kill()
        time.sleep(1)
        wait_for_pages(installation)
        assert supervisor.poll() is None
    assert supervisor.returncode == 0
    assert marked(installation) == []
    assert server.process() is None


def test_after_kill_minus_9_of_everything_the_next_start_serves_again(installation):
    server = EmbeddedPostgres(installation_path(installation))
    with serving(installation) as supervisor:
        supervisor.kill()
        supervisor.wait()
        for process in marked(installation):
            process.kill()
        os.kill(server.process().pid, signal.SIGKILL)
    with serving(installation):
        assert status(installation) == 200


def test_a_second_supervisor_of_the_same_installation_is_refused(installation):
    with serving(installation):
        second = subprocess.run(
            [sys.executable, "manage.py", "serve"],
            cwd=BASE_DIR,
            env=installation,
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode != 0
        assert "already runs here" in second.stdout + second.stderr
        assert EmbeddedPostgres(installation_path(installation)).process() is not None
        assert status(installation) == 200


def test_stop_from_another_shell_ends_a_running_strehl(installation):
    with serving(installation) as supervisor:
        command = [sys.executable, "manage.py", "services", "stop"]
        subprocess.run(command, cwd=BASE_DIR, env=installation, check=True, capture_output=True)
        supervisor.wait(10)
    assert marked(installation) == []
    assert EmbeddedPostgres(installation_path(installation)).process() is None


def installation_path(environment):
    return Path(environment["STREHL_VAR"])


def alive(environment):
    found = []
    for process in marked(environment):
        try:
            process.cmdline()
        except psutil.NoSuchProcess:
            continue
        found.append(process)
    return found


def test_only_the_measuring_role_commits_without_waiting_and_keeps_the_operator_s_options(monkeypatch):
    monkeypatch.setattr(supervisor.env, "PGOPTIONS", "-c work_mem=64MB")
    assert supervisor._environment_of("measure")["PGOPTIONS"] == "-c work_mem=64MB -c synchronous_commit=off"
    assert all("PGOPTIONS" not in supervisor._environment_of(role) for role in ("web", "train", "beat"))


def test_a_training_worker_holds_one_message_at_a_time():
    command = supervisor.command_of("train", port=1)
    assert command[command.index("--prefetch-multiplier") + 1] == "1"
