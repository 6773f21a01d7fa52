"""What tus 1.0 and the house refuse of an upload, with which status, and that nothing stays of it."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from common.image_formats import HEAD_BYTES
from common.permissions import Role
from instruments.models import Membership
from metrology.models import Acquisition, Upload, UploadState
from tests.factories import catalogue
from tests.factories.tus import BYTES, CONTENT, HALF, TUS, URL, begun, client_of, create, offset, parts, patch

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


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1"])
@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_another_version_is_refused_and_nothing_is_done(client, method, version):
    url = URL if method == "POST" else begun(client)
    rows = Upload.objects.count()
    client._credentials.pop("HTTP_TUS_RESUMABLE")
    named = {"HTTP_TUS_RESUMABLE": version} if version else {}
    answer = client.generic(method, url, CONTENT, content_type=BYTES, HTTP_UPLOAD_OFFSET="0", **named)
    assert (answer.status_code, answer["Tus-Version"]) == (412, "1.0.0")
    assert Upload.objects.count() == rows
    assert all(upload.offset == 0 and upload.state == UploadState.OPEN for upload in Upload.objects.all())


def test_who_is_not_signed_in_is_refused(client):
    url = begun(client)
    stranger = APIClient()
    stranger.credentials(**TUS)
    answers = [create(stranger), stranger.head(url), patch(stranger, url, CONTENT), stranger.delete(url)]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert offset(client, url) == 0


def test_a_viewer_may_not_begin_and_who_became_one_may_not_go_on(client, operator):
    answer = create(client_of(catalogue.member(Role.VIEWER)))
    assert answer.status_code == 403
    assert "Only operators and staff may upload images" in answer.json()["message"]
    url = begun(client)
    Membership.objects.update(role=Role.VIEWER)
    assert patch(client, url, CONTENT).status_code == 403
    assert not Acquisition.objects.exists()


def test_a_session_needs_its_csrf_token(operator):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(operator)
    client.credentials(**TUS)
    assert create(client).status_code == 403
    client.cookies["csrftoken"] = "a" * 32
    client.credentials(**TUS, HTTP_X_CSRFTOKEN="a" * 32)
    url = create(client)["Location"]
    assert patch(client, url, CONTENT)["Strehl-Acquisition"]


def test_another_persons_upload_is_not_there(client, operator):
    url = begun(client, CONTENT[:HALF])
    for of in (operator.memberships.get().facility, catalogue.facility()):
        other = client_of(catalogue.member(Role.STAFF, of=of))
        answers = [other.head(url), patch(other, url, CONTENT[HALF:], offset=HALF), other.delete(url)]
        assert [answer.status_code for answer in answers] == [404] * 3
    assert offset(client, url) == HALF


def test_an_unknown_upload_is_not_there(client):
    url = f"{URL}{uuid.uuid4()}/"
    assert [a.status_code for a in (client.head(url), patch(client, url, b"x"), client.delete(url))] == [404] * 3


@pytest.mark.parametrize("wrong", [0, HALF - 1, HALF + 1, len(CONTENT)])
def test_a_wrong_offset_is_a_conflict_and_writes_nothing(client, wrong):
    url = begun(client, CONTENT[:HALF])
    for body in (b"x", b"") if wrong < len(CONTENT) else (b"",):
        answer = patch(client, url, body, offset=wrong)
        assert (answer.status_code, answer.json()["details"]["offset"]) == (409, HALF)
    assert Upload.objects.get().path.read_bytes() == CONTENT[:HALF]


def test_what_is_in_takes_no_more_bytes(client):
    url = begun(client, CONTENT)
    assert patch(client, url, CONTENT[:10]).status_code == 409
    assert patch(client, url, b"", offset=len(CONTENT)).status_code == 204
    assert patch(client, url, b"x", offset=len(CONTENT)).status_code == 413


@pytest.mark.parametrize("value", ["-1", "1.5", "", "x", "٣", "9" * 30])
def test_an_offset_or_a_length_that_is_no_number_is_refused(client, value):
    url = begun(client)
    assert patch(client, url, CONTENT, offset=value).status_code == 400
    assert create(client, length=value).status_code == 400


def test_a_body_of_another_kind_is_refused(client):
    url = begun(client)
    assert patch(client, url, CONTENT, content_type="application/octet-stream").status_code == 415
    assert offset(client, url) == 0


def test_more_bytes_than_announced_are_refused(client):
    url = begun(client)
    assert patch(client, url, CONTENT + b"x").status_code == 413
    assert offset(client, url) == 0


def test_a_file_over_the_limit_is_refused_before_it_is_sent(client, settings):
    settings.MAX_UPLOAD_BYTES = 1000
    answer = create(client)
    assert (answer.status_code, answer.json()["details"]["max_bytes"]) == (413, 1000)
    assert parts() == []


def test_a_file_that_finds_no_room_is_refused_before_it_is_sent(client, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=64 * 1024**2 + HALF))
    answer = create(client)
    assert answer.status_code == 507
    assert "no room" in answer.json()["message"]
    assert (parts(), Upload.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"instrument": "nowhere"}, "Instrument: There is no 'nowhere'. Known: LSM 5"),
        ({"standard": "12"}, "Standard: There is no '12'"),
        ({"acquired_at": "yesterday"}, "Acquired at: "),
        ({"acquired_at": f"{timezone.now() + timedelta(days=3):%Y-%m-%dT%H:%M}"}, "in the future"),
        ({"instrumnt": "lsm-5"}, "Nothing is known of instrumnt"),
        ({"sha256": "abc"}, "no SHA-256"),
        ({"head": "xyz"}, "not in hex"),
        ({"filename": ""}, "no name"),
        ({"field_role": "both"}, "Field role"),
        ({"label": "x" * 201}, "Label"),
    ],
)
def test_what_is_said_wrongly_is_refused_before_the_file_is_sent(client, operator, said, words):
    catalogue.instrument(operator.memberships.get().facility, name="LSM 5", slug="lsm-5")
    answer = create(client, **said)
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert (parts(), Upload.objects.count()) == ([], 0)


def test_an_instrument_of_another_facility_is_not_known(client):
    catalogue.instrument(slug="theirs")
    assert create(client, instrument="theirs").status_code == 400


@pytest.mark.parametrize(
    "text",
    ["filename", "filename !!!!", "filename YQ==,filename YQ==", "file name YQ==", ",", f"filename {'a' * 9000}"],
)
def test_metadata_of_another_form_is_refused(client, text):
    answer = client.generic("POST", URL, HTTP_UPLOAD_LENGTH="10", HTTP_UPLOAD_METADATA=text)
    assert answer.status_code == 400


def test_what_ordinary_clients_add_is_let_pass(client):
    assert create(client, filetype="image/tiff", relativePath="a/b", name="x").status_code == 201


@pytest.mark.parametrize("header", ["HTTP_UPLOAD_DEFER_LENGTH", "HTTP_UPLOAD_CONCAT"])
def test_extensions_that_are_not_offered_are_refused(client, header):
    assert client.generic("POST", URL, HTTP_UPLOAD_LENGTH="10", **{header: "1"}).status_code == 400


def test_an_empty_file_is_refused_before_it_is_sent(client):
    answer = create(client, b"")
    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable_image")
    assert "is empty" in answer.json()["message"]


PNG = b"\x89PNG\r\n\x1a\n" + bytes(5000)


def test_a_picture_is_refused_with_its_first_bytes_and_nothing_stays(client):
    url = begun(client, sent=b"", filename="a.png")
    answer = patch(client, url, PNG[:600])
    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable_image")
    assert "a.png is a PNG picture" in answer.json()["message"]
    assert parts() == []
    gone = client.head(url)
    assert gone.status_code == 410
    assert "a PNG picture" in patch(client, url, b"x").json()["message"]


def test_a_picture_that_comes_in_small_pieces_is_refused_when_it_is_known(client):
    url = begun(client)
    step = HEAD_BYTES // 4
    for position in range(0, HEAD_BYTES - step, step):
        assert patch(client, url, PNG[position : position + step], offset=position).status_code == 204
    assert patch(client, url, PNG[HEAD_BYTES - step :], offset=HEAD_BYTES - step).status_code == 400
    assert parts() == []


def test_a_picture_whose_first_bytes_are_shown_is_refused_at_its_announcement(client):
    answer = create(client, PNG, head=PNG[:16].hex())
    assert "a PNG picture" in answer.json()["message"]
    assert (parts(), Upload.objects.count()) == ([], 0)
    assert create(client, head=CONTENT[:16].hex()).status_code == 201


def test_a_file_too_short_to_be_known_is_refused_at_its_end(client):
    answer = create(client, b"PK", body=b"PK")
    assert answer.status_code == 400
    assert parts() == []


@pytest.mark.parametrize("text", ["md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha1", "sha1 !!", "sha1 YQ==", "crc32 YQ=="])
def test_a_checksum_that_is_none_is_refused(client, text):
    url = begun(client)
    assert patch(client, url, CONTENT, HTTP_UPLOAD_CHECKSUM=text).status_code == 400
    assert offset(client, url) == 0


def test_a_file_that_is_not_the_one_promised_is_refused_at_its_end(client):
    url = begun(client, sha256="0" * 64)
    answer = patch(client, url, CONTENT)
    assert (answer.status_code, answer.json()["details"]["promised"]) == (460, "0" * 64)
    assert (parts(), Acquisition.objects.count()) == ([], 0)
    assert client.head(url).status_code == 410
    assert create(client, body=CONTENT, sha256=hashlib.sha256(CONTENT).hexdigest().upper()).status_code == 201
