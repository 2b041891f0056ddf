"""A TCP proxy in front of PostgreSQL that cuts a connection at a COMMIT, before or after it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, urlsplit

COMMIT = b"commit\x00"
LIMIT = 65536


class Cutter:
    """Passes everything on; `decide` is called at each COMMIT and may cut the connection.

    None lets the COMMIT pass; with "before" it never arrives; with "after" it is carried out, and its answer
    is lost.
    """

    def __init__(self, target: str) -> None:
        self.decide: Callable[[], str | None] = lambda: None
        self.cuts: list[str] = []
        self.refusing = False
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            end(one)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.refusing:
                    client.close()
                    continue
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        self._open += [client, server]
        cut = threading.Event()
        threading.Thread(target=self._down, args=(server, client, cut), daemon=True).start()
        with suppress(OSError):
            while data := client.recv(LIMIT):
                how = self.decide() if data.endswith(COMMIT) else None
                if how is not None:
                    cut.set()  # before sending, so that no answer passes
                    self.cuts.append(how)
                    if how == "after":
                        server.sendall(data)
                        time.sleep(0.02)
                    break
                server.sendall(data)
        end(client)
        end(server)

    def _down(self, server: socket.socket, client: socket.socket, cut: threading.Event) -> None:
        with suppress(OSError):
            while (data := server.recv(LIMIT)) and not cut.is_set():
                client.sendall(data)
        if not cut.is_set():
            end(client)


def end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def cutting(url: str) -> Iterator[tuple[Cutter, str]]:
    """Start a proxy for a database; return it with the URL of the database through it."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    cutter = Cutter(f"{query['host']}/.s.PGSQL.{query.get('port', '5432')}")
    user = query.get("user", parts.username or "postgres")
    try:
        yield cutter, f"postgresql://{user}@127.0.0.1:{cutter.port}{parts.path}?sslmode=disable"
    finally:
        cutter.close()
