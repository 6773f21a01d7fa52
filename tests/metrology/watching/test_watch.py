"""The watch takes every file in once, tells what is refused, and waits for what is away."""

from __future__ import annotations

import os

import pytest

from common.errors import StateError, StorageError, UnavailableError, UnreadableImageError
from metrology.watching import watch as module
from metrology.watching.folder import Seen
from metrology.watching.memory import IN, SENDING, Memory, Remembered
from metrology.watching.watch import Watch


class Taker:
    """Notes what it is given; raises what is laid out for a name."""

    def __init__(self):
        self.taken, self.addresses, self.errors = [], [], {}

    def take(self, path, *, address, keep, stopped):  # noqa: ARG002 - as every Taker
        self.addresses.append(address)
        if path.name in self.errors:
            keep("https://x/1/")
            raise self.errors[path.name]
        self.taken.append(path.name)
        return "It is in."


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "scans"
    found.mkdir()
    (found / "a.tif").write_bytes(b"a")
    return found


@pytest.fixture
def watch(folder, tmp_path):
    said = []
    found = Watch(folder, Taker(), Memory(tmp_path / "state" / "memory.sqlite"), said.append, settle_s=0, look_s=0.01)
    found.said = said
    return found


def again(watch):
    """The same watch after a restart: a new process with the old memory."""
    found = Watch(watch.folder, Taker(), Memory(watch.memory.path), watch.say, settle_s=0, look_s=0.01)
    found.said = watch.said
    return found


def test_a_file_is_taken_once_also_after_a_restart(watch):
    assert [watch.look(), watch.look()] == [(0, 0), (0, 0)]
    restarted = again(watch)
    restarted.look()
    assert (watch.taker.taken, restarted.taker.taken) == (["a.tif"], [])
    assert watch.said == [f"{watch.folder / 'a.tif'}: It is in."]


def test_what_came_while_it_was_off_is_taken_at_the_next_start(watch, folder):
    watch.look()
    (folder / "b.tif").write_bytes(b"b")
    restarted = again(watch)
    restarted.look()
    assert restarted.taker.taken == ["b.tif"]


def test_a_changed_file_is_taken_again(watch, folder):
    watch.look()
    (folder / "a.tif").write_bytes(b"changed")
    watch.look()
    assert watch.taker.taken == ["a.tif", "a.tif"]


def test_a_refused_file_is_told_once_and_not_tried_again_until_it_changes(watch, folder):
    watch.taker.errors["a.tif"] = UnreadableImageError("a.tif is a PNG picture.", hint="Export it.")
    assert [watch.look(), watch.look()] == [(0, 1), (0, 0)]
    restarted = again(watch)
    restarted.look()
    assert restarted.taker.taken == []
    assert len(watch.said) == 1
    assert "refused: a.tif is a PNG picture. Export it. It is not tried again until it changes." in watch.said[0]
    (folder / "a.tif").write_bytes(b"whole")
    restarted.look()
    assert restarted.taker.taken == ["a.tif"]


def test_what_may_pass_is_tried_again_from_where_it_stopped(watch, monkeypatch):
    watch.taker.errors["a.tif"] = StateError("Another sends it.", hint="Wait.")
    watch.look()
    watch.look()
    assert len(watch.taker.addresses) == 1, "not at once"
    monkeypatch.setattr(module, "TRY_AGAIN_S", 0.0)
    watch._not_before.clear()
    watch.look()
    watch.taker.errors.clear()
    watch._not_before.clear()
    watch.look()
    assert watch.taker.addresses == ["", "https://x/1/", "https://x/1/"]
    assert watch.taker.taken == ["a.tif"]
    assert len(watch.said) == 2, "the same sentence is said once"


def test_a_server_that_is_away_is_told_once_and_no_other_file_is_tried(watch, folder):
    (folder / "b.tif").write_bytes(b"b")
    for name in ("a.tif", "b.tif"):
        watch.taker.errors[name] = UnavailableError("The server does not answer.", hint="Check the network.")
    watch.look()
    watch.look()
    assert len(watch.taker.addresses) == 2
    assert watch.said == ["The server does not answer. Check the network. It is waited for."]
    watch.taker.errors.clear()
    watch.look()
    assert sorted(watch.taker.taken) == ["a.tif", "b.tif"]


def test_a_folder_that_disappears_is_waited_for_and_nothing_is_taken_twice(watch, folder, tmp_path):
    watch.look()
    folder.rename(tmp_path / "away")
    assert [watch.look(), watch.look()] == [(0, 1), (0, 1)]
    (tmp_path / "away").rename(folder)
    (folder / "b.tif").write_bytes(b"b")
    watch.look()
    assert watch.taker.taken == ["a.tif", "b.tif"]
    assert sum("It is waited for" in said for said in watch.said) == 1
    assert f"The folder {folder} is back." in watch.said


def test_a_file_changed_while_it_was_taken_is_taken_again(watch, folder, monkeypatch):
    def take(path, **_):
        watch.taker.taken.append(path.name)
        if len(watch.taker.taken) == 1:
            path.write_bytes(b"longer")
        return "It is in."

    monkeypatch.setattr(watch.taker, "take", take)
    watch.look()
    assert "It was changed meanwhile and is taken again" in watch.said[0]
    watch.look()
    watch.look()
    assert watch.taker.taken == ["a.tif", "a.tif"]


def test_once_ends_when_everything_was_tried(watch, folder):
    (folder / "bad.tif").write_bytes(b"x")
    watch.taker.errors["bad.tif"] = UnreadableImageError("No image.", hint="Export it.")
    assert watch.run(once=True) == 1
    assert watch.taker.taken == ["a.tif"]


def test_a_stopped_watch_begins_no_other_file(watch, folder):
    (folder / "b.tif").write_bytes(b"b")
    os.utime(folder / "a.tif", (1, 1))

    def take(path, *, stopped, **_):
        stopped.set()
        return f"{path.name} is in."

    watch.taker.take = take
    watch.run()
    assert len(watch.said) == 1


def test_memory_forgets_nothing_that_was_kept(tmp_path):
    path, seen = tmp_path / "a.tif", Seen(3, 4)
    Memory(tmp_path / "m.sqlite").keep(path, seen, Remembered(SENDING, "", "https://x/1/"))
    memory = Memory(tmp_path / "m.sqlite")
    assert memory.of(path, seen) == Remembered(SENDING, "", "https://x/1/")
    assert memory.unknown({path: seen}) == {path: seen}, "what was begun is not done"
    memory.keep(path, seen, Remembered(IN, "It is in."))
    assert memory.unknown({path: seen}) == {}
    assert memory.of(path, Seen(3, 5)) is None


def test_a_memory_that_is_none_is_said(tmp_path):
    (tmp_path / "m.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError, match="cannot be kept"):
        Memory(tmp_path / "m.sqlite")
