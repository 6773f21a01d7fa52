"""A file is taken when it is complete, not before."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from common.errors import InputError
from metrology.watching.folder import Seen, Settling, being_written, images_in


def test_images_of_sub_folders_are_found_and_nothing_else(tmp_path):
    (tmp_path / "deeper").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("a.TIF", "deeper/b.czi", "notes.txt", ".c.tif", "~d.tif", ".hidden/e.tif"):
        (tmp_path / name).write_bytes(b"1234")
    (tmp_path / "link.tif").symlink_to(tmp_path / "a.TIF")
    found = images_in(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a.TIF", "deeper/b.czi"]
    assert found[tmp_path / "a.TIF"].size_bytes == 4


def test_a_folder_that_is_away_is_said(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        images_in(tmp_path / "share")


def test_a_file_is_complete_once_it_has_stayed_the_same(tmp_path):
    settling, path = Settling(10), tmp_path / "a.tif"
    path.touch()
    growing, whole = {path: Seen(1, 1)}, {path: Seen(2, 5)}
    assert settling.complete(growing, now_s=0) == []
    assert settling.complete(whole, now_s=9) == []
    assert settling.complete(whole, now_s=18) == []
    assert settling.complete(whole, now_s=19) == [path]


def test_a_file_that_went_away_and_came_back_settles_anew(tmp_path):
    settling, path = Settling(10), tmp_path / "a.tif"
    path.touch()
    settling.complete({path: Seen(1, 1)}, now_s=0)
    settling.complete({}, now_s=5)
    assert settling.complete({path: Seen(1, 1)}, now_s=12) == []


def test_the_oldest_file_comes_first(tmp_path):
    new, old = tmp_path / "a.tif", tmp_path / "b.tif"
    found = {new: Seen(1, 20), old: Seen(1, 10)}
    for path in found:
        path.touch()
    settling = Settling(0)
    assert settling.complete(found, now_s=0) == [old, new]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which files are open")
def test_a_file_that_another_process_writes_is_not_complete(tmp_path):
    path = tmp_path / "a.tif"
    code = "import sys; f = open(sys.argv[1], sys.argv[2]); print('open', flush=True); sys.stdin.read()"
    found = {path: Seen(0, 0)}
    for mode, expected in (("ab", []), ("rb", [path])):
        path.touch()
        with subprocess.Popen(
            [sys.executable, "-c", code, str(path), mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            process.stdout.readline()
            assert Settling(0).complete(found, now_s=0) == expected
    assert os.path.realpath(path) not in being_written()
