"""`manage.py ingest` takes in files and folders, and its exit says whether all went well."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from common import jobs
from metrology.models import Acquisition
from metrology.runtime.measuring import measure
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def path():
    return catalogue.optical_path(
        catalogue.instrument(catalogue.facility(name="Only", slug="only"), name="LSM 5", slug="lsm-5")
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deeper").mkdir()
    (tmp_path / "a.tif").write_bytes(acquisitions.tiff(seed=1))
    (tmp_path / "deeper" / "b.TIFF").write_bytes(acquisitions.tiff(seed=2))
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


def test_a_folder_is_taken_in_with_what_is_said(path, folder, capsys):
    standard = acquisitions.standard(path.instrument.facility, name="Marbles")
    call_command(
        "ingest",
        str(folder),
        "--facility=only",
        "--instrument=lsm-5",
        f"--optical-path={path.name}",
        "--standard=Marbles",
        "--acquired-at=2026-03-02",
        "--label=Monday",
        "--field-of-view=A1",
        "--field-role=low",
    )
    rows = list(Acquisition.objects.order_by("original_name"))
    assert [row.original_name for row in rows] == ["a.tif", "b.TIFF"]
    for row in rows:
        assert (row.instrument, row.optical_path, row.standard) == (path.instrument, path, standard)
        assert (row.label, row.field_of_view, row.field_role) == ("Monday", "A1", "low")
        assert row.acquired_at.isoformat() == "2026-03-02T00:00:00+00:00"
    assert "b.TIFF" in capsys.readouterr().out


def test_a_refused_file_does_not_keep_others_out_but_makes_the_exit_fail(path, folder, capsys):
    (folder / "c.tif").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    with pytest.raises(CommandError, match="1 of 3 files or folders were refused"):
        call_command("ingest", str(folder))
    assert Acquisition.objects.count() == 2
    assert "a PNG picture" in " ".join(capsys.readouterr().out.split())


def test_a_file_named_is_taken_whatever_its_name_and_a_duplicate_is_no_failure(path, tmp_path, capsys):
    for name in ("scan.dat", "again.dat"):
        (tmp_path / name).write_bytes(acquisitions.tiff(seed=3))
    call_command("ingest", str(tmp_path / "scan.dat"), str(tmp_path / "again.dat"))
    assert Acquisition.objects.count() == 1
    assert "duplicate" in capsys.readouterr().out


def test_waiting_ends_when_all_is_measured_and_says_what_failed(path, tmp_path, monkeypatch, capsys):
    (tmp_path / "a.tif").write_bytes(acquisitions.ome_tiff(instrument=path.instrument))
    (tmp_path / "b.tif").write_bytes(acquisitions.ome_tiff(seed=8))
    work = lambda _seconds: [jobs.run(Acquisition, row.pk, measure) for row in Acquisition.objects.all()]  # noqa: E731 - the worker, while the command sleeps
    monkeypatch.setattr("time.sleep", work)
    with pytest.raises(CommandError, match="1 of 2 files or folders were refused"):
        call_command("ingest", str(tmp_path), "--wait")
    said = " ".join(capsys.readouterr().out.split())
    assert "measured" in said
    assert "failed" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--facility=nowhere"], "There is no facility 'nowhere'"),
        (["--instrument=nobody"], "There is no instrument 'nobody'"),
        (["--optical-path=x"], "Give --instrument too"),
        (["--instrument=LSM 5", "--optical-path=x"], "There is no optical path 'x'"),
        (["--standard=x"], "There is no standard 'x'"),
        (["--acquired-at=Monday"], "'Monday' is not a date"),
        (["--acquired-at=2026-02-31"], "'2026-02-31' is not a date"),
    ],
)
def test_a_wrong_option_is_said_before_anything_is_taken_in(path, folder, options, words):
    with pytest.raises(CommandError, match=words):
        call_command("ingest", str(folder), *options)
    assert not Acquisition.objects.exists()


def test_a_folder_without_an_image_is_said_and_keeps_no_other_out(path, folder, tmp_path_factory, capsys):
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(CommandError, match="1 of 3 files or folders were refused"):
        call_command("ingest", str(empty), str(folder))
    assert Acquisition.objects.count() == 2
    assert "no image" in " ".join(capsys.readouterr().out.split())


def test_waiting_says_which_files_were_in_already(path, tmp_path, monkeypatch, capsys):
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_bytes(acquisitions.ome_tiff(seed=8, instrument=path.instrument))
    monkeypatch.setattr("time.sleep", lambda _seconds: Acquisition.objects.update(state="done", validity="valid"))
    call_command("ingest", str(tmp_path), "--wait")
    cells = [[cell.strip() for cell in line.split("│")] for line in capsys.readouterr().out.splitlines() if "│" in line]
    assert [(row[1], row[3]) for row in cells if row[1].endswith(".tif")] == [
        ("a.tif", "measured"),
        ("b.tif", "duplicate"),
    ]


def test_of_several_facilities_one_has_to_be_named(path, folder):
    catalogue.facility()
    with pytest.raises(CommandError, match="More than one facility may be meant"):
        call_command("ingest", str(folder))
