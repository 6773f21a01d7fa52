"""The embedded PostgreSQL starts whatever the last run left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest
from kombu import Connection

from common.errors import StorageError
from config.embedded import queue
from config.embedded.postgres import EmbeddedPostgres


@pytest.fixture(scope="module")
def server(passable_folder):
    server = EmbeddedPostgres(passable_folder)
    server.start()
    yield server
    server.stop()


def test_it_is_version_18_and_listens_on_a_socket_only(server):
    with psycopg.connect(server.conninfo()) as connection:
        assert connection.info.server_version // 10_000 == 18
        assert connection.execute("show listen_addresses").fetchone() == ("",)


def test_starting_a_running_server_changes_nothing(server):
    before = server.process().pid
    server.start()
    assert server.process().pid == before


def test_a_database_is_made_once(server):
    assert server.ensure_database("once")
    assert not server.ensure_database("once")


def test_the_queue_is_installed_once_and_works_without_an_extension(server):
    queue.install(server)
    with psycopg.connect(server.conninfo(queue.QUEUE_DATABASE), autocommit=True) as connection:
        connection.execute("select pgmq.create('measure')")
        connection.execute("""select pgmq.send('measure', '{"a": 1}')""")
        queue.install(server)
        assert connection.execute("select message from pgmq.read('measure', 30, 1)").fetchone() == ({"a": 1},)


def test_the_first_message_of_a_process_does_not_wait_for_an_idle_worker(server, settings, monkeypatch):
    queue.install(server)
    monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=300ms")

    def send(transport):
        options = settings.CELERY_BROKER_TRANSPORT_OPTIONS | {
            "conn_string": server.conninfo(queue.QUEUE_DATABASE),
            "queue_name_prefix": "site.b-",
        }
        with Connection("pgmq://localhost", transport=transport, transport_options=options) as connection:
            connection.Producer().publish({"a": 1}, routing_key="measure", declare=settings.CELERY_TASK_QUEUES)

    send(settings.CELERY_BROKER_TRANSPORT)  # whatever its prefix, it finds its queue
    with psycopg.connect(server.conninfo(queue.QUEUE_DATABASE)) as worker:
        worker.execute("update pgmq.q_site_b_measure set vt = vt where false")  # the lock that a long poll holds
        send(settings.CELERY_BROKER_TRANSPORT)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            send("pgmq")  # what `config.embedded.transport` is for
        assert worker.execute("select count(*) from pgmq.q_site_b_measure").fetchone() == (2,)


def test_committed_rows_survive_kill_minus_9(server):
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute("create table kept (n int)")
        connection.execute("insert into kept values (42)")
    os.kill(server.process().pid, signal.SIGKILL)
    time.sleep(0.2)
    server.start()
    with psycopg.connect(server.conninfo()) as connection:
        assert connection.execute("select n from kept").fetchone() == (42,)


def test_a_stale_pid_file_that_names_another_program_is_no_obstacle(server):
    server.stop()
    assert server.process() is None
    (server.data_dir / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data_dir}\n0\n5432\n\n\n")
    assert server.process() is None
    server.start()
    assert server.is_ready()


def test_the_data_is_readable_by_its_owner_only(server):
    assert server.data_dir.stat().st_mode & 0o077 == 0
    assert server.socket_dir.stat().st_mode & 0o077 == 0


def test_a_socket_path_too_long_for_the_system_moves_to_the_temporary_folder(tmp_path):
    deep = EmbeddedPostgres(tmp_path / ("d" * 120))
    assert len(str(deep.socket_dir / ".s.PGSQL.5432")) < 104
    assert deep.socket_dir != EmbeddedPostgres(tmp_path / ("e" * 120)).socket_dir


def test_a_server_that_cannot_start_names_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr("config.embedded.postgres.START_SECONDS", 1.0)
    broken = EmbeddedPostgres(tmp_path)
    broken.data_dir.mkdir()
    (broken.data_dir / "PG_VERSION").write_text("18")
    with pytest.raises(StorageError, match=r"server\.log"):
        broken.start()


def test_a_broker_of_your_own_is_spoken_to_by_its_own_transport(tmp_path):
    program = "from config.celery import app; print(app.connection_for_write().get_transport_cls().__module__)"
    environment = {
        "PATH": os.environ["PATH"],
        "STREHL_VAR": str(tmp_path),
        "DATABASE_URL": "postgres://a:b@127.0.0.1:1/c",
        "BROKER_URL": "filesystem://",
    }
    said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert said.stdout.strip() == "kombu.transport.filesystem", said.stderr
