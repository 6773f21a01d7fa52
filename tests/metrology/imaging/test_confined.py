"""A hostile or broken file costs a process of its own, never the worker, and one sentence comes out of it."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from common.errors import AxesError, InputError, TooLargeError, UnreadableImageError
from metrology.imaging.confined.reader import Limits, Reader
from metrology.imaging.readers import read


@pytest.fixture(scope="module")
def reader():
    made = Reader()
    yield made
    made.close()


@pytest.fixture
def stack_file(tmp_path):
    path = tmp_path / "stack.ome.tif"
    pixels = np.random.default_rng(0).integers(0, 4095, (2, 3, 4, 32, 48), dtype=np.uint16)
    metadata = {"axes": "TCZYX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1, "SignificantBits": 12}
    tifffile.imwrite(path, pixels, ome=True, metadata=metadata)
    return path


def pid(reader):
    return reader._process.pid


def test_it_reads_what_the_reader_reads(reader, stack_file):
    confined, plain = reader.read(stack_file), read(stack_file)
    assert confined.metadata == plain.metadata
    assert (confined.shape_tczyx, confined.dtype, confined.file_format) == ((2, 3, 4, 32, 48), np.uint16, "OME-TIFF")
    for t, c, z in np.ndindex(2, 3, 4):
        np.testing.assert_array_equal(confined.plane(t=t, c=c, z=z), plain.plane(t=t, c=c, z=z))


@pytest.mark.real_data
def test_it_reads_real_files_of_every_maker(reader, real_data):
    paths = [path for folder in ("formats", "beads", "field") for path in sorted((real_data / folder).glob("*.*"))]
    assert len(paths) >= 10
    for path in paths:
        confined, plain = reader.read(path), read(path)
        assert confined.metadata == plain.metadata
        assert confined.tile_grid == plain.tile_grid
        assert {key: list(means) for key, means in confined.slice_means.items()} == {
            key: list(means) for key, means in plain.slice_means.items()
        }
        np.testing.assert_array_equal(confined.plane(), plain.plane())


def test_planes_cannot_be_changed(reader, stack_file):
    with pytest.raises(ValueError, match="read-only"):
        reader.read(stack_file).plane()[0, 0] = 1


def test_errors_keep_their_class_and_sentence(reader, tmp_path):
    colour = tmp_path / "colour.tif"
    tifffile.imwrite(colour, np.zeros((32, 32, 3), np.uint8), photometric="rgb")
    with pytest.raises(AxesError) as plain:
        read(colour)
    with pytest.raises(AxesError) as confined:
        reader.read(colour)
    assert (str(confined.value), confined.value.details) == (str(plain.value), plain.value.details)


def test_two_files_are_open_at_once(reader, stack_file, tmp_path):
    other = tmp_path / "other.tif"
    tifffile.imwrite(other, np.full((16, 16), 7, np.uint16))
    first, second = reader.read(stack_file), reader.read(other)
    assert second.plane().max() == 7
    assert first.plane(t=1, c=2, z=3).shape == (32, 48)


def test_threads_take_turns(reader, stack_file):
    expected = read(stack_file).plane(c=1)
    wrong = []

    def look():
        wrong.extend(1 for _ in range(10) if not np.array_equal(reader.read(stack_file).plane(c=1), expected))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_reader_that_dies_is_said_so_and_replaced(stack_file):
    reader = Reader()
    stack = reader.read(stack_file)
    os.kill(pid(reader), signal.SIGKILL)
    with pytest.raises(UnreadableImageError, match="died on stack"):
        stack.plane()
    assert reader.read(stack_file).plane().shape == (32, 48)
    with pytest.raises(UnreadableImageError, match="has ended"):
        stack.plane(c=1)
    reader.close()


def test_a_reader_that_hangs_is_ended_after_its_time(stack_file):
    reader = Reader(Limits(seconds=15))
    reader.read(stack_file)
    hung = pid(reader)
    os.kill(hung, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(UnreadableImageError, match=r"took longer than 15 s"):
        reader.read(stack_file)
    assert time.monotonic() - began < 60
    assert not Path(f"/proc/{hung}").exists()
    assert reader.read(stack_file).plane().shape == (32, 48)
    reader.close()


def test_more_memory_than_allowed_is_refused_and_the_next_file_is_read(reader, tmp_path, stack_file):
    """A real uncompressed image of 512 MB, all zeros, which the file system keeps as a hole."""
    path = tmp_path / "large.tif"
    tifffile.memmap(path, shape=(16384, 16384), dtype=np.uint16).flush()
    reader.read(stack_file)
    status = Path(f"/proc/{pid(reader)}/status").read_text()
    usual_bytes = 1024 * int(next(line for line in status.splitlines() if line.startswith("VmSize")).split()[1])
    reader = Reader(Limits(memory_bytes=usual_bytes + 300 * 1024**2))
    assert reader.read(stack_file).plane().shape == (32, 48)
    with pytest.raises(TooLargeError, match="memory"):
        reader.read(path).plane()
    assert reader.read(stack_file).plane().shape == (32, 48)
    reader.close()


def test_a_limit_too_low_to_read_anything_refuses_and_does_not_hang(stack_file):
    reader = Reader(Limits(memory_bytes=1024**2))
    with pytest.raises(InputError):
        reader.read(stack_file)
    reader.close()


def test_it_knows_no_password(reader, stack_file, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    fresh = Reader()
    fresh.read(stack_file)
    environment = Path(f"/proc/{pid(fresh)}/environ").read_bytes()
    assert b"secret" not in environment
    fresh.close()


def test_it_dies_with_its_parent(stack_file):
    import subprocess
    import sys

    script = (
        "import sys, time\n"
        "from metrology.imaging.confined.reader import Reader\n"
        f"reader = Reader(); reader.read({str(stack_file)!r})\n"
        "print(reader._process.pid, flush=True); time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()


def test_files_that_nobody_needs_are_closed(stack_file):
    reader = Reader()
    for _ in range(30):
        reader.read(stack_file).plane()
    gc.collect()
    reader.read(stack_file)
    held = [link.readlink().name for link in Path(f"/proc/{pid(reader)}/fd").iterdir()]
    assert held.count("stack.ome.tif") <= 2
    reader.close()


def test_after_many_files_a_fresh_process_takes_over(stack_file, monkeypatch):
    monkeypatch.setattr("metrology.imaging.confined.reader.MOST_FILES", 3)
    reader = Reader()
    pids = set()
    for _ in range(7):
        reader.read(stack_file)
        pids.add(pid(reader))
    assert len(pids) == 3
    reader.close()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"not JSON", UnreadableImageError),
        (b'{"error": "SystemExit", "problem": "a", "hint": "b", "details": {}}', UnreadableImageError),
        (b'{"answer": {"shape_tczyx": [1, 1, 1, 99999999, 99999999], "dtype": "<u2"}}', TooLargeError),
        (b'{"answer": {"shape_tczyx": [1, 1, 1, 9, 9], "dtype": "|O"}}', UnreadableImageError),
    ],
)
def test_an_answer_of_a_process_that_was_turned_is_not_believed(reader, stack_file, monkeypatch, said, error):
    reader.read(stack_file)
    monkeypatch.setattr(type(reader._questions), "recv_bytes", lambda _self: said)
    with pytest.raises(error):
        reader.read(stack_file)


def test_fewer_pixels_than_promised_are_damage(reader, stack_file, monkeypatch):
    stack = reader.read(stack_file)
    monkeypatch.setattr(reader, "_ask", lambda _question, _path: os.ftruncate(reader._pixels_fd, 10))
    with pytest.raises(UnreadableImageError, match=r"stack\.ome\.tif"):
        stack.plane()
