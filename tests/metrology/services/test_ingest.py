"""A file becomes one acquisition of its facility, or is refused at the door with a sentence."""

from __future__ import annotations

import io
import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from common.errors import AccessError, InputError, InvalidDateError, NotFoundError, UnreadableImageError
from common.models import JobState
from common.permissions import Role
from metrology.models import Acquisition, FieldRole, StoredFile
from metrology.services.ingest import acquisition_ingest
from metrology.services.storage import incoming_folder
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch):
    """Messages to workers, instead of workers."""
    messages = []
    monkeypatch.setattr("common.dispatch._send", lambda task, ids, queue: messages.append((task, ids, queue)))
    return messages


def ingest(content=None, *, facility=None, name="scan.tif", **given):
    content = acquisitions.tiff() if content is None else content
    return acquisition_ingest(
        facility=facility or catalogue.facility(), source=io.BytesIO(content), original_name=name, **given
    )


def test_a_file_becomes_an_acquisition_that_waits_for_a_worker(sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        ingested = ingest()
    row = ingested.acquisition
    assert not ingested.duplicate
    assert row.state == JobState.QUEUED
    assert row.stored_file.path.read_bytes() == acquisitions.tiff()
    assert sent == [("metrology.measure", (row.pk,), "measure")]
    assert "waits to be measured" in ingested.message


def test_what_is_said_is_kept_with_who_said_it():
    user = catalogue.member()
    facility = user.memberships.get().facility
    path = catalogue.optical_path(catalogue.instrument(facility))
    standard = acquisitions.standard(facility)
    row = ingest(
        facility=facility,
        user=user,
        optical_path=path,
        standard=standard,
        label="Monday",
        acquired_at=catalogue.START,
        field_of_view="A1",
        field_role=FieldRole.LOW,
    ).acquisition
    row.refresh_from_db()
    assert (row.instrument, row.optical_path, row.standard) == (path.instrument, path, standard)
    assert (row.label, row.acquired_at, row.field_of_view, row.field_role) == ("Monday", catalogue.START, "A1", "low")
    assert row.uploaded_by == user
    said = {"instrument", "optical_path", "standard", "label", "acquired_at", "field_of_view", "field_role"}
    assert row.sources == dict.fromkeys(said, f"user {user.username}")


def test_what_is_left_out_has_no_source_yet():
    row = ingest(label="", instrument=None).acquisition
    assert row.sources == {}
    assert row.instrument is None


def test_the_command_line_is_named_as_a_source():
    assert ingest(label="x").acquisition.sources == {"label": "command line"}


def test_the_same_content_twice_is_the_same_acquisition_and_says_since_when(sent, django_capture_on_commit_callbacks):
    facility = catalogue.facility()
    first = ingest(facility=facility, name="first.tif")
    with django_capture_on_commit_callbacks(execute=True):
        second = ingest(facility=facility, name="second.tif", label="other")
    assert second.duplicate
    assert second.acquisition == first.acquisition
    assert second.acquisition.original_name == "first.tif"
    assert f"{first.acquisition.uploaded_at:%Y-%m-%d %H:%M}" in second.message
    assert sent == []


def test_a_duplicate_of_a_failed_acquisition_says_what_to_do():
    facility = catalogue.facility()
    ingest(facility=facility)
    Acquisition.objects.update(state=JobState.FAILED)
    assert "could not be measured" in ingest(facility=facility).message


def test_two_facilities_may_hold_the_same_file():
    first, second = ingest(), ingest()
    assert not second.duplicate
    assert first.acquisition != second.acquisition
    assert StoredFile.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_people_who_bring_one_file_at_the_same_moment_get_the_same_acquisition(sent):
    facility = catalogue.facility()
    people = [catalogue.member(of=facility) for _ in range(6)]
    start, results = threading.Barrier(len(people)), []

    def bring(user):
        start.wait()
        results.append(ingest(facility=facility, user=user))
        connection.close()

    threads = [threading.Thread(target=bring, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({result.acquisition.pk for result in results}) == 1
    assert sorted(result.duplicate for result in results) == [False] + [True] * 5
    assert Acquisition.objects.count() == StoredFile.objects.count() == 1
    assert len(sent) == 1
    assert list(incoming_folder().iterdir()) == []


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG picture"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "a JPEG picture"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file"),
        (b'<?xml version="1.0"?><LMSDataContainerHeader Version="2">', "holds settings only"),
        (b"PK\x03\x04" + bytes(50), "a ZIP archive"),
        (b"hello, I am a text", "of an unknown format"),
    ],
)
def test_what_no_reader_opens_is_refused_by_its_first_bytes_whatever_its_name(head, what):
    with pytest.raises(UnreadableImageError, match=what) as refused:
        ingest(head, name="scan.tif")
    assert "scan.tif" in refused.value.problem
    assert refused.value.hint
    assert not Acquisition.objects.exists()
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize("magic", [b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"])
def test_every_kind_of_tiff_may_enter(magic):
    assert ingest(magic + bytes(30)).acquisition.pk


def test_a_date_in_the_future_is_refused():
    with pytest.raises(InvalidDateError, match="in the future"):
        ingest(acquired_at=timezone.now() + timedelta(days=2))
    assert not Acquisition.objects.exists()


def test_the_local_time_of_the_furthest_zone_is_not_the_future():
    assert ingest(acquired_at=timezone.now() + timedelta(hours=13)).acquisition.pk


def test_a_date_without_a_zone_is_taken_as_utc():
    naive = datetime(2026, 3, 2, 9, 30)  # noqa: DTZ001 - what is tested
    assert ingest(acquired_at=naive).acquisition.acquired_at.isoformat() == "2026-03-02T09:30:00+00:00"


def test_things_of_other_facilities_do_not_exist():
    for given in ({"instrument": catalogue.instrument()}, {"standard": acquisitions.standard(catalogue.facility())}):
        with pytest.raises(NotFoundError):
            ingest(**given)
    path = catalogue.optical_path()
    with pytest.raises(NotFoundError):
        ingest(optical_path=path)


def test_a_path_of_another_instrument_is_refused():
    facility = catalogue.facility()
    path = catalogue.optical_path(catalogue.instrument(facility))
    with pytest.raises(InputError, match="belongs to"):
        ingest(facility=facility, instrument=catalogue.instrument(facility), optical_path=path)


def test_a_viewer_may_not_upload_and_reads_who_may():
    user = catalogue.member(Role.VIEWER)
    with pytest.raises(AccessError, match="Only operators and staff may upload images; your role is viewer"):
        ingest(facility=user.memberships.get().facility, user=user)


def test_nobody_uploads_to_another_facility():
    with pytest.raises(NotFoundError):
        ingest(user=catalogue.member())


def test_a_name_is_kept_without_its_folders_and_fits():
    assert ingest(name="C:\\data\\scan 1.tif").acquisition.original_name == "scan 1.tif"
    assert ingest(acquisitions.tiff(seed=2), name="../../etc/" + "x" * 300).acquisition.original_name == "x" * 255
    assert ingest(acquisitions.tiff(seed=3), name="").acquisition.original_name == "unnamed.tif"


def test_a_path_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        acquisition_ingest(facility=catalogue.facility(), source=tmp_path / "no.tif", original_name="no.tif")
