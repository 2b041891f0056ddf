"""Open the sockets that a server listens on, hand them to another process, and wait until it answers."""

import http.client
import socket
import threading
from collections.abc import Callable, Mapping, Sequence

from billow.store.embedded import CannotRun

BACKLOG = 1024
"""Connections that wait until a server process takes them."""
HANDED = "BILLOW_LISTENERS"
"""What `billow up` tells the server that it starts; it is no setting."""
PAUSE_SECONDS = 0.2
ANSWER_SECONDS = 5


def listen(host: str, port: int, named: str = "BILLOW_PORT") -> list[socket.socket]:
    """Listen on every address that the host name stands for; refuse a port that is taken.

    The refusal says what the port is `named`, so that its reader knows what to change.

    The sockets listen at once and are held until the command ends, so that of two commands for one port
    the second is refused even while the first is still starting. Connections wait until a server takes them.
    """
    opened: list[socket.socket] = []
    try:
        for family, address in addresses(host, port):
            opened.append(sock := socket.socket(family, socket.SOCK_STREAM))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections may still be closing
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
    except OSError as error:
        for sock in opened:
            sock.close()
        said = f"{host}:{port} cannot be listened on: {error.strerror}"
        raise CannotRun(f"{named}={port}: {said}") from None
    return opened


def addresses(host: str, port: int) -> list[tuple[int, tuple[str, int]]]:
    """Return family and address of each place that a host name stands for, without repeats."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, (str(at[0]), port)) for family, _, _, _, at in found))


def handed_over(listeners: Sequence[socket.socket]) -> dict[str, str]:
    """Return what a process that inherits these sockets has in its environment."""
    return {HANDED: ",".join(str(sock.fileno()) for sock in listeners)}


def inherited(environment: Mapping[str, str]) -> list[socket.socket]:
    """Return the listening sockets that the process which started this one handed over, if any."""
    words = environment.get(HANDED, "").split(",")
    return [socket.socket(fileno=int(word)) for word in words if word]


def on_ready(host: str, port: int, then: Callable[[], None]) -> threading.Event:
    """Call `then` in a thread as soon as the server answers that it is ready; return the event of that.

    `/readyz` also asks the database, so that a server whose requests would be refused is not announced.
    """
    ready = threading.Event()

    def ask() -> None:
        while not is_ready(host, port):
            ready.wait(PAUSE_SECONDS)
        ready.set()
        then()

    threading.Thread(target=ask, name="billow-ready", daemon=True).start()
    return ready


def is_ready(host: str, port: int) -> bool:
    """Return whether the server at this address says that it is ready."""
    asked = http.client.HTTPConnection(reachable(host), port, timeout=ANSWER_SECONDS)
    try:
        asked.request("GET", "/readyz")
        return asked.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def reachable(host: str) -> str:
    """Return the address to call for an address to listen on.

    >>> reachable("0.0.0.0"), reachable("::"), reachable("10.0.0.7")
    ('127.0.0.1', '::1', '10.0.0.7')
    """
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def url_of(host: str, port: int) -> str:
    """Return the URL of a server; an IPv6 address stands in brackets.

    >>> url_of("::1", 8420)
    'http://[::1]:8420'
    """
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
