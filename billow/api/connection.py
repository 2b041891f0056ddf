"""Limit how long a connection may be silent and a head may be, and answer a client that stops sending."""

import asyncio
from http import HTTPStatus
from time import monotonic
from typing import Any

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from billow.core.errors import Refused

HEAD_SECONDS = 10.0
"""How long a head may take from its first byte, or from the beginning of the connection."""
HEAD_BYTES = 1 << 16
"""How much may come that is neither a whole head nor a part of a body."""
CONNECTIONS = 1000
"""Connections of a process; for one more, the one that has been idle longest is closed."""


class Connection(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 connection with the deadlines and limits that it leaves to others."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.idle_since: float | None = monotonic()  # the loop's time stands still while it handles several
        self._deadline: asyncio.TimerHandle | None = None
        self._useless, self._got_something = 0, False
        self._head_begun = self._ended = False

    # Called by the event loop

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()
        if len(self.connections) > CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._got_something = False
        super().data_received(data)
        if self._deadline is None and not self.answering:
            self._expect_head()  # a head that came whole needs no deadline, and most do
        self._useless = 0 if self._got_something else self._useless + len(data)
        if self._useless > HEAD_BYTES and not self.transport.is_closing():
            self._refuse("The head of the request is too long.", 431)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection only for a request that arrived whole: the client may still read its answer."""
        self._ended = True
        whole = self.answering and not self.cycle.more_body
        return whole and not self.transport.is_closing()

    # Called by the parser

    def on_message_begin(self) -> None:
        self._head_begun = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_begun:  # what follows a body as a trailer is no header
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._got_something, self._head_begun, self.idle_since = True, False, None
        self._cancel_deadline()
        if dict(self.headers).get(b"transfer-encoding", b"chunked").strip().lower() != b"chunked":
            # Another coding would be left in the body and read as parameters. An error here answers 400.
            raise ValueError("a transfer coding that is not supported")
        proposed = self.parser.should_upgrade()
        if proposed and self._brings_a_body():
            # The parser takes what follows for the other protocol and says that the request is over: its
            # body would be lost, and what it asks for done without parameters.
            raise ValueError("a protocol upgrade is proposed with a request that has a body")
        super().on_headers_complete()
        if proposed:
            self.cycle.keep_alive = False  # nothing more can be read from this connection

    def on_body(self, body: bytes) -> None:
        self._got_something = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._got_something = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.answering:
            return
        self.idle_since = monotonic()
        if self._ended:
            self.transport.close()
        elif self._head_begun and self._deadline is None:
            self._expect_head()

    # Deadlines and refusals

    @property
    def answering(self) -> bool:
        """Return whether a request is being read or carried out."""
        return self.cycle is not None and not self.cycle.response_complete

    def _brings_a_body(self) -> bool:
        named = dict(self.headers)
        return b"transfer-encoding" in named or named.get(b"content-length", b"0").strip() != b"0"

    def _unsupported_upgrade_warning(self) -> None:
        # A proposal that nobody takes up is no fault: Java's client makes one with each first request.
        pass

    def send_400_response(self, msg: str) -> None:
        self._refuse(msg, 400)

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.timeout_keep_alive_handler)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _make_room(self) -> None:
        idle = [each for each in self.connections if isinstance(each, Connection) and each is not self]
        oldest = min(
            (each for each in idle if each.idle_since is not None and not each.transport.is_closing()),
            key=lambda each: each.idle_since or 0.0,
            default=None,
        )
        if oldest is not None:
            oldest.transport.close()
        else:
            self._refuse("The server has too many connections; please try again.", 503)

    def _refuse(self, message: str, status: int) -> None:
        """Answer without the application, and close."""
        body = msgspec.json.encode(Refused(message, status=status).body())
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *(["Retry-After: 1"] if status == 503 else []),
        ]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.transport.close()
