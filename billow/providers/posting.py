"""Post a message in one exchange of HTTP/1.1, with one deadline, over a connection that is kept for the next.

The deadline covers everything together: resolving the name, connecting, TLS, writing, and reading the answer;
a server that sends a byte a second cannot extend it. Only the status of the answer is used: its head may have
16 KiB, and its body is read, up to 64 KiB, only so that the connection can be used again.
"""

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from billow.core import web_address
from billow.core.errors import Unavailable

SECONDS = 15.0
"""The deadline of a whole exchange."""
BODY_SECONDS = 2.0
"""How long to read the body once the status is known; if it takes longer, the connection is closed."""
HEAD = 16 << 10
READ = 64 << 10
IDLE = 4.0
"""Seconds that an unused connection is kept; many servers close theirs after five."""
KEPT = 8
"""The most unused connections that are kept to one target."""
JUDGED = 1.0
"""Seconds for which a checked address is used, so that eight connections at once check it once."""
RESOLVERS = 64
"""Names resolved at the same time, each in a thread, so that a silent name server blocks only one."""
STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: [^\r\n]*)?\r\n")

Post = Callable[[str, dict[str, str], bytes], Awaitable[int]]
"""Posts a body with headers to a URL, and returns the status; raises Unavailable without an answer."""


@dataclass(frozen=True, slots=True)
class Target:
    """What to connect to: an address that was checked, and the host name of the URL."""

    secure: bool
    host: str
    port: int
    address: str


@dataclass(slots=True, eq=False)
class Connection:
    """An open connection; `fresh` until it has carried an exchange."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    fresh: bool = True
    idle_since: float = 0.0

    def drop(self) -> None:
        """Close the connection at once, without sending what is left or waiting for the other side."""
        self.writer.transport.abort()


@dataclass(slots=True)
class Place:
    """The kept connections and the checked address of one scheme, host and port."""

    kept: list[Connection] = field(default_factory=list)
    judging: "asyncio.Future[Target] | None" = None
    judged_at: float = 0.0
    at_work: int = 0
    """Running exchanges; a place without any, and without kept connections, is forgotten."""


class Closed(Exception):
    """Raised when a kept connection was closed before it answered; the message is sent over a new one."""


@dataclass(eq=False)
class Line:
    """Posts messages while one event loop runs. `check` checks a URL in a thread, since it may block."""

    check: Callable[[str], Target]
    places: dict[tuple[str, str], Place] = field(default_factory=dict)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    @cached_property
    def _resolvers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolve")

    def close(self) -> None:
        for place in self.places.values():
            for connection in place.kept:
                connection.drop()
        self.places.clear()
        if "_resolvers" in self.__dict__:
            self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        """Post a body and return the status. Redirects are not followed; the deadline is 15 seconds."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._post(url, headers, body)
        except TimeoutError as error:
            raise Unavailable(f"{url} did not answer within {SECONDS:.0f} seconds") from error
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            # ValueError: a name that TLS refuses, or an answer that is no HTTP.
            raise Unavailable(f"{url} did not answer: {error or type(error).__name__}") from error

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        parts = urlsplit(web_address.encoded(url))
        message = request(parts.netloc, target_of(parts.path, parts.query), headers, body)
        key = (parts.scheme, parts.netloc.lower())
        place = self.places.setdefault(key, Place())
        place.at_work += 1
        try:
            return await self._sent(place, url, message)
        finally:
            place.at_work -= 1
            self._forget(key)

    async def _sent(self, place: Place, url: str, message: bytes) -> int:
        """Send over a kept connection, or over a new one if none is kept or the kept ones were closed."""
        while connection := self._kept(place):
            try:
                return await self._exchange(place, connection, message)
            except Closed:
                continue
        return await self._exchange(place, await self._open(place, url), message)

    def _kept(self, place: Place) -> Connection | None:
        """Return a kept connection that is still open, and close those that were idle too long."""
        now = time.monotonic()
        while place.kept:
            connection = place.kept.pop()
            usable = now - connection.idle_since < IDLE and not connection.reader.at_eof()
            if usable and not connection.writer.is_closing():
                return connection
            connection.drop()
        return None

    async def _open(self, place: Place, url: str) -> Connection:
        target = await self._judged(place, url)
        family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
        plain = socket.socket(family, socket.SOCK_STREAM)
        try:
            plain.setblocking(False)
            plain.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, READ
            )  # so that a long answer is not buffered
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(plain, (target.address, target.port))
        except BaseException:
            plain.close()
            raise
        # From here on the transport owns the socket and closes it in every case.
        if not target.secure:
            return Connection(*await asyncio.open_connection(sock=plain, limit=HEAD))
        return Connection(
            *await asyncio.open_connection(
                sock=plain, limit=HEAD, ssl=self._tls, server_hostname=target.host.removesuffix(".")
            )
        )

    async def _judged(self, place: Place, url: str) -> Target:
        """Return the checked address of a place; callers during the check wait for its result."""
        if place.judging is None or (place.judging.done() and time.monotonic() - place.judged_at > JUDGED):
            loop = asyncio.get_running_loop()
            place.judging = loop.run_in_executor(self._resolvers, self.check, url)
            place.judged_at = time.monotonic()
            place.judging.add_done_callback(lambda future: future.cancelled() or future.exception())
        return await asyncio.shield(place.judging)

    async def _exchange(self, place: Place, connection: Connection, message: bytes) -> int:
        reusable = False
        try:
            head = await self._answered(connection, message)
            status = status_of(head)
            reusable = await _read_to_the_end(connection.reader, head, status)
            return status
        finally:
            connection.fresh = False
            if reusable and len(place.kept) < KEPT:
                connection.idle_since = time.monotonic()
                place.kept.append(connection)
                asyncio.get_running_loop().call_later(IDLE, self._close_idle, place)
            else:
                connection.drop()

    async def _answered(self, connection: Connection, message: bytes) -> bytes:
        """Send a message and read the head of the final answer, after a few answers of 1xx at most."""
        try:
            connection.writer.write(message)
            await connection.writer.drain()
            head = await connection.reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError) as error:
            begun = isinstance(error, asyncio.IncompleteReadError) and error.partial
            if connection.fresh or begun:
                raise
            raise Closed from error
        left = HEAD - len(head)
        while head[9:10] == b"1" and left > 0:
            head = await connection.reader.readuntil(b"\r\n\r\n")
            left -= len(head)
        return head

    def _close_idle(self, place: Place) -> None:
        before = time.monotonic() - IDLE
        for connection in [one for one in place.kept if one.idle_since <= before]:
            place.kept.remove(connection)
            connection.drop()
        for key in [key for key, known in self.places.items() if known is place]:
            self._forget(key)

    def _forget(self, key: tuple[str, str]) -> None:
        """Forget a place that has no connections, exchanges or running check; its address can change."""
        place = self.places.get(key)
        pending = place and place.judging and not place.judging.done()
        if place and not place.kept and not place.at_work and not pending:
            del self.places[key]


