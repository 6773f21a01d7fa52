"""An upload becomes one acquisition, whatever is killed and whoever asks at the same moment."""

from __future__ import annotations

import io
import threading

import pytest
from django.db import connection

from common.errors import GoneError, StorageError
from metrology.models import Acquisition, Upload, UploadState
from metrology.selectors.uploads import upload_get, upload_unfinished
from metrology.services import ingest, storage
from metrology.services.storage import incoming_folder
from metrology.services.uploads import upload_append, upload_create, upload_finish, upload_terminate
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db

CONTENT = acquisitions.tiff(seed=11)


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def upload(db):
    return upload_create(user=catalogue.member(), size_bytes=len(CONTENT), original_name="C:\\data\\scan.tif", given={})


def send(upload):
    return upload_append(upload, io.BytesIO(CONTENT), offset=0, length=len(CONTENT))


def fresh(upload):
    return Upload.objects.get(pk=upload.pk)


def test_only_the_last_part_of_a_name_is_kept(upload):
    assert upload.original_name == "scan.tif"


class Killed(BaseException):
    """kill -9, as far as a test can: nothing handles it."""


def test_a_server_killed_after_the_last_byte_goes_on_at_the_next_question(upload, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("metrology.services.uploads._hash", lambda _upload: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            send(upload)
    assert (fresh(upload).offset, Acquisition.objects.count()) == (len(CONTENT), 0)
    done = upload_finish(fresh(upload))
    assert done.acquisition.stored_file.path.read_bytes() == CONTENT


def test_a_server_killed_between_the_move_and_the_row_goes_on_at_the_next_question(upload, monkeypatch):
    def killed(_row):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(ingest.jobs, "enqueue", killed)
        with pytest.raises(Killed):
            send(upload)
    assert not upload.path.exists(), "it was moved"
    assert (fresh(upload).offset, Acquisition.objects.count()) == (len(CONTENT), 0)
    done = upload_finish(fresh(upload))
    assert done.acquisition.stored_file.path.read_bytes() == CONTENT
    assert done.state == UploadState.DONE


def test_a_disk_that_refuses_the_move_keeps_the_upload(upload, monkeypatch):
    with monkeypatch.context() as patched:

        def refuse(_part, _final):
            raise storage.refused_by_disk(OSError(28, "No space left on device"))

        patched.setattr(storage, "_put_in_place", refuse)
        with pytest.raises(StorageError):
            send(upload)
    assert fresh(upload).state == UploadState.OPEN
    assert upload_finish(fresh(upload)).state == UploadState.DONE


@pytest.mark.django_db(transaction=True)
def test_many_who_finish_one_upload_at_once_make_one_acquisition(upload):
    upload.path.write_bytes(CONTENT)
    found, begin = [], threading.Barrier(6)

    def finish():
        mine = fresh(upload)
        begin.wait()
        found.append(upload_finish(mine).acquisition_id)
        connection.close()

    threads = [threading.Thread(target=finish) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert set(found) == {Acquisition.objects.get().pk}
    assert list(incoming_folder().iterdir()) == []


def test_a_finished_upload_is_left_as_it_is(upload):
    done = send(upload)
    assert upload_finish(done) is done
    upload_terminate(done)
    assert fresh(upload).state == UploadState.DONE


def test_unfinished_uploads_are_listed_for_their_sender_alone(upload):
    assert upload_unfinished(upload.user) == [upload]
    assert upload_unfinished(catalogue.member(of=upload.facility)) == []
    upload_terminate(upload)
    assert upload_unfinished(upload.user) == []
    with pytest.raises(GoneError, match="You gave it up"):
        upload_get(upload.user, upload.pk)


def test_what_is_said_survives_until_the_last_byte(db):
    user = catalogue.member()
    facility = user.memberships.get().facility
    path = catalogue.optical_path(catalogue.instrument(facility))
    standard = acquisitions.standard(facility)
    given = {"optical_path": path, "standard": standard, "acquired_at": catalogue.START, "field_role": "low"}
    upload = upload_create(user=user, size_bytes=len(CONTENT), original_name="a.tif", given=given)
    row = send(fresh(upload)).acquisition
    assert (row.instrument, row.optical_path, row.standard) == (path.instrument, path, standard)
    assert (row.acquired_at, row.field_role, row.sources["standard"]) == (catalogue.START, "low", f"user {user}")
