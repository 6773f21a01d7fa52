"""Files sent to a Strehl elsewhere, by resumable uploads; the microscope's PC needs no database."""

from __future__ import annotations

import hashlib
import json
import socket
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin

import requests
import urllib3.connection
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from common.errors import AccessError, InputError, NotFoundError, StateError, StrehlError, UnavailableError
from common.image_formats import HEAD_BYTES

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tusclient.uploader.uploader import Uploader

CHUNK_BYTES = 8 * 1024**2
ASK_SECONDS = 30.0
_UPLOADS = "api/v1/uploads/"
_PASSING = frozenset({404, 408, 409, 410, 423, 429, 460})
"""Answers that say nothing against the file: it was changed or given up meanwhile, or another sends it."""

# tuspy sets no time limits: let the system notice a connection whose other end is gone, and end it after a minute
_ALIVE = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)] + [
    (socket.IPPROTO_TCP, getattr(socket, name), value)
    for name, value in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 4), ("TCP_USER_TIMEOUT", 60_000))
    if hasattr(socket, name)
]


class RemoteTaker:
    """Sends files to a server.

    Parameters
    ----------
    server : str
        Its address: "https://strehl.example.org/".
    token : str
        Of an operator's account.
    said : mapping of str to str
        What is said about every file: instrument, optical_path, standard, label.
    """

    def __init__(self, server: str, token: str, said: Mapping[str, str]) -> None:
        self.server = server.rstrip("/") + "/"
        self.said = {name: value for name, value in said.items() if value}
        self.headers = {"Authorization": f"Token {token}", "Accept": "application/json"}
        self.client = TusClient(urljoin(self.server, _UPLOADS), self.headers)
        options = urllib3.connection.HTTPConnection.default_socket_options
        urllib3.connection.HTTPConnection.default_socket_options = [
            *options,
            *(one for one in _ALIVE if one not in options),
        ]

    def check(self) -> None:
        """Ask the server whether the token and the instrument are known, before anything is watched.

        Raises
        ------
        UnavailableError
            It does not answer.
        AccessError
            The token is not valid.
        NotFoundError
            It knows no such instrument.
        """
        address = urljoin(self.server, "api/v1/instruments/")
        try:
            answer = requests.get(address, headers=self.headers, timeout=ASK_SECONDS, params={"page_size": "500"})
        except requests.RequestException as error:
            raise _away(error) from error
        if answer.status_code != 200:
            raise _refusal(answer.status_code, answer.content)
        known = [(row["slug"], row.get("name", "")) for row in answer.json()["results"]]
        wanted = self.said.get("instrument")
        if wanted and not any(wanted in names for names in known):
            raise NotFoundError(
                f"The server knows no instrument '{wanted}'.",
                hint=f"Known: {', '.join(slug for slug, _ in known) or 'none yet'}.",
            )

    def take(self, path: Path, *, address: str, keep: Callable[[str], None], stopped: threading.Event) -> str:
        """Send a file, from where an earlier attempt stopped; see `metrology.watching.watch.Taker`."""
        try:
            with path.open("rb") as stream:
                sender = self._sender(stream, path.name, address)
                if sender.url is None:
                    sender.set_url(sender.create_url())
                    keep(str(sender.url))
                while sender.offset < sender.stop_at:
                    if stopped.is_set():
                        raise UnavailableError("The watch is stopped.", hint="It goes on with this file next time.")
                    sender.upload_chunk()  # type: ignore[no-untyped-call]  # tuspy has few types
                return self._said_of(str(sender.url))
        except requests.RequestException as error:
            raise _away(error) from error
        except OSError as error:
            raise StateError(
                f"{path.name} cannot be read.", hint="Check its disk or network share.", reason=str(error)
            ) from error
        except (TusCommunicationError, TusUploadFailed) as error:
            if error.status_code is None:
                raise _away(error) from error
            raise _refusal(error.status_code, error.response_content) from error

    def _sender(self, stream: IO[bytes], name: str, address: str) -> Uploader:
        """Return the sender of a file; at the address of an earlier attempt if the server still has that."""
        head = stream.read(HEAD_BYTES).hex()
        stream.seek(0)
        metadata = {**self.said, "filename": name, "head": head, "sha256": _sha256(stream)}
        options: dict[str, Any] = {"file_stream": stream, "chunk_size": CHUNK_BYTES, "metadata": metadata}
        if address:
            try:
                return self.client.uploader(url=address, **options)
            except TusCommunicationError as error:
                if error.status_code not in {404, 410}:
                    raise
        return self.client.uploader(**options)

    def _said_of(self, address: str) -> str:
        """Return the sentence of the server about a file that is whole."""
        asked = {**self.headers, "Tus-Resumable": "1.0.0"}
        answer = requests.head(address, headers=asked, timeout=ASK_SECONDS)
        if answer.status_code != 200 or "Strehl-Message" not in answer.headers:
            raise StateError("The file is sent, but the server has not taken it in yet.", hint="It is asked again.")
        page = urljoin(self.server, answer.headers.get("Strehl-Acquisition", ""))
        return f"{unquote(answer.headers['Strehl-Message'])} See {page}"


def _sha256(stream: IO[bytes]) -> str:
    return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]  # an open file is one


def _away(error: Exception) -> UnavailableError:
    return UnavailableError("The server does not answer.", hint="Check its address and the network.", reason=str(error))


def _refusal(status: int, body: bytes | None) -> StrehlError:
    """Make the server's sentence an error again."""
    try:
        said = str(json.loads(body or b"")["message"])
    except (ValueError, KeyError, TypeError):
        said = f"The server answered {status}. Its log says why."
    problem, _, hint = said.partition(". ")
    kind: type[StrehlError] = InputError
    if status in {401, 403}:
        kind = AccessError
    elif status in _PASSING:
        kind = StateError
    elif status >= 500:
        kind = UnavailableError
    return kind(f"{problem.rstrip('.')}.", hint=hint or "See the server's documentation.", status=status)
