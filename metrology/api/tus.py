"""The headers of the tus 1.0 protocol, read and written.

Reference: https://tus.io/protocols/resumable-upload, version 1.0.0 with the extensions creation, creation-with-upload,
checksum, termination and expiration.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.utils.http import http_date

from common.errors import ContentTypeError, InputError, TusVersionError
from metrology.models import UploadState
from metrology.services.partial_file import Checksum

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrology.models import Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,termination,expiration"
ALGORITHMS = ("sha1", "sha256")
CONTENT_TYPE = "application/offset+octet-stream"
LONGEST_METADATA = 8192
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_KEY = re.compile(r"[!-+\--~]+", re.ASCII)


def check_version(headers: Mapping[str, str]) -> None:
    """Refuse a client that speaks another version.

    Raises
    ------
    TusVersionError
        `Tus-Resumable` is missing or names another version.
    """
    found = headers.get("Tus-Resumable", "")
    if found != VERSION:
        raise TusVersionError(
            f"This server speaks version {VERSION} of the tus protocol, not '{found}'.",
            hint=f"Send the header 'Tus-Resumable: {VERSION}' with every request.",
            supported=VERSION,
        )


def check_content_type(headers: Mapping[str, str]) -> None:
    """Refuse a body that is not said to be the bytes of a file.

    Raises
    ------
    ContentTypeError
        `Content-Type` is another.
    """
    found = headers.get("Content-Type", "").split(";")[0].strip().lower()
    if found != CONTENT_TYPE:
        raise ContentTypeError(
            f"The bytes of a file are sent as {CONTENT_TYPE}, not as '{found}'.",
            hint=f"Send the header 'Content-Type: {CONTENT_TYPE}'.",
        )


def number(headers: Mapping[str, str], name: str) -> int:
    """Return a header that is a whole number, not negative.

    Raises
    ------
    InputError
        It is missing or something else.
    """
    text = headers.get(name, "").strip()
    if not _NUMBER.fullmatch(text):
        raise InputError(
            f"The header {name} is missing or no whole number.", hint=f"Send {name} in bytes.", header=name, value=text
        )
    return int(text)


def metadata(text: str) -> dict[str, str]:
    """Decode `Upload-Metadata`: pairs of a key and a base64 value, parted by commas.

    Raises
    ------
    InputError
        It is not of this form, a key comes twice, or a value is no UTF-8 text.
    """
    if len(text) > LONGEST_METADATA:
        raise InputError(f"Upload-Metadata is longer than {LONGEST_METADATA} bytes.", hint="Say less about the file.")
    found: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else []:
        key, _, value = pair.strip().partition(" ")
        if not _KEY.fullmatch(key) or key in found:
            raise InputError(f"The key '{key}' of Upload-Metadata is empty, unfit or there twice.", hint=_FORM)
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise InputError(f"The value of '{key}' in Upload-Metadata is no UTF-8 in base64.", hint=_FORM) from error
    return found


_FORM = "Write 'filename <base64>,instrument <base64>'."


def checksum(text: str) -> Checksum | None:
    """Read `Upload-Checksum`: an algorithm and a digest in base64; None where there is none.

    Raises
    ------
    InputError
        The algorithm is not offered, or the digest is not one of it.
    """
    if not text:
        return None
    algorithm, _, value = text.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise InputError(
            f"Checksums of '{algorithm}' are not known here.", hint=f"Use {' or '.join(ALGORITHMS)}.", header=text
        )
    try:
        digest = base64.b64decode(value, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise InputError(f"The checksum is no {algorithm} digest in base64.", hint=f"Write '{algorithm} <base64>'.")
    return Checksum(algorithm, digest)


def offered(max_bytes: int) -> dict[str, str]:
    """Return the headers that say what this server can do."""
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(max_bytes),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }


def described(upload: Upload) -> dict[str, str]:
    """Return the headers that say where an upload stands, and what became of it once it is in."""
    found = {"Upload-Offset": str(upload.offset)}
    if upload.state != UploadState.DONE:
        return found | {"Upload-Expires": http_date(upload.expires_at.timestamp())}
    found |= {
        "Strehl-Duplicate": str(upload.duplicate).lower(),
        "Strehl-Message": quote(upload.message, safe=" ,;:.()"),
    }
    if upload.acquisition is not None:
        found["Strehl-Acquisition"] = upload.acquisition.get_absolute_url()
    return found
