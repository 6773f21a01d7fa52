"""Ordinary clients on a real server: cut, killed, resumed, and two at once."""

from __future__ import annotations

import hashlib
import http.client
import io
import shutil
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from django.urls import reverse
from rest_framework.authtoken.models import Token
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from metrology.models import Acquisition, Upload
from metrology.services.storage import incoming_folder
from tests.factories import acquisitions, catalogue
from tests.factories.web import Web

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

CONTENT = acquisitions.tiff(seed=3) + bytes(range(256)) * 8192
HALF = len(CONTENT) // 2
CHUNK = 256 * 1024


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def headers(transactional_db):
    return {"Authorization": f"Token {Token.objects.create(user=catalogue.member()).key}"}


@pytest.fixture(scope="module")
def server_of_the_module(django_db_setup, tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    found = Web(folder / "media", folder / "web.log")
    yield found
    found.kill()


@pytest.fixture
def granian(transactional_db, server_of_the_module, settings):
    settings.MEDIA_ROOT = Path(server_of_the_module.environment["STREHL_MEDIA"])
    shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)
    return server_of_the_module


def tus_client(server, headers):
    return TusClient(server.url + reverse("api-upload-list"), headers)


def uploader(client, content=CONTENT, **options):
    metadata = {"filename": "scan.tif", "label": "Montag, früh"}
    return client.uploader(file_stream=io.BytesIO(content), chunk_size=CHUNK, metadata=metadata, **options)


def raw(server, url, headers, offset, length=None):
    """Open a connection and send the headers of a PATCH."""
    host = urlsplit(server.url)
    connection = socket.create_connection((host.hostname, host.port), timeout=30)
    said = {
        **headers,
        "Host": host.netloc,
        "Tus-Resumable": "1.0.0",
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": offset,
        "Content-Length": len(CONTENT) - offset if length is None else length,
    }
    lines = [f"PATCH {urlsplit(url).path} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items())]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return connection


def status_of(connection):
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    answer.close()
    return answer.status


def stands_at(client, url):
    return client.uploader(file_stream=io.BytesIO(CONTENT), url=url).offset


def wait_until(statement, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not statement() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert statement()


def check_it_is_in():
    row = Acquisition.objects.get()
    assert row.stored_file.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert row.stored_file.path.read_bytes() == CONTENT
    assert list(incoming_folder().iterdir()) == []
    return row


@pytest.mark.parametrize("with_checksums", [False, True])
def test_tuspy_interrupted_at_half_goes_on_with_another_process_of_itself(live_server, headers, with_checksums):
    client = tus_client(live_server, headers)
    first = uploader(client, upload_checksum=with_checksums)
    first.upload(stop_at=HALF)
    assert Upload.objects.get().offset == HALF
    second = uploader(tus_client(live_server, headers), url=first.url, upload_checksum=with_checksums)
    assert second.offset == HALF
    second.upload()
    row = check_it_is_in()
    assert row.label == "Montag, früh"
    assert second.request.response_headers["strehl-acquisition"] == row.get_absolute_url()


def test_tuspy_hears_why_a_file_is_refused(live_server, headers):
    client = tus_client(live_server, headers)
    with pytest.raises(TusCommunicationError) as refused:
        client.uploader(file_stream=io.BytesIO(CONTENT), metadata={"filename": "a.tif", "instrument": "x"}).upload()
    assert refused.value.status_code == 400
    assert b"There is no 'x'" in refused.value.response_content


def test_a_connection_cut_in_the_middle_of_a_request_keeps_what_arrived(granian, headers):
    client = tus_client(granian, headers)
    url = uploader(client).create_url()
    with raw(granian, url, headers, 0) as connection:
        connection.sendall(CONTENT[:HALF])
        wait_until(lambda: Upload.objects.get().offset > HALF - CHUNK - 1)
    wait_until(lambda: stands_at(client, url) == HALF)
    again = uploader(client, url=url)
    again.upload()
    check_it_is_in()


def test_a_server_killed_in_the_middle_knows_what_it_has(granian, headers):
    client = tus_client(granian, headers)
    url = uploader(client).create_url()
    with raw(granian, url, headers, 0) as connection:
        connection.sendall(CONTENT[:HALF])
        wait_until(lambda: Upload.objects.get().offset > HALF - CHUNK - 1)
        granian.kill()
    granian.start()
    found = stands_at(client, url)
    upload = Upload.objects.get()
    assert found == upload.offset > 0
    assert upload.path.read_bytes() == CONTENT[:found]
    uploader(client, url=url).upload()
    check_it_is_in()


def test_a_silent_sender_keeps_nobody_out_and_adds_nothing_later(granian, headers):
    """The first connection hangs in the middle of a request, as after a Wi-Fi drop; the second goes on."""
    client = tus_client(granian, headers)
    url = uploader(client).create_url()
    with raw(granian, url, headers, 0) as silent:
        silent.sendall(CONTENT[:HALF])
        wait_until(lambda: Upload.objects.get().offset > HALF - CHUNK - 1)
        uploader(client, url=url).upload()
        silent.sendall(CONTENT[HALF:])
        assert status_of(silent) in {409, 410}
    check_it_is_in()


def test_of_two_who_send_at_once_one_is_told_and_no_bytes_interleave(granian, headers):
    """Two different files for the same upload: what lands is one of them as far as it was sent, never a mixture."""
    client = tus_client(granian, headers)
    url = uploader(client).create_url()
    one, other = CONTENT[:512] + b"1" * (len(CONTENT) - 512), CONTENT[:512] + b"2" * (len(CONTENT) - 512)
    answers, begin = {}, threading.Barrier(2)

    def send(content):
        with raw(granian, url, headers, 0) as connection:
            begin.wait()
            try:
                for start in range(0, len(content), 4096):
                    connection.sendall(content[start : start + 4096])
                answers[content] = status_of(connection)
            except OSError:
                answers[content] = 409

    threads = [threading.Thread(target=send, args=(content,)) for content in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers.values()) == [204, 409]
    winner = next(content for content, status in answers.items() if status == 204)
    assert Acquisition.objects.get().stored_file.path.read_bytes() == winner


def test_a_refusal_in_the_middle_of_a_long_request_is_heard(granian, headers):
    """The server takes the rest off the line, so that the client reads the sentence, not a broken pipe."""
    url = uploader(tus_client(granian, headers)).create_url()
    body = b"\x89PNG\r\n\x1a\n" + bytes(len(CONTENT) - 8)
    said = {**headers, "Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    answer = granian.ask("PATCH", urlsplit(url).path, body, {**said, "Upload-Offset": "0"})
    assert answer.status == 400
    assert b"a PNG picture" in answer.body


def test_the_location_is_right_behind_a_proxy_of_another_name(granian, headers):
    said = {**headers, "Tus-Resumable": "1.0.0", "Upload-Length": "9", "Upload-Metadata": "filename YS50aWY="}
    answer = granian.ask("POST", "/api/v1/uploads/", headers=said)
    assert urljoin("https://strehl.example.org/api/v1/uploads/", answer.headers["Location"]).startswith(
        "https://strehl.example.org/api/v1/uploads/"
    )
