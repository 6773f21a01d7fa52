"""Files come in by the page: one a request from the script, or many at once from the plain form."""

from __future__ import annotations

import http.client
import socket
import time
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from common.image_formats import READ_FORMATS
from common.permissions import Role
from metrology.models import Acquisition, StoredFile
from metrology.services.storage import incoming_folder
from metrology.services.uploads import upload_create
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def operator(client):
    user = catalogue.member()
    client.force_login(user)
    return user


def image(content=None, name="scan.tif"):
    return SimpleUploadedFile(name, acquisitions.tiff() if content is None else content)


def post(client, *images, accept=None, **fields):
    return client.post(reverse("metrology:upload"), {"images": list(images), **fields}, **(accept or {}))


def test_strangers_are_asked_to_sign_in(client):
    assert client.get(reverse("metrology:upload")).url.startswith("/sign-in/")
    assert post(client, image()).status_code == 302
    assert not Acquisition.objects.exists()


def test_a_viewer_reads_who_may_upload(client):
    client.force_login(catalogue.member(Role.VIEWER))
    for answer in (client.get(reverse("metrology:upload")), post(client, image())):
        assert answer.status_code == 403
        assert b"Only operators and staff may upload images; your role is viewer" in answer.content
    assert not Acquisition.objects.exists()


def test_the_page_offers_what_can_be_said_and_only_of_one_s_own_facility(client, operator):
    own = catalogue.optical_path(catalogue.instrument(operator.memberships.get().facility, name="Ours"))
    catalogue.optical_path(catalogue.instrument(name="Theirs"))
    page = client.get(reverse("metrology:upload")).content.decode()
    assert f"Ours · {own}" in page
    assert "Theirs" not in page
    assert "read from the file" in page
    assert 'type="file"' in page
    assert "multiple" in page


def test_the_script_gets_an_answer_for_each_file(client, operator):
    answer = post(client, image(), accept=JSON, label="Monday")
    row = Acquisition.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": row.pk,
        "url": f"/acquisitions/{row.pk}/",
        "status_url": f"/acquisitions/{row.pk}/state/",
        "state": "queued",
        "duplicate": False,
        "message": "It is in, and waits to be measured.",
    }
    assert (row.label, row.uploaded_by, row.original_name) == ("Monday", operator, "scan.tif")


def test_the_script_hears_of_a_duplicate(client, operator):
    post(client, image(), accept=JSON)
    answer = post(client, image(name="again.tif"), accept=JSON)
    assert answer.status_code == 200
    assert answer.json()["duplicate"]
    assert "as scan.tif" in answer.json()["message"]


@pytest.mark.parametrize(("content", "words"), [(b"", "is empty"), (b"\x89PNG\r\n\x1a\n" + bytes(99), "a PNG picture")])
def test_the_script_hears_why_a_file_is_refused(client, operator, content, words):
    answer = post(client, image(content), accept=JSON)
    assert answer.status_code == 400
    assert answer.json()["code"] == "unreadable_image"
    assert words in answer.json()["message"]


def test_a_wrong_field_is_named(client, operator):
    answer = post(client, image(), accept=JSON, acquired_at="yesterday")
    assert answer.status_code == 400
    assert "Acquired [UTC]" in answer.json()["message"]
    page = post(client, image(), acquired_at="yesterday")
    assert page.status_code == 400
    assert b"Enter a valid date" in page.content


def test_a_date_in_the_future_is_refused(client, operator):
    soon = f"{timezone.now() + timedelta(days=2):%Y-%m-%dT%H:%M}"
    assert post(client, image(), accept=JSON, acquired_at=soon).json()["code"] == "invalid_date"


def test_an_instrument_of_another_facility_cannot_be_chosen(client, operator):
    answer = post(client, image(), accept=JSON, instrument=catalogue.instrument().pk)
    assert answer.status_code == 400
    assert not Acquisition.objects.exists()


