"""Resumable uploads answer as tus 1.0 says, header by header."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import uuid
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.utils import timezone
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from common.image_formats import HEAD_BYTES
from common.permissions import Role
from instruments.models import Membership
from metrology.models import Acquisition, StoredFile, Upload, UploadState
from metrology.services.storage import incoming_folder, sweep
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db

URL = "/api/v1/uploads/"
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
BYTES = "application/offset+octet-stream"
CONTENT = acquisitions.tiff(seed=7)
HALF = len(CONTENT) // 2


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def operator():
    return catalogue.member()


@pytest.fixture
def client(operator):
    return client_of(operator)


def client_of(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.get_or_create(user=user)[0].key}", **TUS)
    return client


def encoded(**said):
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())


def create(client, content=CONTENT, *, body=b"", length=None, **said):
    headers = {
        "HTTP_UPLOAD_LENGTH": str(len(content) if length is None else length),
        "HTTP_UPLOAD_METADATA": encoded(**{"filename": "scan.tif"} | said),
    }
    kind = {"content_type": BYTES} if body else {"content_type": ""}
    return client.generic("POST", URL, body, **kind, **headers)


def patch(client, url, body, *, offset=0, content_type=BYTES, **headers):
    if not body:  # which the test client sends without saying so
        headers |= {"CONTENT_LENGTH": "0", "CONTENT_TYPE": content_type}
    return client.generic("PATCH", url, body, content_type=content_type, HTTP_UPLOAD_OFFSET=str(offset), **headers)


def begun(client, sent=b"", **said):
    url = create(client, **said)["Location"]
    if sent:
        assert patch(client, url, sent).status_code == 204
    return url


def offset(client, url):
    return int(client.head(url)["Upload-Offset"])


def parts():
    return list(incoming_folder().iterdir())


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
