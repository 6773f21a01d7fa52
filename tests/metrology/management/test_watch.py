"""`manage.py watch` and `python -m metrology.watching` as real processes: stopped, killed, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from rest_framework.authtoken.models import Token

from config.env import BASE_DIR
from metrology.models import Acquisition, Upload
from tests.factories import acquisitions, catalogue
from tests.factories.web import Web

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(200)]

LARGE = acquisitions.tiff(seed=5) + bytes(range(256)) * 4096 * 48  # 48 MiB, six requests


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def instrument(transactional_db):
    return catalogue.instrument(catalogue.facility(name="Only", slug="only"), name="LSM 5", slug="lsm-5")


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "scans"
    (found / "monday").mkdir(parents=True)
    (found / "monday" / "a.tif").write_bytes(acquisitions.tiff(seed=1))
    return found


class Process:
    """A watch in a process of its own, with the lines that it said."""

    def __init__(self, command, environment):
        self.lines = []
        self.process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=BASE_DIR,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.reader.start()

    def wait_for(self, words, seconds=60.0):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not any(words in line for line in self.lines):
            time.sleep(0.05)
        assert any(words in line for line in self.lines), self.lines

    def end(self, number):
        self.process.send_signal(number)
        code = self.process.wait(30)
        self.reader.join(5)
        self.process.stdout.close()
        return code


def local(folder, media_root, tmp_path):
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "STREHL_DATABASE_NAME": connection.settings_dict["NAME"],
        "STREHL_MEDIA": str(media_root),
        "STREHL_EMBEDDED_AUTOSTART": "false",
    }
    options = ("--instrument=lsm-5", "--settle=0.3", "--look=0.1", f"--state={tmp_path / 'state.sqlite'}")
    return Process(("manage.py", "watch", folder, *options), environment)


def test_a_watch_survives_sigterm_and_kill_and_takes_nothing_twice(instrument, folder, media_root, tmp_path):
    (folder / "picture.tif").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(900))
    first = local(folder, media_root, tmp_path)
    first.wait_for("a.tif: It is in")
    first.wait_for("picture.tif refused: ")
    with (folder / "growing.tif").open("wb") as growing:
        growing.write(LARGE[:1000])
        growing.flush()
        time.sleep(1.5)
        assert not any("growing" in line for line in first.lines), "another process writes it"
        growing.write(acquisitions.tiff(seed=2)[1000:])
        growing.seek(0)
        growing.write(acquisitions.tiff(seed=2)[:1000])
    first.wait_for("growing.tif: It is in")
    assert first.end(signal.SIGTERM) == 0
    assert "The watch has ended." in first.lines[-1]
    (folder / "while off.tif").write_bytes(acquisitions.tiff(seed=3))
    second = local(folder, media_root, tmp_path)
    second.wait_for("while off.tif: It is in")
    second.end(signal.SIGKILL)
    Path(tmp_path / "state.sqlite").unlink()  # even with nothing remembered
    third = local(folder, media_root, tmp_path)
    third.wait_for("while off.tif: Already here since")
    assert third.end(signal.SIGINT) == 0
    rows = list(Acquisition.objects.order_by("pk"))
    assert [row.original_name for row in rows] == ["a.tif", "growing.tif", "while off.tif"]
    assert {row.instrument for row in rows} == {instrument}
    assert not any("picture" in line or "a.tif" in line for line in second.lines)


def test_a_pc_without_the_database_sends_to_a_server_and_goes_on_after_a_kill(instrument, folder, media_root, tmp_path):
    (folder / "monday" / "a.tif").write_bytes(LARGE)
    (folder / "picture.tif").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(900))
    operator = catalogue.member(of=instrument.facility)
    (tmp_path / "token").write_text(Token.objects.create(user=operator).key)
    web = Web(media_root, tmp_path / "web.log")
    options = (folder, "--server", web.url, "--token-file", tmp_path / "token", "--instrument=lsm-5")
    timing = ("--settle=0.2", "--look=0.1", f"--state={tmp_path / 'remote.sqlite'}")
    nowhere = {"DATABASE_URL": "postgres://nobody@127.0.0.1:9/none", "DJANGO_SETTINGS_MODULE": ""}
    try:
        first = Process(("-m", "metrology.watching", *options, *timing), nowhere)
        deadline = time.monotonic() + 60
        while not Upload.objects.filter(original_name="a.tif").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        upload = Upload.objects.get(original_name="a.tif")
        while upload.offset < 8 * 1024**2 and time.monotonic() < deadline:
            time.sleep(0.005)
        first.end(signal.SIGKILL)
        before = upload.offset
        assert 0 < before < len(LARGE)
        web.kill()
        second = Process(("-m", "metrology.watching", *options, *timing), nowhere)
        second.wait_for("The server does not answer")
        web.start()
        second.wait_for("a.tif: It is in")
        second.wait_for("picture.tif refused: The file picture.tif is a PNG picture.")
        assert second.end(signal.SIGTERM) == 0
    finally:
        web.kill()
    row = Acquisition.objects.get()
    assert (row.instrument, row.uploaded_by) == (instrument, operator)
    assert row.stored_file.path.read_bytes() == LARGE
    assert Upload.objects.filter(original_name="a.tif").count() == 1, "it went on; it did not begin anew"


def test_the_watch_needs_neither_django_nor_the_database():
    code = "import sys, metrology.watching.__main__; print([m for m in ('django', 'psycopg', 'torch') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=BASE_DIR, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--instrument=nowhere"], "There is no instrument 'nowhere'"),
        (["--optical-path=x"], "Give --instrument too"),
        (["--server=http://127.0.0.1:9"], "A server asks for a token"),
        (["--server=http://127.0.0.1:9", "--token-file=/nowhere"], "A server asks for a token"),
    ],
)
def test_what_is_named_wrongly_is_said_at_the_start(instrument, folder, tmp_path, options, words):
    with pytest.raises(CommandError, match=words):
        call_command("watch", str(folder), *options, f"--state={tmp_path / 's.sqlite'}")


def test_once_takes_what_is_there_and_its_exit_says_whether_all_went_well(instrument, folder, tmp_path, capsys):
    options = (str(folder), "--instrument=LSM 5", "--label=Monday", "--settle=0", f"--state={tmp_path / 's.sqlite'}")
    call_command("watch", *options, "--once")
    row = Acquisition.objects.get()
    assert (row.instrument, row.label, row.sources["instrument"]) == (instrument, "Monday", "command line")
    assert "a.tif: It is in" in capsys.readouterr().out
    (folder / "empty.tif").touch()
    with pytest.raises(CommandError, match="1 files were not taken in"):
        call_command("watch", *options, "--once")
