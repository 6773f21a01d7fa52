"""Originals are whole or not there at all."""

from __future__ import annotations

import hashlib
import io
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.db import connection, transaction

from common.errors import InputError, StorageError, TooLargeError
from metrology.models import StoredFile
from metrology.services.storage import incoming_folder, store, sweep

pytestmark = pytest.mark.django_db

CONTENT = b"II*\x00" + bytes(range(256)) * 20


def parts():
    return list(incoming_folder().iterdir())


def test_a_stored_file_lies_under_the_hash_of_its_content():
    stored = store(io.BytesIO(CONTENT))
    assert stored.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert stored.size_bytes == len(CONTENT)
    assert stored.path.read_bytes() == CONTENT
    assert parts() == []


def test_a_stored_file_cannot_be_read_by_strangers():
    assert store(io.BytesIO(CONTENT)).path.stat().st_mode & 0o007 == 0


def test_a_path_is_stored_as_a_stream_is(tmp_path):
    (tmp_path / "a.tif").write_bytes(CONTENT)
    assert store(tmp_path / "a.tif") == store(io.BytesIO(CONTENT))
    assert StoredFile.objects.count() == 1


def test_an_empty_file_is_refused_and_leaves_nothing():
    with pytest.raises(InputError, match="empty"):
        store(io.BytesIO(b""))
    assert parts() == []
    assert not StoredFile.objects.exists()


def test_a_file_over_the_limit_is_refused_and_leaves_nothing():
    with pytest.raises(TooLargeError, match="larger than"):
        store(io.BytesIO(CONTENT), max_bytes=len(CONTENT) - 1)
    assert parts() == []
    assert store(io.BytesIO(CONTENT), max_bytes=len(CONTENT)).size_bytes == len(CONTENT)


def test_the_facility_s_limit_holds_where_none_is_given(settings):
    settings.MAX_UPLOAD_BYTES = 10
    with pytest.raises(TooLargeError):
        store(io.BytesIO(CONTENT))


def test_a_file_that_breaks_off_while_it_is_read_leaves_nothing():
    class Broken(io.BytesIO):
        def read(self, _size=-1):
            if self.tell() > 0:
                raise ConnectionResetError("connection lost")
            return super().read(100)

    with pytest.raises(InputError, match="broke off"):
        store(Broken(CONTENT))
    assert parts() == []
    assert not StoredFile.objects.exists()


def test_a_missing_path_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be opened"):
        store(tmp_path / "nowhere.tif")


def test_a_damaged_original_is_healed_when_its_content_comes_again():
    stored = store(io.BytesIO(CONTENT))
    stored.path.write_bytes(CONTENT[:100])
    store(io.BytesIO(CONTENT))
    assert stored.path.read_bytes() == CONTENT


def test_a_file_whose_row_was_rolled_back_is_adopted():
    class Rollback(Exception):  # noqa: N818 - not an error of the program
        pass

    def store_and_roll_back():
        with transaction.atomic():
            store(io.BytesIO(CONTENT))
            raise Rollback

    with pytest.raises(Rollback):
        store_and_roll_back()
    path = StoredFile(sha256=hashlib.sha256(CONTENT).hexdigest()).path
    assert path.exists()
    assert not StoredFile.objects.exists()
    assert store(io.BytesIO(CONTENT)).path == path


def test_a_row_never_lacks_its_file(monkeypatch):
    """The row is made last: what interrupts the move leaves no row."""

    def interrupted(_self, _target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store(io.BytesIO(CONTENT))
    assert not StoredFile.objects.exists()
    assert parts() == []


@pytest.mark.django_db(transaction=True)
def test_many_who_store_one_content_at_once_get_one_row():
    rows, start = [], threading.Barrier(8)

    def bring():
        start.wait()
        rows.append(store(io.BytesIO(CONTENT)).pk)
        connection.close()

    threads = [threading.Thread(target=bring) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows) == 8
    assert len(set(rows)) == 1
    assert parts() == []


def test_a_disk_that_refuses_is_said_and_nothing_stays():
    """A limit on the size of files makes the kernel refuse in the middle of a write, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, hard))
    try:
        with pytest.raises(StorageError, match="full or cannot be written"):
            store(io.BytesIO(CONTENT))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert parts() == []
    assert not StoredFile.objects.exists()
    assert store(io.BytesIO(CONTENT)).path.read_bytes() == CONTENT


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small tmpfs here; the limit on file sizes tests the same path")
    yield folder
    subprocess.run(["/bin/umount", str(folder)], check=True)


def test_a_full_disk_is_said_and_nothing_stays(small_disk, settings):
    settings.MEDIA_ROOT = small_disk
    with pytest.raises(StorageError, match="full") as refused:
        store(io.BytesIO(b"II*\x00" + os.urandom(2 * 1024 * 1024)))
    assert "No space" in refused.value.details["reason"]
    assert parts() == []
    assert store(io.BytesIO(CONTENT)).path.exists()


def test_sweeping_removes_old_parts_only():
    old, new = incoming_folder() / "old.part", incoming_folder() / "new.part"
    old.touch()
    new.touch()
    os.utime(old, (time.time() - 4000, time.time() - 4000))
    assert sweep() == 1
    assert parts() == [new]


def test_sweeping_all_removes_every_part():
    (incoming_folder() / "new.part").touch()
    assert sweep(all_of_them=True) == 1
    assert parts() == []


def test_a_writer_killed_in_the_middle_leaves_a_part_that_sweeping_removes(tmp_path, media_root):
    """kill -9 while a file is being written: no original, no row, and the part goes with the next start."""
    script = (
        "import sys, time, django; django.setup()\n"
        "from pathlib import Path\n"
        "from django.conf import settings\n"
        "from metrology.services.storage import store\n"
        f"settings.MEDIA_ROOT = Path({str(media_root)!r})\n"
        "class Slow:\n"
        "    def read(self, size):\n"
        "        print('reading', flush=True); time.sleep(0.2); return b'II*' + bytes(1000)\n"
        "store(Slow())\n"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    writer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment)
    for _ in range(3):
        writer.stdout.readline()
    writer.kill()
    writer.wait()
    writer.stdout.close()
    assert len(parts()) == 1
    assert not (media_root / "originals").exists()
    assert not StoredFile.objects.exists()
    assert sweep(all_of_them=True) == 1
