"""Read a request as it comes in: its head, its body within a deadline, and both as WSGI wants them."""

import asyncio
import io
import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from billow.api.limits import Share
from billow.api.received import Received
from billow.core.errors import Refused, require
from billow.store.keys import Key

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Headers = list[tuple[str, str]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

BODY_SECONDS = 10.0
BODY_RATE = 1 << 18
"""A body must be there within so many seconds, and one more for each so many bytes that have come."""


class Left(Exception):
    """The client closed the connection before its request was whole: nothing is done or answered."""


@dataclass
class Incoming:
    """A request whose head is there, and whose body is not read yet."""

    scope: Mapping[str, Any]
    receive: Receive
    id: str
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for raw, value in self.scope["headers"]:
            name, text = raw.decode("latin-1"), value.strip(b" \t").decode("latin-1")
            if "_" not in name:  # in an environ it would look like the one with a hyphen
                self.headers[name] = f"{self.headers[name]},{text}" if name in self.headers else text

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    @property
    def address(self) -> str:
        client = self.scope.get("client")
        return str(client[0]) if client else ""

    @property
    def length(self) -> int | None:
        """Return the stated length of the body; None if it is sent in chunks."""
        if "transfer-encoding" in self.headers:
            return None
        return int(self.headers.get("content-length") or 0)

    def cookies(self) -> set[str]:
        """Return the names of the cookies that have a value."""
        parts = (each.partition("=") for each in re.split("[;,]", self.headers.get("cookie", "")))
        return {name.strip() for name, _, value in parts if value.strip()}

    def check_expectation(self) -> None:
        """Refuse to go on where more is expected than a word to send the body (RFC 9110, 10.1.1)."""
        if "expect" not in self.headers:
            return
        found = {each.strip().lower() for each in self.headers["expect"].split(",")}
        require(
            found <= {"", "100-continue"},
            "The expectation in the Expect header cannot be met; only 100-continue is known.",
            status=417,
        )

    async def body(self, most: int, share: Share) -> bytes:
        """Read the whole body, of at most so many bytes, each of which the share has room for."""
        begun, parts, size = asyncio.get_running_loop().time(), list[bytes](), 0
        try:
            async with asyncio.timeout_at(begun + BODY_SECONDS) as limit:
                more = True
                while more:
                    message = await self.receive()
                    if message["type"] != "http.request":
                        raise Left
                    parts.append(message["body"])
                    share.take(len(parts[-1]))
                    size += len(parts[-1])
                    require(size <= most, too_large(most), status=413)
                    more = message["more_body"]
                    if more:
                        limit.reschedule(begun + BODY_SECONDS + size / BODY_RATE)
        except TimeoutError:
            raise Refused("The body did not come in time; nothing was done.", status=408) from None
        if self.length not in (None, size):
            raise Left
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def received(self, body: bytes, key: Key) -> Received:
        """Return the request with its whole body."""
        query, length = self.scope["query_string"], len(body)
        return Received(self.method, self.path, query, self.headers, io.BytesIO(body), length, key, self.id)

    def environ(self, body: bytes) -> dict[str, Any]:
        """Return the request in the form of PEP 3333, with its body in memory."""
        scope, server = self.scope, self.scope.get("server") or ("localhost", None)
        named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()}
        named.pop("HTTP_CONTENT_LENGTH", None)
        named.pop("HTTP_TRANSFER_ENCODING", None)
        return {
            **named,
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
            "QUERY_STRING": scope["query_string"].decode("latin-1"),
            "CONTENT_TYPE": named.pop("HTTP_CONTENT_TYPE", ""),
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": str(server[0]),
            "SERVER_PORT": str(server[1] or 80),
            "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
            "REMOTE_ADDR": self.address,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scope["scheme"],
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }


def too_large(most: int) -> str:
    return f"Invalid request: the body is larger than {most} bytes."


def called(application: Wsgi, environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
    """Call a WSGI application, and return its answer: its status, its headers, and its body in one piece."""
    begun: list[tuple[str, Headers]] = []

    def start(status: str, headers: Headers, failed: Any = None) -> None:
        begun.append((status, headers))

    parts = application(environ, start)
    try:
        body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    status, headers = begun[-1]
    return int(status[:3]), headers, body
