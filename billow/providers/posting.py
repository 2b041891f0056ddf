"""How is a message posted: one exchange of HTTP/1.1 under one deadline, on a connection that is kept.

The deadline holds for everything together: the name, the connection, TLS, writing, the head of the answer and
its body; who sends a byte a second gains nothing by it. Of an answer only the status is wanted: the head may
have 16 KiB, and the body is read, up to 64 KiB, only so that the connection can be used again.
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
"""For the whole exchange."""
BODY_SECONDS = 2.0
"""How long the body is waited for once the status is known: what takes longer costs the connection."""
HEAD = 16 << 10
READ = 64 << 10
IDLE = 4.0
"""Seconds that an unused connection is kept; many servers close theirs after five."""
KEPT = 8
"""Connections that are kept to one target."""
JUDGED = 1.0
"""Seconds that a judged address may be connected to, so that eight connections at once ask once."""
RESOLVERS = 64
"""Names that are resolved at once, each in a thread: a name server that does not answer holds only one."""
STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: [^\r\n]*)?\r\n")

Post = Callable[[str, dict[str, str], bytes], Awaitable[int]]
"""Posts a body to a URL, with headers, and tells the status; Unavailable where there is none."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a connection goes: an address that was judged, under the name that was asked for."""

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
        """Close at once: nothing more is sent, and nobody waits for the other side."""
        self.writer.transport.abort()


@dataclass(slots=True)
class Place:
    """What is known of one scheme, host and port: kept connections, and where it is."""

    kept: list[Connection] = field(default_factory=list)
    judging: "asyncio.Future[Target] | None" = None
    judged_at: float = 0.0
    at_work: int = 0
    """Exchanges; a place without any, and without kept connections, is forgotten."""


class Closed(Exception):
    """A kept connection ended before it answered anything: the message goes over a new one."""


@dataclass(eq=False)
class Line:
    """Posts, for as long as one event loop runs. `check` judges a URL; it may block, and runs in a thread."""

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
        """The status of the answer. Redirects are not followed; all of it takes 15 seconds at the most."""
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
        """Send over a kept connection; over a new one where there is none, or where it had been closed."""
        while connection := self._kept(place):
            try:
                return await self._exchange(place, connection, message)
            except Closed:
                continue
        return await self._exchange(place, await self._open(place, url), message)

    def _kept(self, place: Place) -> Connection | None:
        """A kept connection that is still open; what has been idle too long is closed."""
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
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ)  # a long answer is not taken in
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(plain, (target.address, target.port))
        except BaseException:
            plain.close()
            raise
        # From here on the socket is the transport's, which closes it whatever happens.
        if not target.secure:
            return Connection(*await asyncio.open_connection(sock=plain, limit=HEAD))
        return Connection(
            *await asyncio.open_connection(
                sock=plain, limit=HEAD, ssl=self._tls, server_hostname=target.host.removesuffix(".")
            )
        )

    async def _judged(self, place: Place, url: str) -> Target:
        """The judged address of a place. Who asks while it is being judged waits for the same answer."""
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
        """The head of the final answer: those of 1xx go before it, a few at the most."""
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
        """Forget a place that nothing is known of any more but an address that may have changed."""
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
    """Read the body; whether it came whole and the connection can carry another message."""
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
    """Whether chunks ended as they should, within what is read of a body; trailers are not expected."""
    left = READ
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        left -= size
        if size < 0 or left < 0:
            return False
        await reader.readexactly(size + 2)
    return await reader.readuntil(b"\r\n") == b"\r\n"