def test_the_plain_form_takes_many_files_and_says_what_became_of_each(client, operator):
    files = [image(acquisitions.tiff(seed=n), f"scan {n}.tif") for n in (1, 2)]
    page = post(client, *files, image(acquisitions.tiff(seed=1), "twice.tif"), image(b"no image", "notes.tif"))
    text = page.content.decode()
    assert page.status_code == 200
    assert "2 of 4 in · 1 already there · 1 refused" in text
    assert "notes.tif is of an unknown format" in text
    assert Acquisition.objects.count() == 2


def test_the_plain_form_without_a_file_says_so(client, operator):
    assert b"This field is required" in post(client).content


def test_a_file_over_the_limit_is_refused(client, operator, settings):
    settings.MAX_UPLOAD_BYTES = 1000
    answer = post(client, image(), accept=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_two_hundred_files_come_in_at_once(client, operator):
    files = [image(b"II*\x00" + n.to_bytes(4, "little") * 500, f"scan {n}.tif") for n in range(200)]
    started = time.perf_counter()
    page = post(client, *files)
    assert b"200 of 200 in" in page.content
    assert Acquisition.objects.count() == StoredFile.objects.count() == 200
    assert time.perf_counter() - started < 60


@pytest.mark.django_db(transaction=True)
def test_an_upload_cut_in_the_middle_leaves_nothing(live_server, client, operator):
    """The connection breaks when half of the file is sent."""
    cookie = f"{django_settings.SESSION_COOKIE_NAME}={client.cookies[django_settings.SESSION_COOKIE_NAME].value}"
    body = (
        b'--cut\r\nContent-Disposition: form-data; name="images"; filename="scan.tif"\r\n\r\n'
        + acquisitions.tiff()
        + b"\r\n--cut--\r\n"
    )
    host = urlsplit(live_server.url)
    head = (
        f"POST /upload/ HTTP/1.1\r\nHost: {host.netloc}\r\nCookie: {cookie}; csrftoken={'a' * 32}\r\n"
        f"X-CSRFToken: {'a' * 32}\r\nContent-Type: multipart/form-data; boundary=cut\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host.hostname, host.port)) as connection:
        connection.sendall(head.encode() + body[: len(body) // 2])
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(100)
    assert b"201" not in answer
    assert not Acquisition.objects.exists()
    assert not StoredFile.objects.exists()
    assert list(incoming_folder().iterdir()) == []
    whole = http.client.HTTPConnection(host.hostname, host.port)
    headers = {"Cookie": f"{cookie}; csrftoken={'a' * 32}", "X-CSRFToken": "a" * 32, "Accept": "application/json"}
    whole.request("POST", "/upload/", body, headers | {"Content-Type": "multipart/form-data; boundary=cut"})
    assert whole.getresponse().status == 201
    whole.close()


def test_the_page_lists_what_its_reader_left_unfinished_and_nobody_else(client, operator):
    mine = upload_create(user=operator, size_bytes=1000, original_name="mine.tif", given={})
    mine.path.write_bytes(bytes(430))
    other = catalogue.member(of=operator.memberships.get().facility)
    upload_create(user=other, size_bytes=1000, original_name="theirs.tif", given={})
    page = client.get(reverse("metrology:upload")).content.decode()
    assert f'data-unfinished="{reverse("api-upload", args=[mine.pk])}"' in page
    assert "43 % of 1" in page
    assert "theirs.tif" not in page


def test_the_page_says_which_formats_it_takes(client, operator):
    page = client.get(reverse("metrology:upload")).content.decode()
    assert READ_FORMATS in page
    assert ".czi" in page


def test_an_instrument_is_chosen_by_the_name_that_the_api_knows(client, operator):
    instrument = catalogue.instrument(operator.memberships.get().facility, slug="lsm-880")
    assert post(client, image(), accept=JSON, instrument="lsm-880").status_code == 201
    assert Acquisition.objects.get().instrument == instrument
