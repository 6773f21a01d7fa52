"""A client of the tus protocol that says exactly what a test wants said."""

from __future__ import annotations

import base64

from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from metrology.services.storage import incoming_folder
from tests.factories import acquisitions

URL = "/api/v1/uploads/"
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
BYTES = "application/offset+octet-stream"
CONTENT = acquisitions.tiff(seed=7)
HALF = len(CONTENT) // 2


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
