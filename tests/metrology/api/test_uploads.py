"""Resumable uploads answer as tus 1.0 says, header by header."""

from __future__ import annotations

import base64
import hashlib
import os
import uuid
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from metrology.models import Acquisition, StoredFile, Upload
from metrology.services.storage import incoming_folder, sweep
from tests.factories import catalogue
from tests.factories.tus import BYTES, CONTENT, HALF, URL, begun, client_of, create, offset, parts, patch

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def operator():
    return catalogue.member()


@pytest.fixture
def client(operator):
    return client_of(operator)


def test_anybody_may_ask_what_the_server_can_do(settings):
    answer = APIClient().options(URL)
    assert answer.status_code == 204
    assert answer["Tus-Version"] == answer["Tus-Resumable"] == "1.0.0"
    assert answer["Tus-Extension"] == "creation,creation-with-upload,checksum,termination,expiration"
    assert answer["Tus-Max-Size"] == str(settings.MAX_UPLOAD_BYTES)
    assert answer["Tus-Checksum-Algorithm"] == "sha1,sha256"


def test_a_file_in_two_halves_becomes_one_acquisition(client, operator):
    path = catalogue.optical_path(catalogue.instrument(operator.memberships.get().facility, name="LSM 5", slug="lsm-5"))
    made = create(client, instrument="lsm-5", optical_path=path.name, label="Müller", acquired_at="2026-03-02T09:00")
    assert made.status_code == 201
    assert made["Tus-Resumable"] == "1.0.0"
    assert made["Location"].startswith(URL)
    url = made["Location"]
    first = patch(client, url, CONTENT[:HALF])
    assert (first.status_code, first.content, first["Upload-Offset"]) == (204, b"", str(HALF))
    assert "Upload-Expires" in first
    assert "Strehl-Acquisition" not in first
    head = client.head(url)
    assert head.status_code == 200
    assert (head["Upload-Offset"], head["Upload-Length"]) == (str(HALF), str(len(CONTENT)))
    assert head["Cache-Control"] == "no-store"
    assert "label TcO8bGxlcg==" in head["Upload-Metadata"]
    last = patch(client, url, CONTENT[HALF:], offset=HALF)
    row = Acquisition.objects.get()
    assert last.status_code == 204
    assert (last["Strehl-Acquisition"], last["Strehl-Duplicate"]) == (row.get_absolute_url(), "false")
    assert unquote(last["Strehl-Message"]) == "It is in, and waits to be measured."
    assert (row.original_name, row.label, row.instrument, row.optical_path) == (
        "scan.tif",
        "Müller",
        path.instrument,
        path,
    )
    assert row.acquired_at.isoformat() == "2026-03-02T09:00:00+00:00"
    assert row.uploaded_by == operator
    assert row.stored_file.path.read_bytes() == CONTENT
    assert row.stored_file.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert parts() == []
    assert client.head(url)["Strehl-Acquisition"] == row.get_absolute_url()
    assert offset(client, url) == len(CONTENT)


def test_a_small_file_comes_with_its_announcement(client):
    answer = create(client, body=CONTENT)
    assert (answer.status_code, answer["Upload-Offset"]) == (201, str(len(CONTENT)))
    assert answer["Strehl-Acquisition"] == Acquisition.objects.get().get_absolute_url()


def test_the_first_half_may_come_with_the_announcement(client):
    answer = create(client, body=CONTENT[:HALF])
    assert (answer.status_code, answer["Upload-Offset"]) == (201, str(HALF))
    assert "Strehl-Acquisition" in patch(client, answer["Location"], CONTENT[HALF:], offset=HALF)


