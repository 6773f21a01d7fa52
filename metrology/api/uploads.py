"""Resumable uploads under /api/v1/uploads/, by the tus 1.0 protocol."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import InputError, StrehlError, TusVersionError
from instruments.selectors.membership import facility_of
from metrology.api import tus
from metrology.api.upload_serializers import about
from metrology.selectors.uploads import upload_get
from metrology.services.uploads import upload_append, upload_create, upload_finish, upload_terminate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from rest_framework.request import Request

    from metrology.models import Upload
    from metrology.services.partial_file import Checksum

DRAIN_BYTES = 64 * 1024**2
"""How much of a refused body is read and dropped, so that the client hears why instead of a broken connection."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def _header(name: str, description: str, *, kind: Any = OpenApiTypes.STR, required: bool = True) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, required=required, description=description)


_VERSION = _header("Tus-Resumable", "1.0.0")
_CHECKSUM = _header("Upload-Checksum", "sha1 or sha256, a space, the digest of the body in base64.", required=False)
_WHOLE = "With the last byte: Strehl-Acquisition (its page), Strehl-Duplicate, Strehl-Message (percent-encoded)."


class TusView(APIView):
    """What every address of the protocol shares: its version, and how it is refused."""

    http_method_names = ["post", "patch", "head", "delete", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Let a client behind an old proxy say its real method in a header."""
        override = request.headers.get("X-HTTP-Method-Override")
        if override:
            request.method = override.upper()
        return super().dispatch(request, *args, **kwargs)

    def get_permissions(self) -> Sequence[Any]:
        """Let anybody ask what the server can do."""
        return [AllowAny()] if self.request.method == "OPTIONS" else super().get_permissions()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the version before anything else."""
        if request.method != "OPTIONS":
            tus.check_version(request.headers)
        super().initial(request, *args, **kwargs)

    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]  # noqa: ARG002 - as DRF's own
        """Say what the server can do."""
        return Response(status=status.HTTP_204_NO_CONTENT, headers=tus.offered(settings.MAX_UPLOAD_BYTES))

    def handle_exception(self, exc: Exception) -> Response:
        """Take the rest of the body off the line, then say what is wrong."""
        if isinstance(exc, StrehlError):
            _drain(self.request)
        answer = super().handle_exception(exc)
        if isinstance(exc, TusVersionError):
            answer["Tus-Version"] = tus.VERSION
        return answer

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Name the version in every answer, and let nobody keep it."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["Tus-Resumable"] = tus.VERSION
        answer["Cache-Control"] = "no-store"
        return answer


class UploadListView(TusView):
    """Where uploads begin."""

    @extend_schema(
        operation_id="uploads_create",
        request={tus.CONTENT_TYPE: OpenApiTypes.BINARY},
        parameters=[
            _VERSION,
            _header("Upload-Length", "Size of the whole file [bytes].", kind=OpenApiTypes.INT64),
            _header(
                "Upload-Metadata",
                "Pairs of a key and a base64 value, parted by commas: filename; what is said about the file "
                "(instrument by slug or name, optical_path and standard by name or number, label, acquired_at, "
                "field_of_view, field_role); sha256 of the whole file; head, its first bytes in hex, to hear a refusal "
                "before anything is sent.",
                required=False,
            ),
            _CHECKSUM,
        ],
        responses={201: OpenApiResponse(description=f"Location is its address. {_WHOLE}")},
    )
    def post(self, request: Request) -> Response:
        """Announce a file; a body is its first bytes (creation-with-upload)."""
        headers = request.headers
        for unknown in ("Upload-Defer-Length", "Upload-Concat"):
            if unknown in headers:
                raise InputError(f"{unknown} is not offered here.", hint="Send Upload-Length, and each file by itself.")
        length = _body_length(request)
        if length:
            tus.check_content_type(headers)
        checked = tus.checksum(headers.get("Upload-Checksum", ""))
        upload = _announced(request)
        if length:
            upload = upload_append(upload, request._request, offset=0, length=length, checksum=checked)
        return Response(
            status=status.HTTP_201_CREATED,
            headers={"Location": f"{request.path}{upload.pk}/", **tus.described(upload)},
        )


