"""Bytes go to the end of a partial file or nowhere."""

from __future__ import annotations

import hashlib
import io
import os
import resource
import subprocess

import pytest

from common.errors import GoneError, InputError, StateError, StorageError, UnreadableImageError
from common.image_formats import HEAD_BYTES
from metrology.services.partial_file import PIECE_BYTES, Checksum, append, begin, sha256_of

CONTENT = os.urandom(3 * PIECE_BYTES + 17)


def accept(_head):
    """Take any file."""


def add(path, content, *, offset=0, length=None, checksum=None, check_head=accept, stream=None):
    length = len(content) if length is None else length
    found = io.BytesIO(content) if stream is None else stream
    return append(path, found, offset=offset, length=length, checksum=checksum, check_head=check_head)


def checksum_of(content):
    return Checksum("sha256", hashlib.sha256(content).digest())


@pytest.fixture
def part(tmp_path):
    path = tmp_path / "a.upload"
    begin(path)
    return path


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


def test_pieces_end_where_the_next_begins(part):
    assert add(part, CONTENT[:100]) == 100
    assert add(part, CONTENT[100:], offset=100) == len(CONTENT)
    assert part.read_bytes() == CONTENT
    assert sha256_of(part) == hashlib.sha256(CONTENT).hexdigest()


def test_strangers_cannot_read_a_part(part):
    assert part.stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("offset", [0, 99, 101, 10**12])
def test_bytes_for_elsewhere_are_refused(part, offset):
    add(part, CONTENT[:100])
    with pytest.raises(StateError, match="stands at byte 100") as refused:
        add(part, b"x" * 50, offset=offset)
    assert refused.value.details["offset"] == 100
    assert part.read_bytes() == CONTENT[:100]


def test_bytes_beyond_the_announced_length_are_not_read(part):
    assert add(part, CONTENT, length=100) == 100
    assert part.read_bytes() == CONTENT[:100]


class Broken(io.BytesIO):
    """A connection that is reset after a while."""

    def read(self, size=-1):
        if self.tell() > PIECE_BYTES:
            raise ConnectionResetError("gone")
        return super().read(size)


def test_a_connection_that_breaks_keeps_what_arrived(part):
    with pytest.raises(InputError, match="broke off") as broken:
        add(part, CONTENT, stream=Broken(CONTENT))
    kept = part.read_bytes()
    assert 0 < len(kept) == broken.value.details["offset"]
    assert CONTENT.startswith(kept)


def test_a_connection_that_breaks_under_a_checksum_keeps_nothing(part):
    with pytest.raises(InputError, match="cannot be checked"):
        add(part, CONTENT, stream=Broken(CONTENT), checksum=checksum_of(CONTENT))
    assert part.stat().st_size == 0
    assert [one.name for one in part.parent.iterdir()] == [part.name]


@pytest.mark.parametrize("checked", [False, True])
def test_a_head_that_is_refused_stops_the_rest(part, checked):
    seen, stream = [], io.BytesIO(CONTENT)

    def refuse(head):
        seen.append(head)
        raise UnreadableImageError("No image.", hint="Export it.")

    with pytest.raises(UnreadableImageError):
        add(
            part,
            CONTENT,
            stream=stream,
            check_head=refuse,
            checksum=checksum_of(CONTENT) if checked else None,
        )
    assert seen == [CONTENT[:HEAD_BYTES]]
    assert stream.tell() <= PIECE_BYTES


def test_a_part_that_was_removed_while_bytes_came_takes_no_more(part):
    class Removing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 0:
                part.unlink(missing_ok=True)
            return super().read(size)

    with pytest.raises(GoneError):
        add(part, CONTENT, stream=Removing(CONTENT))
    with pytest.raises(GoneError):
        add(part, CONTENT)


@pytest.mark.parametrize("checked", [False, True])
def test_a_disk_that_refuses_in_the_middle_is_said_and_what_was_before_is_kept(part, checked):
    """A limit on the size of files makes the kernel refuse in the middle of a write, as a full disk does."""
    add(part, CONTENT[:1000])
    rest = CONTENT[1000:]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000 + PIECE_BYTES, hard))
    try:
        with pytest.raises(StorageError, match="What arrived before is kept"):
            add(part, rest, offset=1000, checksum=checksum_of(rest) if checked else None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    kept = part.read_bytes()
    assert len(kept) >= 1000
    assert CONTENT.startswith(kept), "only whole pieces"
    assert not checked or len(kept) == 1000
    assert add(part, CONTENT[len(kept) :], offset=len(kept)) == len(CONTENT)
    assert part.read_bytes() == CONTENT


def test_a_full_disk_is_said_and_the_upload_goes_on_when_there_is_room(small_disk):
    part, ballast = small_disk / "a.upload", small_disk / "ballast"
    begin(part)
    ballast.write_bytes(bytes(600 * 1024))
    with pytest.raises(StorageError, match="full") as refused:
        add(part, CONTENT)
    assert "No space" in refused.value.details["reason"]
    kept = part.stat().st_size
    assert 0 < kept < len(CONTENT)
    ballast.unlink()
    add(part, CONTENT[kept:], offset=kept)
    assert part.read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(StorageError):
        begin(tmp_path / "nowhere" / "a.upload")
