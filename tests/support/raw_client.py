"""A client that sends exact bytes, and may stop in the middle of a request."""

import json
import socket
import time
from typing import Any
from urllib.parse import urlencode, urlsplit


class Wire:
    """One connection to a server."""

    def __init__(self, url: str, timeout: float = 30) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=timeout)
        self._rest = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> "Wire":
        self.socket.sendall(data)
        return self

    def end_sending(self) -> "Wire":
        """Close the sending side; answers can still be read."""
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def answer(self) -> tuple[int, dict[str, str], Any]:
        """Read the next answer: its status, headers and JSON; the status is 0 if none comes."""
        while b"\r\n\r\n" not in self._rest:
            if not self._read():
                return 0, {}, None
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(self._rest) < length and self._read():
            pass
        body, self._rest = self._rest[:length], self._rest[length:]
        return int(first.split()[1]), headers, json.loads(body) if body[:1] in (b"{", b"[") else body

    def is_closed(self, within: float) -> bool:
        """Check that the server closes the connection in time, without sending anything."""
        self.socket.settimeout(within)
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def _read(self) -> bool:
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError:
            return False
        self._rest += data
        return bool(data)


def head(method: str, path: str, key: str = "", **headers: object) -> bytes:
    """Write the head of a request: `head("POST", "/v1/customers", key, Content_Length=5)`."""
    named = {"Host": "billow", **({"Authorization": f"Bearer {key}"} if key else {}), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


def form(path: str, key: str, fields: dict[str, Any], **headers: object) -> tuple[bytes, bytes]:
    """Write the head and the body of a form."""
    body = urlencode(fields).encode()
    named = {"Content_Type": "application/x-www-form-urlencoded", "Content_Length": len(body), **headers}
    return head("POST", path, key, **named), body


def send_request(url: str, request: bytes, timeout: float = 30) -> tuple[int, dict[str, str], Any, float]:
    """Send a request on a new connection; return the answer and the seconds that it took."""
    begun = time.monotonic()
    with Wire(url, timeout) as wire:
        status, headers, body = wire.send(request).answer()
    return status, headers, body, time.monotonic() - begun
