"""Forward what arrives over TLS to billow, byte by byte; there is no other place that it can go to."""

import asyncio
import signal
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

CHUNK = 64 << 10
CONNECT_SECONDS = 5
HANDSHAKE_SECONDS = 10.0
AWAY = b'{"error": {"message": "billow does not answer the proxy; please try again.", "type": "api_error"}}'
"""The answer while billow does not: clients try again after a 503."""


class Proxy:
    """Takes connections on listening sockets, and opens one to billow for each."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def serve(
        self, listeners: list[socket.socket], certificate: Path, ready: Callable[[], None]
    ) -> None:
        """Serve until SIGTERM or Ctrl-C; connections that are open then are closed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        stopping, loop = asyncio.Event(), asyncio.get_running_loop()

        def stop(*_: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(stopping.set)

        # Not the loop's own handlers: they end with it, and a second SIGTERM would kill us then.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        servers = [
            await asyncio.start_server(
                self._taken, sock=sock, ssl=context, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
            for sock in listeners
        ]
        ready()
        await stopping.wait()
        for server in servers:
            server.close()

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            opening = asyncio.open_connection(self._host, self._port)
            upstream, to_billow = await asyncio.wait_for(opening, CONNECT_SECONDS)
        except OSError:  # a time-out is one as well
            await _refuse(reader, writer)
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copied(reader, to_billow))
                both.create_task(_copied(upstream, writer))
        finally:
            for end in (writer, to_billow):
                end.close()


async def _copied(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy until the source ends, and pass the end on, so that a request is answered that ends with it."""
    with suppress(OSError):
        while chunk := await source.read(CHUNK):
            target.write(chunk)
            await target.drain()
    with suppress(OSError):
        if target.can_write_eof():
            target.write_eof()
        else:
            target.close()  # TLS cannot end in one direction only


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(AWAY)}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
    )
    with suppress(OSError):
        await asyncio.wait_for(
            reader.read(CHUNK), CONNECT_SECONDS
        )  # a client that is still sending would not read the answer
        writer.write(head.encode() + AWAY)
        await writer.drain()
    writer.close()