def test_the_same_content_again_says_so(client):
    create(client, body=CONTENT)
    answer = create(client, body=CONTENT, filename="again.tif")
    assert answer["Strehl-Duplicate"] == "true"
    assert "as scan.tif; nothing was added" in unquote(answer["Strehl-Message"])
    assert Acquisition.objects.count() == StoredFile.objects.count() == 1
    assert parts() == []


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_bytes_with_the_right_checksum_are_kept_and_others_are_not(client, algorithm):
    url = begun(client)
    body = CONTENT[:HALF]
    digest = base64.b64encode(hashlib.new(algorithm, body).digest()).decode()
    wrong = patch(client, url, body[:-1] + b"x", HTTP_UPLOAD_CHECKSUM=f"{algorithm} {digest}")
    assert (wrong.status_code, wrong.json()["code"]) == (460, "checksum")
    assert offset(client, url) == 0
    right = patch(client, url, body, HTTP_UPLOAD_CHECKSUM=f"{algorithm} {digest}")
    assert (right.status_code, offset(client, url)) == (204, HALF)
    assert Upload.objects.get().path.read_bytes() == body


def test_a_checksum_larger_than_memory_is_kept_for_is_right_too(client):
    content = CONTENT + bytes(3 * 1024 * 1024)
    url = begun(client, content=content)
    digest = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()
    assert patch(client, url, content, HTTP_UPLOAD_CHECKSUM=f"sha1 {digest}")["Strehl-Acquisition"]
    assert StoredFile.objects.get().sha256 == hashlib.sha256(content).hexdigest()


def test_an_upload_may_be_given_up(client):
    url = begun(client, CONTENT[:HALF])
    answer = client.delete(url)
    assert (answer.status_code, answer["Tus-Resumable"], parts()) == (204, "1.0.0", [])
    assert [a.status_code for a in (client.head(url), patch(client, url, b"x"), client.delete(url))] == [410] * 3


def test_giving_up_what_is_in_takes_nothing_away(client):
    url = begun(client, CONTENT)
    assert client.delete(url).status_code == 204
    assert Acquisition.objects.get().stored_file.path.exists()


def test_the_method_may_be_said_in_a_header(client):
    url = begun(client)
    headers = {"HTTP_X_HTTP_METHOD_OVERRIDE": "PATCH", "HTTP_UPLOAD_OFFSET": "0"}
    assert client.generic("POST", url, CONTENT[:HALF], content_type=BYTES, **headers).status_code == 204
    assert offset(client, url) == HALF


def test_what_is_abandoned_is_swept_after_a_day_and_forgotten_a_week_later(client):
    old, live = begun(client, CONTENT[:HALF]), begun(client, CONTENT[: HALF + 1])
    upload = Upload.objects.get(pk=old.split("/")[-2])
    day = timezone.now() - timedelta(days=1, minutes=1)
    assert sweep(all_of_them=True) == 0
    Upload.objects.filter(pk=upload.pk).update(active_at=day)
    assert sweep() == 0, "its part was written a moment ago: somebody is sending"
    os.utime(upload.path, (day.timestamp(), day.timestamp()))
    assert sweep() == 1
    answer = patch(client, old, CONTENT[HALF:], offset=HALF)
    assert (answer.status_code, "Nothing was added to it for a day" in answer.json()["message"]) == (410, True)
    assert offset(client, live) == HALF + 1
    Upload.objects.filter(pk=upload.pk).update(active_at=timezone.now() - timedelta(days=9))
    sweep()
    assert patch(client, old, CONTENT[HALF:], offset=HALF).status_code == 404


def test_a_part_without_a_row_is_swept_after_a_day():
    orphan = incoming_folder() / f"{uuid.uuid4()}.upload"
    orphan.touch()
    assert sweep(all_of_them=True) == 0
    os.utime(orphan, (1e9, 1e9))
    assert sweep() == 1


def test_an_instrument_deleted_meanwhile_refuses_the_file_with_a_sentence(client, operator):
    instrument = catalogue.instrument(operator.memberships.get().facility)
    url = begun(client, instrument=instrument.slug)
    instrument.delete()
    answer = patch(client, url, CONTENT)
    assert answer.status_code == 404
    assert "instrument of this upload was deleted" in answer.json()["message"]
    assert parts() == []