def target_of(path: str, query: str) -> str:
    return (path or "/") + (f"?{query}" if query else "")


def request(host: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"POST {target} HTTP/1.1", f"Host: {host}", "Accept-Encoding: identity"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("ascii") + body


def status_of(head: bytes) -> int:
    found = STATUS.match(head)
    if not found or found[1].startswith(b"1"):
        raise ValueError("its answer is no HTTP")
    return int(found[1])


async def _read_to_the_end(reader: asyncio.StreamReader, head: bytes, status: int) -> bool:
    """Read the body. Returns whether it was complete, so that the connection can be used again."""
    lines = head.lower().split(b"\r\n")
    named = [line.partition(b":") for line in lines[1:] if line]
    fields = {name.strip(): value.strip() for name, _, value in named}
    if not lines[0].startswith(b"http/1.1") or b"close" in fields.get(b"connection", b""):
        return False
    if status in (204, 304):
        return True
    try:
        async with asyncio.timeout(BODY_SECONDS):
            if b"transfer-encoding" in fields:
                return await _read_chunks(reader)
            length = fields.get(b"content-length", b"")
            if not re.fullmatch(rb"[0-9]{1,5}", length) or int(length) > READ:
                return False
            await reader.readexactly(int(length))
            return True
    except (OSError, TimeoutError, EOFError, ValueError, asyncio.LimitOverrunError):
        return False


async def _read_chunks(reader: asyncio.StreamReader) -> bool:
    """Read a chunked body. Returns whether it ended correctly within the limit; trailers are not expected."""
    left = READ
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        left -= size
        if size < 0 or left < 0:
            return False
        await reader.readexactly(size + 2)
    return await reader.readuntil(b"\r\n") == b"\r\n"