class UploadView(TusView):
    """One upload."""

    def head(self, request: Request, upload_id: UUID) -> Response:
        """Say where it stands; a file that is whole but not in yet is taken in."""
        upload = upload_finish(upload_get(request.user, upload_id))
        headers = {"Upload-Length": str(upload.size_bytes), **tus.described(upload)}
        if upload.tus_metadata:
            headers["Upload-Metadata"] = upload.tus_metadata
        return Response(status=status.HTTP_200_OK, headers=headers)

    @extend_schema(
        operation_id="uploads_append",
        request={tus.CONTENT_TYPE: OpenApiTypes.BINARY},
        parameters=[
            _VERSION,
            _header("Upload-Offset", "Where the upload stands [bytes].", kind=OpenApiTypes.INT64),
            _CHECKSUM,
        ],
        responses={
            204: OpenApiResponse(description=f"Upload-Offset and Upload-Expires. {_WHOLE}"),
            409: OpenApiResponse(description="It stands elsewhere: ask by HEAD."),
            410: OpenApiResponse(description="It was removed."),
            413: OpenApiResponse(description="More bytes than were announced."),
            460: OpenApiResponse(description="The checksum is another; nothing of the body was kept."),
        },
    )
    def patch(self, request: Request, upload_id: UUID) -> Response:
        """Add bytes; the last one makes the acquisition."""
        tus.check_content_type(request.headers)
        offset = tus.number(request.headers, "Upload-Offset")
        checked = tus.checksum(request.headers.get("Upload-Checksum", ""))
        upload = upload_get(request.user, upload_id)
        length = tus.number(request.headers, "Content-Length")
        upload = upload_append(upload, request._request, offset=offset, length=length, checksum=checked)
        return Response(status=status.HTTP_204_NO_CONTENT, headers=tus.described(upload))

    @extend_schema(
        operation_id="uploads_terminate",
        request=None,
        parameters=[_VERSION],
        responses={204: OpenApiResponse(description="It is removed; a file that is in already stays in.")},
    )
    def delete(self, request: Request, upload_id: UUID) -> Response:
        """Give it up and free its space."""
        upload_terminate(upload_get(request.user, upload_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _announced(request: Request) -> Upload:
    """Make the upload that the headers announce."""
    text = request.headers.get("Upload-Metadata", "")
    said = tus.metadata(text)
    name = said.pop("filename", "") or said.get("name", "")
    if not name:
        raise InputError("The file has no name.", hint="Send 'filename' in Upload-Metadata.")
    promised = said.pop("sha256", "").lower()
    if promised and not _SHA256.fullmatch(promised):
        raise InputError("sha256 in Upload-Metadata is no SHA-256 in hex.", hint="Leave it out, or send 64 digits.")
    try:
        head = binascii.unhexlify(said.pop("head", ""))
    except binascii.Error as error:
        raise InputError("head in Upload-Metadata is not in hex.", hint="Leave it out, or send hex.") from error
    return upload_create(
        user=request.user,
        size_bytes=tus.number(request.headers, "Upload-Length"),
        original_name=name,
        given=about(said, facility_of(request.user)),
        head=head,
        tus_metadata=text,
        promised_sha256=promised,
    )


def _first_bytes(upload: Upload, request: Request, *, length: int, checksum: Checksum | None) -> Upload:
    """Add the bytes that came with the announcement; who hears of a failure has no address to go on with."""
    try:
        return upload_append(upload, request._request, offset=0, length=length, checksum=checksum)
    except StrehlError:
        upload_terminate(upload)
        raise


def _body_length(request: Request) -> int:
    """Return how many bytes the request brings."""
    return tus.number(request.headers, "Content-Length") if request.headers.get("Content-Length") else 0


def _drain(request: Request) -> None:
    """Read and drop what is left of a body, up to a limit."""
    left = DRAIN_BYTES
    try:
        while left > 0 and (piece := request._request.read(min(left, 256 * 1024))):
            left -= len(piece)
    except OSError:  # the client is gone: nobody waits for an answer
        return
